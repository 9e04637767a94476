import type { BreakerState, LiveSignals } from '../signals/index.js';
import { type DeploymentHealth, sumHeadroom } from './deployment-health.js';
import { isoTime, latest, share, wholeMs } from './presentation.js';
import type { ProbeResult } from './provider-probe.js';

const WORST_FIRST: readonly BreakerState[] = ['open', 'half_open', 'ramping', 'closed'];

/** Some deployments together, in names, counts and times. */
export function describeDeployments(
  signals: LiveSignals,
  deployments: readonly DeploymentHealth[],
  nowMs: number,
): Record<string, unknown> {
  const recent = signals.recent(deployments.map(({ deployment }) => deployment.id));
  const live = deployments.map((deployment) => deployment.signals);
  const lastErrorAtMs = latest(live.map((one) => one.lastErrorAtMs));
  const lastError = live.find((one) => one.lastErrorAtMs === lastErrorAtMs);
  const restingUntilMs = latest(live.map((one) => one.restingUntilMs)) ?? 0;
  return {
    breaker: WORST_FIRST.find((state) => deployments.some(({ breaker }) => breaker === state)) ?? 'closed',
    inFlight: live.reduce((sum, { inFlight }) => sum + inFlight, 0),
    headroom: sumHeadroom(deployments) ?? null,
    recentCalls: recent.calls,
    recentErrorRate: share(recent.errorRate),
    p95LatencyMs: wholeMs(recent.p95LatencyMs),
    p95TimeToFirstTokenMs: wholeMs(recent.p95TimeToFirstTokenMs),
    lastSuccessAt: isoTime(latest(live.map((one) => one.lastSuccessAtMs))),
    lastErrorAt: isoTime(lastErrorAtMs),
    lastErrorKind: lastError?.lastErrorKind ?? null,
    rateLimitedUntil: restingUntilMs > nowMs ? isoTime(restingUntilMs) : null,
  };
}

/** One of them, with its name and why it cannot be counted on. */
export function describeDeployment(
  signals: LiveSignals,
  health: DeploymentHealth,
  nowMs: number,
): Record<string, unknown> {
  const { deployment, trouble } = health;
  return {
    deployment: deployment.id,
    model: deployment.model.name,
    ...describeDeployments(signals, [health], nowMs),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

export function describeProbe({
  status,
  checkedAtMs,
  latencyMs,
  errorKind,
}: ProbeResult): Record<string, unknown> {
  return {
    status,
    checkedAt: isoTime(checkedAtMs),
    latencyMs: wholeMs(latencyMs),
    errorKind: errorKind ?? null,
  };
}
