import type { PolicyDeployment } from './policy-snapshot.js';
import type { DeploymentSignals } from './signals-snapshot.js';

/**
 * Why a deployment stands behind those that can be counted on, mildest first: it has stopped answering at its usual pace;
 * its breaker lets back a part of the traffic only; it is full; its breaker is open, or its probe is under way; it waits out
 * a rate limit.
 */
export type DeferralKind = 'slow' | 'ramping' | 'full' | 'failing' | 'resting';

export interface Deferral {
  readonly kind: DeferralKind;
  /** For people. */
  readonly text: string;
}

const SEVERITY: Readonly<Record<DeferralKind, number>> = {
  slow: 1,
  ramping: 2,
  full: 3,
  failing: 4,
  resting: 5,
};

/** The order among those that stand behind: 0 for one that does not. */
export function severityOf(deferral: Deferral | undefined): number {
  return deferral === undefined ? 0 : SEVERITY[deferral.kind];
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

/** Why a candidate gives way to others of its tier and to other tiers, or undefined. */
export function findDeferral(
  deployment: PolicyDeployment,
  signals: DeploymentSignals,
  nowMs: number,
): Deferral | undefined {
  if (signals.restingUntilMs > nowMs) {
    return {
      kind: 'resting',
      text: `rate-limited for another ${secondsUntil(signals.restingUntilMs, nowMs)} s`,
    };
  }
  if (isFailing(signals) && signals.breakerShare === 0) {
    const rate = `${Math.round(signals.errorRate * 100)} % of the last ${signals.samples} calls`;
    const then =
      signals.breaker === 'open'
        ? `tried again in ${secondsUntil(signals.breakerUntilMs, nowMs)} s`
        : 'being tried now';
    return { kind: 'failing', text: `failing (${rate}), ${then}` };
  }
  const capacity = capacityOf(deployment, signals);
  if (capacity !== undefined && signals.inFlight >= capacity) {
    const queued = signals.queued === 0 ? '' : `, ${signals.queued} waiting`;
    return { kind: 'full', text: `at capacity (${signals.inFlight} in flight${queued})` };
  }
  if (signals.isSlow) {
    return { kind: 'slow', text: 'slow (calls wait longer than usual, and none sent later was answered)' };
  }
  return undefined;
}
