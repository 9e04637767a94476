import type { PolicyDeployment } from './policy-snapshot.js';
import type { DeploymentSignals } from './signals-snapshot.js';

/**
 * Why a deployment stands behind those that can be counted on, mildest first: it misses its tier's target; it has stopped
 * answering at its usual pace; its breaker lets back a part of the traffic only; a critical alert on it stands; it is full; its breaker is open, or its
 * probe is under way; it waits out a rate limit, or has nothing left of one.
 */
export type DeferralKind = 'over_target' | 'slow' | 'ramping' | 'in_alert' | 'full' | 'failing' | 'resting';

export interface Deferral {
  readonly kind: DeferralKind;
  /** For people. */
  readonly text: string;
}

const SEVERITY: Readonly<Record<DeferralKind, number>> = {
  over_target: 1,
  slow: 2,
  ramping: 3,
  in_alert: 4,
  full: 5,
  failing: 6,
  resting: 7,
};

/** The order among those that stand behind: 0 for one that does not. */
export function severityOf(kind: DeferralKind | undefined): number {
  return kind === undefined ? 0 : SEVERITY[kind];
}

/** Calls it takes at once: the configured ceiling, or less where less was found out; undefined: no limit is known. */
export function capacityOf(
  { maxConcurrency }: Pick<PolicyDeployment, 'maxConcurrency'>,
  { limit }: Pick<DeploymentSignals, 'limit'>,
): number | undefined {
  if (maxConcurrency === undefined || limit === undefined) return maxConcurrency ?? limit;
  return Math.min(maxConcurrency, limit);
}

/** Put behind by its own faults, until a probe has shown it well. */
export function isFailing({ breaker }: Pick<DeploymentSignals, 'breaker'>): boolean {
  return breaker === 'open' || breaker === 'half_open';
}

function secondsUntil(untilMs: number, nowMs: number): number {
  return Math.ceil((untilMs - nowMs) / 1000);
}

/** Why a candidate gives way to others of its tier and to other tiers, or undefined; without a word for people. */
export function deferralKindOf(
  deployment: PolicyDeployment,
  signals: DeploymentSignals,
  nowMs: number,
): DeferralKind | undefined {
  if (signals.restingUntilMs > nowMs) return 'resting';
  if (isFailing(signals) && signals.breakerShare === 0) return 'failing';
  const capacity = capacityOf(deployment, signals);
  if (capacity !== undefined && signals.inFlight >= capacity) return 'full';
  return signals.isSlow ? 'slow' : undefined;
}

/** Why a candidate gives way, for people. */
export function describeDeferral(
  kind: DeferralKind,
  signals: DeploymentSignals,
  nowMs: number,
  targetLatencyMs: number,
): string {
  switch (kind) {
    case 'resting': {
      const leftS = secondsUntil(signals.restingUntilMs, nowMs);
      return signals.isExhausted
        ? `no rate-limit headroom for another ${leftS} s`
        : `rate-limited for another ${leftS} s`;
    }
    case 'failing': {
      const rate = `${Math.round(signals.errorRate * 100)} % of the last ${signals.samples} calls`;
      const then =
        signals.breaker === 'open'
          ? `tried again in ${secondsUntil(signals.breakerUntilMs, nowMs)} s`
          : 'being tried now';
      return `failing (${rate}), ${then}`;
    }
    case 'full': {
      const queued = signals.queued === 0 ? '' : `, ${signals.queued} waiting`;
      return `at capacity (${signals.inFlight} in flight${queued})`;
    }
    case 'slow':
      return 'slow (calls wait longer than usual, and none sent later was answered)';
    case 'in_alert':
      return 'in a critical alert (over minutes far too many calls failed)';
    case 'ramping':
      return `recovering (${Math.round(signals.breakerShare * 100)} % of the traffic)`;
    case 'over_target':
      return `over its target (its p95 was above ${targetLatencyMs} ms in two windows that followed each other)`;
  }
}

/** Why a candidate gives way to others of its tier and to other tiers, or undefined. */
export function findDeferral(
  deployment: PolicyDeployment,
  signals: DeploymentSignals,
  nowMs: number,
): Deferral | undefined {
  const kind = deferralKindOf(deployment, signals, nowMs);
  return kind === undefined ? undefined : { kind, text: describeDeferral(kind, signals, nowMs, 0) };
}
