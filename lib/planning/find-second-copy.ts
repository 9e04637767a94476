import { findMoveOn, type PaceOfAttempt } from './find-move-on.js';

/** Left so much of what it is expected to take, the next one rather keeps the target than not. */
const LIKELY_RATIO = 1.15;
/** Up to 15 of 100 calls get company so, if that is what saves those that would miss the target; never more. */
const MIN_OF_P95 = 0.8;
/** One that is tried out has no less than this of the target. */
const MIN_TRIAL_SHARE = 0.25;

export interface PaceBeside extends PaceOfAttempt {
  /** What is expected of the one that comes after it; undefined: none does. */
  readonly nextExpectedMs: number | undefined;
  /** It goes first only to be known: the request is not to suffer for it. */
  readonly isTrial: boolean;
}

/**
 * When an attempt that has shown nothing gets company by the next one, where both may be under way at once: nothing is
 * lost by the first, so a stream need not wait until it is to be given up on. It is joined while the next will more
 * likely than not be in time, where most of its waits are over by then: a copy of a stream that shows nothing costs its
 * prompt, and who still waits then misses the target often. A copy of a whole answer would be paid for whole: it waits as
 * long as {@link findMoveOn} says. Undefined: no such moment.
 */
export function findSecondCopy(pace: PaceBeside): number | undefined {
  const moveOnMs = findMoveOn(pace);
  const { targetMs, streamed, usualP95Ms, nextUsualP95Ms, nextExpectedMs, isTrial } = pace;
  if (!streamed || targetMs === undefined || moveOnMs === undefined) return moveOnMs;
  if (isTrial && nextUsualP95Ms !== undefined) {
    return Math.min(moveOnMs, Math.ceil(Math.max(targetMs - nextUsualP95Ms, targetMs * MIN_TRIAL_SHARE)));
  }
  if (usualP95Ms === undefined || nextExpectedMs === undefined) return moveOnMs;
  const likelyMs = Math.ceil(targetMs - nextExpectedMs * LIKELY_RATIO);
  return likelyMs < usualP95Ms * MIN_OF_P95 ? moveOnMs : Math.min(moveOnMs, likelyMs);
}
