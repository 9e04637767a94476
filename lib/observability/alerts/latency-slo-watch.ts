import type { AlertSubject } from '../../telemetry/index.js';
import { RollingCounts } from '../rolling-counts.js';
import { type AlertLook, type AlertWatch, duration, type WatchSettings } from './alert-watch.js';
import { type AlertBasis, judgeRate, type RateWindow, shareOf } from './judge-rate.js';

/** Latencies are kept to 10 %, in steps up and down from the SLO, so that over and under the SLO is exact. */
const STEP = 1.1;
const STEPS_BELOW = 40;
const STEPS_ABOVE = 60;
const COLUMNS = STEPS_BELOW + STEPS_ABOVE + 1;

/** Whether a percentile is over the SLO: for the 95th, whether more than 5 % are slower. */
export class LatencySloWatch implements AlertWatch {
  readonly kind = 'latency_slo';
  readonly #fast: RollingCounts;
  /** Within the SLO, over it. */
  readonly #slow: RollingCounts;
  #basis: AlertBasis = 'slow';

  constructor(
    readonly subject: AlertSubject,
    readonly threshold: number,
    readonly percentile: number,
    private readonly settings: () => WatchSettings,
  ) {
    const { windowMs, slowWindowMs } = settings();
    this.#fast = new RollingCounts(windowMs, COLUMNS);
    this.#slow = new RollingCounts(slowWindowMs, 2);
  }

  get windowMs(): number {
    return this.settings().windowMs;
  }

  add(nowMs: number, latencyMs: number): void {
    const step = Math.ceil(Math.log(latencyMs / this.threshold) / Math.log(STEP));
    this.#fast.add(nowMs, Math.min(Math.max(step, -STEPS_BELOW), STEPS_ABOVE) + STEPS_BELOW);
    this.#slow.add(nowMs, step > 0 ? 1 : 0);
  }

  look(nowMs: number, isOpen: boolean): AlertLook {
    const { minRequests, z } = this.settings();
    const counts = this.#fast.read(nowMs);
    const total = counts.reduce((sum, count) => sum + count, 0);
    const bad = counts.subarray(STEPS_BELOW + 1).reduce((sum, count) => sum + count, 0);
    const fast: RateWindow = { total, bad, passedOver: 0, goodRun: 0 };
    const [within = 0, over = 0] = this.#slow.read(nowMs);
    const slow: RateWindow = { total: within + over, bad: over, passedOver: 0, goodRun: 0 };
    const limits = { limit: 1 - this.percentile, minRequests, z };
    const { state, basis } = judgeRate(fast, slow, limits, isOpen ? this.#basis : undefined);
    this.#basis = basis;
    const value = total === 0 ? 0 : this.valueAt(counts, total);
    const name = `p${Math.round(this.percentile * 10_000) / 100}`;
    const share = Math.round(shareOf(fast) * 1_000) / 10;
    return {
      state,
      value,
      requests: total,
      text:
        `${name} ${Math.round(value)} ms of ${total} requests in ${duration(this.windowMs)} ` +
        `(SLO ${this.threshold} ms, missed by ${share} %)`,
    };
  }

  private valueAt(counts: Readonly<Float64Array>, requests: number): number {
    const rank = this.percentile * requests;
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
