import {
  capacityOf,
  type DeferralKind,
  type PlannedAttempt,
  type PolicyDeployment,
  type SignalsSnapshot,
} from '../planning/index.js';
import { deferralKindOf } from '../planning/deferral.js';
import type { CascadeState } from './cascade-state.js';

/** Time an attempt needs at least: a wait that leaves less is none. */
export const MIN_ATTEMPT_MS = 50;

/** All that a choice looks at beside how far the request has come: it holds for one moment, and asks no clock. */
export interface CascadeMoment {
  /** Epoch milliseconds, as the signals have them. */
  readonly nowMs: number;
  /** Now, on the clock of pauses. */
  readonly clockMs: number;
  /** Since the request came. */
  readonly elapsedMs: number;
  /** Until its deadline; 0 or less: it has passed. */
  readonly leftMs: number;
  readonly signals: SignalsSnapshot;
  /** Places at a deployment that are promised to those who waited, and not in flight yet. */
  readonly reserved: (deployment: PolicyDeployment) => number;
  /** The budget of re-sends has one left. */
  readonly mayResend: boolean;
  /** Whether what is left of the dollars, and its window, are enough for this one. */
  readonly isServable: (planned: PlannedAttempt) => boolean;
  /** Whether its wire can say the request. Asked of few. */
  readonly isSayable: (planned: PlannedAttempt) => boolean;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Why one cannot be counted on at this moment; undefined: it can. */
export function deferralAt(
  { signals, reserved, nowMs }: CascadeMoment,
  { deployment, deferral }: PlannedAttempt,
): DeferralKind | undefined {
  const known = signals.of(deployment.id);
  const taken = reserved(deployment);
  const live = taken === 0 ? known : { ...known, inFlight: known.inFlight + taken };
  // Whether it is among the share that one that recovers, or is in an alert, gets was drawn when the plan was made.
  const isDrawn = deferral?.kind === 'ramping' || deferral?.kind === 'in_alert';
  return deferralKindOf(deployment, live, nowMs) ?? (isDrawn ? deferral.kind : undefined);
}

export function isFullAt({ signals, reserved }: CascadeMoment, { deployment }: PlannedAttempt): boolean {
  const live = signals.of(deployment.id);
  const capacity = capacityOf(deployment, live);
  return capacity !== undefined && live.inFlight + reserved(deployment) >= capacity;
}

export function mayServe(
  { minWindow }: CascadeState,
  { isServable }: CascadeMoment,
  planned: PlannedAttempt,
): boolean {
  // Too long for one window: only a larger one is worth the try.
  const isLarger =
    minWindow === 0 || (planned.deployment.contextWindow ?? Number.POSITIVE_INFINITY) > minWindow;
  return isLarger && isServable(planned);
}
