/**
 * A wait so many times longer than 95 of 100 usually are is out of the ordinary: of healthy calls two in a hundred. With
 * more patience it shows too late that a deployment has too much to do: under a load of 95 % of all capacity half as many
 * targets were kept with 1.4, and requests were refused (`bench:world`, peak).
 */
const UNUSUAL_RATIO = 1.2;
/** Where that would be after the target, this is enough. */
const HURRIED_RATIO = 1.1;
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
}

/**
 * When an attempt that has shown nothing is given up on for the next one: early enough that the next can still keep the
 * target, but not while the wait is what it usually is: leaving then would only be paid twice. Undefined: no such moment.
 */
export function findMoveOn({
  targetMs,
  streamed,
  usualP95Ms,
  nextUsualP95Ms,
}: PaceOfAttempt): number | undefined {
  if (targetMs === undefined) {
    return streamed || usualP95Ms === undefined
      ? undefined
      : Math.max(MIN_STUCK_MS, Math.ceil(usualP95Ms * STUCK_RATIO));
  }
  if (usualP95Ms === undefined) return targetMs;
  const nextMs = Math.min(nextUsualP95Ms ?? targetMs * UNKNOWN_SHARE, targetMs);
  // A product that is whole but for its rounding stays what it is.
  const unusualMs = Math.min(usualP95Ms * UNUSUAL_RATIO, Math.max(usualP95Ms * HURRIED_RATIO, targetMs));
  return Math.ceil(Math.max(unusualMs, targetMs - nextMs) - 1e-6);
}
