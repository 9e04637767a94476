import type { AlertKind, AlertSubject } from '../telemetry/index.js';
import { RollingCounts } from './rolling-counts.js';

/** What a watch sees now. */
export interface AlertReading {
  /** How many are in the window. */
  readonly requests: number;
  /** Requests that would have been among them, had the deployment not been resting or failing at the time. */
  readonly passedOver: number;
  /** Which share of `requests` is bad. */
  readonly badShare: number;
  /** What people are told: the share, or a latency. */
  readonly value: number;
}

/** One figure of one subject over the window. It alerts when more than `limitShare` of the window is bad. */
export interface AlertWatch {
  readonly kind: AlertKind;
  readonly subject: AlertSubject;
  readonly limitShare: number;
  readonly threshold: number;
  read(nowMs: number): AlertReading;
}

/** Which share of calls or requests fails. */
export class ErrorRateWatch implements AlertWatch {
  readonly kind = 'error_rate';
  readonly #counts: RollingCounts;

  constructor(
    readonly subject: AlertSubject,
    /** May change while it counts. */
    public limitShare: number,
    readonly windowMs: number,
  ) {
    this.#counts = new RollingCounts(windowMs, 3);
  }

  get threshold(): number {
    return this.limitShare;
  }

  add(nowMs: number, isError: boolean): void {
    this.#counts.add(nowMs, isError ? 1 : 0);
  }

  addPassedOver(nowMs: number): void {
    this.#counts.add(nowMs, 2);
  }

  read(nowMs: number): AlertReading {
    const [good = 0, bad = 0, passedOver = 0] = this.#counts.read(nowMs);
    const requests = good + bad;
    const badShare = requests === 0 ? 0 : bad / requests;
    return { requests, passedOver, badShare, value: badShare };
  }
}

const PERCENTILE = 0.95;
/** Latencies are kept to 10 %, in steps up and down from the SLO, so that over and under the SLO is exact. */
const STEP = 1.1;
const STEPS_BELOW = 40;
const STEPS_ABOVE = 60;
const COLUMNS = STEPS_BELOW + STEPS_ABOVE + 1;

/** Whether the 95th percentile is over the SLO, which is to say: whether more than 5 % are slower. */
export class LatencySloWatch implements AlertWatch {
  readonly kind = 'latency_slo';
  readonly limitShare = 1 - PERCENTILE;
  readonly #counts: RollingCounts;

  constructor(
    readonly subject: AlertSubject,
    readonly threshold: number,
    readonly windowMs: number,
  ) {
    this.#counts = new RollingCounts(windowMs, COLUMNS);
  }

  add(nowMs: number, latencyMs: number): void {
    const step = Math.ceil(Math.log(latencyMs / this.threshold) / Math.log(STEP));
    this.#counts.add(nowMs, Math.min(Math.max(step, -STEPS_BELOW), STEPS_ABOVE) + STEPS_BELOW);
  }

  read(nowMs: number): AlertReading {
    const counts = this.#counts.read(nowMs);
    const requests = counts.reduce((sum, count) => sum + count, 0);
    if (requests === 0) return { requests, passedOver: 0, badShare: 0, value: 0 };
    const over = counts.subarray(STEPS_BELOW + 1).reduce((sum, count) => sum + count, 0);
    const value = this.percentile(counts, requests);
    return { requests, passedOver: 0, badShare: over / requests, value };
  }

  private percentile(counts: Readonly<Float64Array>, requests: number): number {
    const rank = PERCENTILE * requests;
    let before = 0;
    for (const [column, count] of counts.entries()) {
      if (count > 0 && before + count >= rank - 1e-9) {
        const upperMs = this.threshold * STEP ** (column - STEPS_BELOW);
        const lowerMs = upperMs / STEP;
        return lowerMs + ((upperMs - lowerMs) * (rank - before)) / count;
      }
      before += count;
    }
    return this.threshold * STEP ** STEPS_ABOVE;
  }
}
