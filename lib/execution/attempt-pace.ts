import { findSecondCopy, type PlannedAttempt } from '../planning/index.js';
import { type CascadeMoment, deferralAt } from './cascade-moment.js';
import type { CascadeState } from './cascade-state.js';

/** What most answers take, of what 95 of 100 take at most. */
const USUAL_OF_P95 = 0.6;

/** How long its answers usually are waited for; 0 where that is not known. */
export function usualWaitMs({ usualP95Ms = 0 }: PlannedAttempt): number {
  return usualP95Ms * USUAL_OF_P95;
}

/** When an attempt that has shown nothing gets company, or is given up on. */
export interface PaceAlarm {
  readonly reason: 'hedge' | 'move_on';
  /** Undefined: never. */
  readonly afterMs: number | undefined;
}

/**
 * The alarm of a call that has just been made, and is the last of those under way.
 *
 * @param mayHedge - Hedging is on, and its budget has one left.
 */
export function alarmAfterCall(
  state: CascadeState,
  moment: CascadeMoment,
  planned: PlannedAttempt,
  mayHedge: boolean,
): PaceAlarm {
  const { usualP95Ms } = planned;
  const afterMs = companyAfterMs(state, moment, planned);
  return mayHedge && usualP95Ms !== undefined && usualP95Ms <= (afterMs ?? usualP95Ms)
    ? { reason: 'hedge', afterMs: usualP95Ms }
    : { reason: 'move_on', afterMs };
}

/**
 * When a call gets company, or of a whole answer is given up on: what the plan says, less what has been spent of the target:
 * who comes second has less time.
 */
export function companyAfterMs(
  { terms, queue, attempts }: CascadeState,
  moment: CascadeMoment,
  planned: PlannedAttempt,
): number | undefined {
  const { secondCopyAfterMs, usualP95Ms } = planned;
  if (!terms.streamed) {
    const halfMs = halfOfTimeMs(planned, moment.leftMs);
    return Math.min(secondCopyAfterMs ?? halfMs, halfMs);
  }
  if (secondCopyAfterMs === undefined) return undefined;
  const leftMs = planned.targetLatencyMs - moment.elapsedMs;
  const isFirstChoice = attempts === 1 && planned.tier === 'primary';
  // The target is lost, or all is as it was planned: no hurry.
  if (isFirstChoice || leftMs <= 0) return secondCopyAfterMs;
  if (usualP95Ms === undefined) return Math.min(secondCopyAfterMs, leftMs / 2);
  const next = queue.find((other) => deferralAt(moment, other) === undefined);
  return findSecondCopy({
    targetMs: leftMs,
    streamed: true,
    usualMs: planned.usualMs,
    usualP95Ms,
    nextUsualP95Ms: next?.usualP95Ms,
    nextExpectedMs: next?.terms.expectedLatencyMs,
    isTrial: false,
  });
}

/**
 * A whole answer sends its headers when it is finished, so its silence proves nothing; but one that never comes must leave
 * the others time too. One that takes as long as it usually does is not given up on for one that may take as long.
 */
function halfOfTimeMs({ usualP95Ms = 0 }: PlannedAttempt, leftMs: number): number {
  return Math.max(leftMs / 2, usualP95Ms);
}

/** An end of the patience with an attempt that has not begun to answer. */
export interface PatienceLimit {
  /** Undefined: without end. */
  readonly afterMs: number | undefined;
  readonly cause: 'deadline' | 'moved_on' | 'too_slow';
  /** Holds only if it is worth while then to give the attempt up for another. */
  readonly isOptional: boolean;
}

/** @param leftMs - Until the request's deadline. */
export function patienceWith(
  planned: PlannedAttempt,
  streamed: boolean,
  leftMs: number,
): readonly PatienceLimit[] {
  return [
    { afterMs: leftMs, cause: 'deadline', isOptional: false },
    { afterMs: planned.moveOnAfterMs, cause: 'moved_on', isOptional: true },
    streamed
      ? { afterMs: planned.timeouts.firstTokenMs, cause: 'too_slow', isOptional: false }
      : { afterMs: halfOfTimeMs(planned, leftMs), cause: 'too_slow', isOptional: true },
  ];
}
