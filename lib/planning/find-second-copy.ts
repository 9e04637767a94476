import { findMoveOn, type PaceOfAttempt } from './find-move-on.js';

/** Left so much of what it is expected to take, the next one rather keeps the target than not. */
const LIKELY_RATIO = 1.15;
/** Of 100 waits 85 are over by then, in standard normal deviations (the 95th percentile: 1.645). */
const Z_85_OF_Z_95 = 1.036 / 1.645;
/** One that is tried out has no less than this of the target. */
const MIN_TRIAL_SHARE = 0.25;

export interface PaceBeside extends PaceOfAttempt {
  /** What its answers take in the middle; undefined: not known. */
  readonly usualMs: number | undefined;
  /** What is expected of the one that comes after it; undefined: none does. */
  readonly nextExpectedMs: number | undefined;
  /** It goes first only to be known: the request is not to suffer for it. */
  readonly isTrial: boolean;
}

/**
 * When an attempt that has shown nothing gets company by the next one, where both may be under way at once: nothing is
 * lost by the first, so a stream need not wait until it is to be given up on. It is joined while the next will more
 * likely than not be in time, where no more than 15 of 100 of its waits are that long: a copy of a stream that shows
 * nothing costs its prompt. A copy of a whole answer would be paid for whole: it waits as long as {@link findMoveOn}
 * says, and so does one of which nothing is known, or it would never be. Undefined: no such moment.
 *
 * @param moveOnMs - What that says, where it is known already.
 */
export function findSecondCopy(pace: PaceBeside, moveOnMs = findMoveOn(pace)): number | undefined {
  const { targetMs, streamed, usualP95Ms, nextUsualP95Ms, usualMs, nextExpectedMs, isTrial } = pace;
  if (!streamed || targetMs === undefined || moveOnMs === undefined) return moveOnMs;
  if (usualP95Ms === undefined) return moveOnMs;
  if (isTrial && nextUsualP95Ms !== undefined) {
    return Math.min(moveOnMs, Math.ceil(Math.max(targetMs - nextUsualP95Ms, targetMs * MIN_TRIAL_SHARE)));
  }
  if (nextExpectedMs === undefined) return moveOnMs;
  const likelyMs = Math.ceil(targetMs - nextExpectedMs * LIKELY_RATIO);
  if (likelyMs >= moveOnMs || likelyMs < longWaitMs(usualMs, usualP95Ms)) return moveOnMs;
  return likelyMs;
}

/** What 85 of 100 waits do not exceed, where they are log-normal. */
function longWaitMs(usualMs: number | undefined, usualP95Ms: number): number {
  if (usualMs === undefined || usualMs >= usualP95Ms) return usualP95Ms;
  return usualMs * (usualP95Ms / usualMs) ** Z_85_OF_Z_95;
}
