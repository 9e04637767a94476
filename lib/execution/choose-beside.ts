import type { PlannedAttempt } from '../planning/index.js';
import { companyAfterMs, type PaceAlarm } from './attempt-pace.js';
import { type CascadeMoment, deferralAt, isFullAt, mayServe } from './cascade-moment.js';
import { type CascadeState, withCall } from './cascade-state.js';

/** After so much of the deadline a second copy goes to whoever may still answer. */
const DESPERATE_SHARE = 1 / 3;
/** Where nobody could be sent a second copy, it is asked again so much later. */
const ASK_AGAIN_MS = 250;

/** The time of an attempt under way is up. */
export interface DueAlarm {
  readonly planned: PlannedAttempt;
  readonly reason: PaceAlarm['reason'];
  readonly waitedMs: number;
}

export type Beside =
  | {
      readonly kind: 'send';
      readonly planned: PlannedAttempt;
      /** The time of the one it goes beside was up; false: it is hedged, as all are, or its client is in a hurry. */
      readonly isSlow: boolean;
      /** The call is counted in it. */
      readonly state: CascadeState;
    }
  /** A later look, where there is nobody to send it to. */
  | { readonly kind: 'ask_again'; readonly alarm: PaceAlarm };

/**
 * Another copy, because one takes long.
 *
 * @param isPaidFor - The budget for what the alarm is about has one left.
 */
export function chooseBeside(
  state: CascadeState,
  moment: CascadeMoment,
  due: DueAlarm,
  isPaidFor: boolean,
): Beside {
  const { planned, reason, waitedMs } = due;
  const { plan } = state.terms;
  const second =
    isPaidFor && state.attempts < plan.maxAttempts
      ? findSecond(state, moment, waitedMs >= plan.deadlineMs * DESPERATE_SHARE)
      : undefined;
  if (second !== undefined) {
    // A client's own short deadline is no measure of a provider.
    const { moveOnAfterMs: ownMs = Number.POSITIVE_INFINITY } = planned;
    // Also where it gets company early: that it answers those sent later refutes it, and under too much load none does.
    const isSlow = reason !== 'hedge' && (!plan.isDeadlineOfClient || waitedMs >= ownMs);
    return { kind: 'send', planned: second, isSlow, state: withCall(state, second) };
  }
  // The others may be resting, or full.
  if (reason === 'move_on') return { kind: 'ask_again', alarm: { reason, afterMs: ASK_AGAIN_MS } };
  const afterMs = companyAfterMs(state, moment, planned);
  return {
    kind: 'ask_again',
    alarm: {
      reason: 'move_on',
      afterMs: afterMs === undefined ? undefined : Math.max(0, afterMs - waitedMs),
    },
  };
}

function findSecond(
  state: CascadeState,
  moment: CascadeMoment,
  isDesperate: boolean,
): PlannedAttempt | undefined {
  const candidates = state.queue.filter((other) => mayServe(state, moment, other) && moment.isSayable(other));
  return (
    candidates.find((other) => deferralAt(moment, other) === undefined) ??
    (isDesperate
      ? candidates.find((other) => !isFullAt(moment, other) && deferralAt(moment, other) !== 'resting')
      : undefined)
  );
}

/** Whether another is left that is better than one that is merely slow, where no two may be under way at once. */
export function isBetterLeft(state: CascadeState, moment: CascadeMoment): boolean {
  const { plan, mayOverlap } = state.terms;
  if (mayOverlap || state.attempts >= plan.maxAttempts) return false;
  return state.queue.some(
    (other) =>
      mayServe(state, moment, other) && deferralAt(moment, other) === undefined && moment.isSayable(other),
  );
}

/**
 * Why a copy is ended when another was answered first: `hedge_lost` where it was not slow, `overtaken` where it was, and
 * `moved_on` where that was out of the ordinary twice over: longer than its target, or no sign of its usual pace.
 */
export function causeOfLoss(
  { signals }: Pick<CascadeMoment, 'signals'>,
  { deployment, targetLatencyMs }: PlannedAttempt,
  { isSlow, waitedMs }: { readonly isSlow: boolean; readonly waitedMs: number },
): 'hedge_lost' | 'overtaken' | 'moved_on' {
  if (!isSlow) return 'hedge_lost';
  return waitedMs >= targetLatencyMs || signals.of(deployment.id).isSlow ? 'moved_on' : 'overtaken';
}
