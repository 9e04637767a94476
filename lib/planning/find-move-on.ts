/** A wait so many times longer than 95 of 100 usually are is out of the ordinary: of healthy calls hardly one in 200. */
const UNUSUAL_RATIO = 1.4;
/** Where that would be after the target, this is enough. */
const HURRIED_RATIO = 1.1;
/** Left so much of what it is expected to take, the next one rather keeps the target than not. */
const LIKELY_RATIO = 1.15;
/** Up to 15 of 100 calls get company so, if that is what saves those that would miss the target; never more. */
const MIN_OF_P95 = 0.8;
/** One that is tried out has no less than this of the target. */
const MIN_TRIAL_SHARE = 0.25;
/** Where no target holds, a whole answer is waited for so many times longer than usual, ... */
const STUCK_RATIO = 2;
/** ... and never less than this. */
const MIN_STUCK_MS = 3_000;
/** How much of the target the next one is left where nothing is known of it. */
const UNKNOWN_SHARE = 0.5;

export interface PaceOfAttempt {
  /** The target that holds for it; undefined: none does. */
  readonly targetMs: number | undefined;
  readonly streamed: boolean;
  /** What 95 of 100 of its answers do not exceed; undefined: not known. */
  readonly usualP95Ms: number | undefined;
  /** The same of the one that comes after it. */
  readonly nextUsualP95Ms: number | undefined;
  /** What is expected of the one that comes after it; undefined: none does. */
  readonly nextExpectedMs: number | undefined;
  /** It goes first only to be known: the request is not to suffer for it. */
  readonly isTrial: boolean;
}

/**
 * When an attempt that has shown nothing is given up on for the next one: early enough that the next can still keep the
 * target, but not while the wait is what it usually is: leaving then would only be paid twice. A stream is left while the
 * next will more likely than not be in time: one that has shown nothing costs its prompt alone, and what waits so long
 * misses its target often. Undefined: no such moment.
 */
export function findMoveOn({
  targetMs,
  streamed,
  usualP95Ms,
  nextUsualP95Ms,
  nextExpectedMs,
  isTrial,
}: PaceOfAttempt): number | undefined {
  if (targetMs === undefined) {
    return streamed || usualP95Ms === undefined
      ? undefined
      : Math.max(MIN_STUCK_MS, Math.ceil(usualP95Ms * STUCK_RATIO));
  }
  if (isTrial && streamed && nextUsualP95Ms !== undefined) {
    return Math.ceil(Math.max(targetMs - nextUsualP95Ms, targetMs * MIN_TRIAL_SHARE));
  }
  if (usualP95Ms === undefined) return targetMs;
  const nextMs = Math.min(nextUsualP95Ms ?? targetMs * UNKNOWN_SHARE, targetMs);
  // A product that is whole but for its rounding stays what it is.
  const unusualMs = Math.min(usualP95Ms * UNUSUAL_RATIO, Math.max(usualP95Ms * HURRIED_RATIO, targetMs));
  const patientMs = Math.max(unusualMs, targetMs - nextMs);
  const likelyMs =
    streamed && nextExpectedMs !== undefined ? targetMs - nextExpectedMs * LIKELY_RATIO : patientMs;
  const isWorthIt = likelyMs >= usualP95Ms * MIN_OF_P95;
  return Math.ceil((isWorthIt ? Math.min(patientMs, likelyMs) : patientMs) - 1e-6);
}
