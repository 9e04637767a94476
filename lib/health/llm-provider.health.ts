import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { PolicyModel, PolicySnapshot } from '../planning/index.js';
import type { KeyHealth } from '../providers/key-health.js';
import { RouterEngine } from '../router/index.js';
import type { BreakerState, LiveDeployment } from '../signals/index.js';
import { type DeploymentHealth, judgeDeployment, sumHeadroom } from './deployment-health.js';
import { isoTime, latest, share, wholeMs } from './presentation.js';
import { ProviderProbe, type ProbeResult } from './provider-probe.js';
import { toTerminus } from './terminus.js';

/** A health answer is fetched every few seconds: it stays small, whatever is configured. */
const MAX_DEPLOYMENTS = 20;

const WORST_FIRST: readonly BreakerState[] = ['open', 'half_open', 'ramping', 'closed'];

/**
 * Terminus indicators of the providers, from live traffic: no probe, no token spent. A provider without traffic is up;
 * one that fails is `degraded`, because the router still serves by the others. On Terminus 11, which has no
 * `degraded`, it is `up` with `degraded: true` in the detail.
 *
 * The detail has names, counts and times, and nothing else: no key, URL or text of a provider.
 * - `breaker`: the worst of its deployments: `open`, put behind all others by its own faults; `half_open`, its pause is
 *   over and the next call is a trial; `ramping`, its traffic returns step by step; `closed`.
 * - `recentCalls`, `recentErrorRate`, `p95LatencyMs` (whole answers), `p95TimeToFirstTokenMs` (streams): over at most
 *   the last 64 calls of each deployment in the last 30 seconds; null where there was none. A rate limit or a request
 *   the caller got wrong is no error here. What was since the boot is in the KPIs.
 * - `lastSuccessAt`, `lastErrorAt`, `lastErrorKind`: since the boot, rate limits included.
 * - `inFlight`; `headroom`: calls more until `maxConcurrency`, null without one; `rateLimitedUntil`: the end of the
 *   wait that a 429 asked for.
 * - `trouble`: why it is degraded; `deployments`: the same by deployment, at most 20, those in trouble first. Of the
 *   models in rules and pins and of those that have been called, here as above.
 * - `probe`, where `health.probe` is enabled: the last one's `status`, `checkedAt`, `latencyMs` and `errorKind`. A
 *   failed one makes the provider degraded unless a call has succeeded since.
 * - `keys`, where the provider is let in by keys: how many there are (`total`), how many of them are not refused
 *   (`usable`), and the positions, from 1, of those that are (`refused`), which make the provider degraded.
 *
 * @example
 * ```ts
 * @Get('health') @HealthCheck()
 * check() {
 *   return this.health.check(this.providers.names().map((name) => () => this.providers.isHealthy(name)));
 * }
 * ```
 * @publicApi
 */
@Injectable()
export class LlmProviderHealthIndicator {
  /** @internal */
  constructor(
    private readonly engine: RouterEngine,
    private readonly probe: ProviderProbe,
    private readonly health: HealthIndicatorService,
  ) {}

  /** The configured providers. */
  names(): string[] {
    return [...this.engine.runtime.clients.keys()];
  }

  /**
   * @param key - The key in the health result; the provider's name by default.
   * @throws TypeError for a name that is not configured.
   */
  isHealthy(provider: string, key = provider): HealthIndicatorResult {
    if (!this.engine.runtime.clients.has(provider)) {
      throw new TypeError(`There is no LLM provider "${provider}"; configured: ${this.names().join(', ')}`);
    }
    const nowMs = Date.now();
    const { policy } = this.engine.runtime;
    const inRules = modelsInRules(policy);
    const deployments = [...policy.models.values()]
      .flatMap((model) => model.deployments)
      .filter((deployment) => deployment.provider === provider)
      .map((deployment) => judgeDeployment(deployment, this.engine.signals.of(deployment.id), nowMs))
      // A client may name any model of the catalogue: those nobody has named yet would only fill the page.
      .filter(({ deployment, signals }) => inRules.has(deployment.model) || hasTraffic(signals));
    const lastSuccessAtMs = latest(deployments.map(({ signals }) => signals.lastSuccessAtMs));
    const probed = this.probe.resultOf(provider);
    const keys = this.engine.runtime.clients.get(provider)?.keyHealth?.();
    const trouble = [
      ...deployments
        .filter((deployment) => deployment.trouble !== undefined)
        .map(({ deployment, trouble: reason }) => `${deployment.model.name}: ${reason ?? ''}`),
      ...(isProbeTrouble(probed, lastSuccessAtMs) ? [`probe: ${probed?.errorKind ?? 'failed'}`] : []),
      ...troubleOfKeys(keys),
    ];
    const detail = {
      ...this.describe(deployments, lastSuccessAtMs, nowMs),
      ...(probed === undefined ? {} : { probe: describeProbe(probed) }),
      ...(keys === undefined ? {} : { keys: describeKeys(keys) }),
      ...(trouble.length > 0 ? { trouble: trouble.slice(0, MAX_DEPLOYMENTS) } : {}),
      deployments: [...deployments]
        .sort((first, second) => Number(second.trouble !== undefined) - Number(first.trouble !== undefined))
        .slice(0, MAX_DEPLOYMENTS)
        .map((deployment) => this.describeOne(deployment, nowMs)),
    };
    return toTerminus(this.health, key, trouble.length > 0 ? 'degraded' : 'up', detail);
  }

  private describe(
    deployments: readonly DeploymentHealth[],
    lastSuccessAtMs: number | undefined,
    nowMs: number,
  ): Record<string, unknown> {
    const recent = this.engine.signals.recent(deployments.map(({ deployment }) => deployment.id));
    const lastErrorAtMs = latest(deployments.map(({ signals }) => signals.lastErrorAtMs));
    const lastError = deployments.find(({ signals }) => signals.lastErrorAtMs === lastErrorAtMs)?.signals;
    const restingUntilMs = latest(deployments.map(({ signals }) => signals.restingUntilMs)) ?? 0;
    return {
      breaker: WORST_FIRST.find((state) => deployments.some(({ breaker }) => breaker === state)) ?? 'closed',
      inFlight: deployments.reduce((sum, { signals }) => sum + signals.inFlight, 0),
      headroom: sumHeadroom(deployments) ?? null,
      recentCalls: recent.calls,
      recentErrorRate: share(recent.errorRate),
      p95LatencyMs: wholeMs(recent.p95LatencyMs),
      p95TimeToFirstTokenMs: wholeMs(recent.p95TimeToFirstTokenMs),
      lastSuccessAt: isoTime(lastSuccessAtMs),
      lastErrorAt: isoTime(lastErrorAtMs),
      lastErrorKind: lastError?.lastErrorKind ?? null,
      rateLimitedUntil: restingUntilMs > nowMs ? isoTime(restingUntilMs) : null,
    };
  }

  private describeOne(health: DeploymentHealth, nowMs: number): Record<string, unknown> {
    const { deployment, trouble } = health;
    return {
      deployment: deployment.id,
      model: deployment.model.name,
      ...this.describe([health], health.signals.lastSuccessAtMs, nowMs),
      ...(trouble === undefined ? {} : { trouble }),
    };
  }
}

function modelsInRules(policy: PolicySnapshot): Set<PolicyModel> {
  const models = new Set<PolicyModel>();
  for (const rule of policy.rules.values()) {
    for (const tier of rule.tiers) for (const model of tier.models) models.add(model);
  }
  for (const { pin } of policy.surfaces.values()) if (pin !== undefined) models.add(pin);
  return models;
}

function hasTraffic({ inFlight, lastSuccessAtMs, lastErrorAtMs }: LiveDeployment): boolean {
  return inFlight > 0 || lastSuccessAtMs !== undefined || lastErrorAtMs !== undefined;
}

/** Live traffic knows better: a call that has succeeded since overrules a failed probe. */
function isProbeTrouble(probed: ProbeResult | undefined, lastSuccessAtMs: number | undefined): boolean {
  return probed?.status === 'failed' && (lastSuccessAtMs ?? 0) <= probed.checkedAtMs;
}

function describeKeys({ total, usable, refused }: KeyHealth): Record<string, unknown> {
  return { total, usable, refused: refused.slice(0, MAX_DEPLOYMENTS) };
}

function troubleOfKeys(keys: KeyHealth | undefined): string[] {
  if (keys === undefined || keys.refused.length === 0) return [];
  return [`keys: ${keys.refused.length} of ${keys.total} refused`];
}

function describeProbe({ status, checkedAtMs, latencyMs, errorKind }: ProbeResult): Record<string, unknown> {
  return {
    status,
    checkedAt: isoTime(checkedAtMs),
    latencyMs: wholeMs(latencyMs),
    errorKind: errorKind ?? null,
  };
}
