import { capacityOf, findDeferral, type PolicyDeployment, type SignalsSnapshot } from '../planning/index.js';

/** In the peak, calls under this part of all that are possible are proof of spare capacity. */
const SPARE_IN_PEAK = 0.5;
/** At any other time so much may be taken, and the rest is for who comes next. */
const SPARE_OFF_PEAK = 0.8;

export interface LaneShares {
  /** What the lane has in any case. */
  readonly backgroundShare: number;
  /** What it never takes. */
  readonly interactiveShare: number;
}

/** How the deployments stand that may serve a request of the lane. */
export interface LaneCircumstances {
  readonly deployments: readonly PolicyDeployment[];
  readonly signals: SignalsSnapshot;
  readonly shares: LaneShares;
  /** Requests of the lane that run there. */
  readonly running: number;
  /** Those of them that were started just now: no signal shows them yet. */
  readonly starting: number;
  readonly isPeak: boolean;
  readonly nowMs: number;
}

export interface LaneVerdict {
  /** A request that can wait may run now. */
  readonly mayRun: boolean;
  /** Where there is a queue for room it may come before others: no more than the lane's share does. */
  readonly mayHaveShare: boolean;
}

/** Whether a request that can wait may run now, and how one runs that cannot. */
export function judgeLane({
  deployments,
  signals,
  shares,
  running,
  starting,
  isPeak,
  nowMs,
}: LaneCircumstances): LaneVerdict {
  let capacity = 0;
  let inFlight = starting;
  let queued = 0;
  let hasWilling = false;
  for (const deployment of deployments) {
    const live = signals.of(deployment.id);
    queued += live.queued;
    const deferral = findDeferral(deployment, live, nowMs)?.kind;
    if (deferral === 'resting' || deferral === 'failing') continue;
    hasWilling = true;
    capacity += capacityOf(deployment, live) ?? Number.POSITIVE_INFINITY;
    inFlight += live.inFlight;
  }
  const { least, most } = callsOf(capacity, shares);
  const mayHaveShare = running < most;
  if (!hasWilling) return { mayRun: false, mayHaveShare };
  if (!isPeak && running < least) return { mayRun: true, mayHaveShare };
  const isFree = queued === 0 && running < most;
  // Where no limit is known nothing is proven: in the peak that is not enough.
  const hasSpare =
    capacity === Number.POSITIVE_INFINITY
      ? !isPeak
      : inFlight + 1 <= capacity * (isPeak ? SPARE_IN_PEAK : SPARE_OFF_PEAK);
  return { mayRun: isFree && hasSpare, mayHaveShare };
}

/** Calls at once that the lane has at least and at most, of so many that are possible. */
export function callsOf(
  capacity: number,
  { backgroundShare, interactiveShare }: LaneShares,
): { readonly least: number; readonly most: number } {
  // Of what is without a limit there is no share to keep.
  if (!Number.isFinite(capacity)) return { least: 0, most: Number.POSITIVE_INFINITY };
  const least = Math.ceil(capacity * backgroundShare);
  return { least, most: Math.max(least, Math.floor(capacity * (1 - interactiveShare))) };
}
