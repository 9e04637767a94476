import type { AlertSeverity } from '../../telemetry/index.js';
import { lowerBound, upperBound } from './wilson-bound.js';

/**
 * How many times faster than its limit allows a share burns, for an alert to be critical. Out of the multiwindow alerts of
 * Google's SRE workbook (chapter 5: 14.4 over 1 h and 6 over 6 h page, 1 makes a ticket), with the limit in the place of the
 * error budget and minutes in the place of hours: whoever routes cannot wait for an hour, and a confidence bound
 * stands in for the short window that keeps a page from going off by chance.
 */
export const FAST_BURN = 14.4;
export const SLOW_BURN = 6;
/** An alert stands until the bad share has come down to half of its limit, so that noise cannot make it flap. */
const CLEAR_AT = 0.5;
/** So many calls must be judged, however many requests passed the deployment over. */
const LEAST_CALLS = 5;

/** What is in one window. */
export interface RateWindow {
  readonly total: number;
  readonly bad: number;
  /** Requests that would have been among them, had the deployment not been resting, failing or in a critical alert. */
  readonly passedOver: number;
  /** Calls that went well since the last that did not, however long ago that was. */
  readonly goodRun: number;
}

export interface RateLimits {
  /** The share that is just allowed. */
  readonly limit: number;
  readonly minRequests: number;
  /** How many standard deviations a share must be over the limit. */
  readonly z: number;
  /** Its alert turns traffic away from it, so that little of it says little. Absent: no. */
  readonly isSteered?: boolean;
}

/** `standing`: neither bad enough to raise an alert nor well enough to clear one. */
export type AlertState = AlertSeverity | 'standing' | 'well';

/** Which window an alert that stands was raised on. */
export type AlertBasis = 'fast' | 'slow';

export interface RateVerdict {
  readonly state: AlertState;
  readonly basis: AlertBasis;
}

export function shareOf({ bad, total }: Pick<RateWindow, 'bad' | 'total'>): number {
  return total === 0 ? 0 : bad / total;
}

/** A limit so many times over; of a high one at most half of what is left, or nothing could ever exceed it. */
export function burnLimit(limit: number, times: number): number {
  return Math.min(limit * times, (1 + limit) / 2);
}

/**
 * Judges a share over a fast and a slow window.
 *
 * - `critical`: the fast window burns at {@link FAST_BURN}, or the slow one, where it goes further back, at
 *   {@link SLOW_BURN} and the fast one still does.
 * - `warning`: the fast window is over the limit; or the slow one is, which finds what has too little traffic for the fast
 *   one, and the fast one still is.
 *
 * A window is over a limit when Wilson's lower bound is, on enough traffic. A deployment that is down is hardly called
 * any more, so that its calls alone would never be enough, and the worst failure of all would go unheard: the requests
 * that passed it over count as traffic, once some calls have failed. Nor is it well again on the few calls it gets, before
 * they are enough to say so: the alert itself has turned the others away.
 *
 * @param standing - The window the standing alert was raised on; undefined: none stands.
 */
export function judgeRate(
  fast: RateWindow,
  slow: RateWindow,
  limits: RateLimits,
  standing: AlertBasis | undefined,
): RateVerdict {
  const { limit } = limits;
  const fastShare = shareOf(fast);
  const slowLimit = burnLimit(limit, SLOW_BURN);
  const isFastOver = isProven(fast, limit, limits);
  const isSlowOver = isProven(slow, limit, limits);
  // An alert that the fast window has come to bear out goes by it from then on.
  const basis = isFastOver ? 'fast' : (standing ?? 'slow');
  if (isProven(fast, burnLimit(limit, FAST_BURN), limits)) return { state: 'critical', basis };
  // Where both hold much the same, after a start say, the slow one bears out nothing.
  const hasPast = slow.total >= 2 * fast.total;
  if (hasPast && fastShare > slowLimit && isProven(slow, slowLimit, limits)) {
    return { state: 'critical', basis };
  }
  if (isFastOver || (isSlowOver && fastShare > limit)) return { state: 'warning', basis };
  // Hardly called only because it fails: that is no sign of health. An hour without a call is no sign of anything.
  const isShunned = fast.passedOver > 0 && slow.total > 0 && !hasShownItself(fast, limits);
  // A warning takes calls away as well. That the few that are left went well proves little while the hour before did not;
  // where there are none at all, nothing bad is known any more.
  const isThin = fast.total > 0 && fast.total < limits.minRequests && fast.passedOver === 0;
  const isUnproven =
    limits.isSteered === true && isThin && shareOf(slow) > limit && !isLongRun(fast, slowLimit, limits);
  const isWell =
    fastShare <= limit * CLEAR_AT &&
    !isShunned &&
    !isUnproven &&
    // So little traffic that a quiet window says nothing.
    (basis === 'fast' || !isSlowOver);
  return { state: isWell ? 'well' : 'standing', basis };
}

/**
 * So many calls in a row went well that it is proven not to fail as critically as it did. That is less than what a busy one
 * must show, which few calls could not prove in hours, and enough that one that fails on as before rarely gets there by chance.
 */
function hasShownItself(window: RateWindow, limits: RateLimits): boolean {
  return isLongRun(window, burnLimit(limits.limit, FAST_BURN), limits);
}

/** So many calls in a row went well that a share is proven to be under it. */
function isLongRun({ goodRun }: RateWindow, share: number, { minRequests, z }: RateLimits): boolean {
  if (goodRun < Math.min(minRequests, LEAST_CALLS)) return false;
  return goodRun >= minRequests || upperBound(0, goodRun, z) < share;
}

function isProven(window: RateWindow, limit: number, { minRequests, z }: RateLimits): boolean {
  const { total, passedOver } = window;
  if (total + passedOver < minRequests || total < Math.min(minRequests, LEAST_CALLS)) return false;
  const share = shareOf(window);
  return share > limit && lowerBound(share, total, z) > limit;
}
