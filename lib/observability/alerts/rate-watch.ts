import type { AlertKind, AlertSubject } from '../../telemetry/index.js';
import { RollingCounts } from '../rolling-counts.js';
import { type AlertLook, type AlertWatch, duration, percent, type WatchSettings } from './alert-watch.js';
import { type AlertBasis, judgeRate, type RateWindow, shareOf } from './judge-rate.js';

const GOOD = 0;
const FAILED = 1;
const TIMED_OUT = 2;
const PASSED_OVER = 3;

export type Judged = 'good' | 'failed' | 'timed_out' | 'passed_over';

const COLUMNS: Readonly<Record<Judged, number>> = {
  good: GOOD,
  failed: FAILED,
  timed_out: TIMED_OUT,
  passed_over: PASSED_OVER,
};

/** Which ends count as bad. */
export type BadEnds = 'errors' | 'timeouts';

/** How the calls of a deployment, or the requests of a surface, have ended, over a fast and a slow window. */
export class EndCounts {
  readonly #fast: RollingCounts;
  readonly #slow: RollingCounts;
  /** Calls that went well since the last that failed in this way. */
  readonly #goodRuns: Record<BadEnds, number> = { errors: 0, timeouts: 0 };

  constructor(windowMs: number, slowWindowMs: number) {
    this.#fast = new RollingCounts(windowMs, 4);
    this.#slow = new RollingCounts(slowWindowMs, 4);
  }

  add(nowMs: number, end: Judged, amount = 1): void {
    this.#fast.add(nowMs, COLUMNS[end], amount);
    this.#slow.add(nowMs, COLUMNS[end], amount);
    if (end === 'passed_over') return;
    const runs = this.#goodRuns;
    runs.errors = end === 'good' ? runs.errors + amount : 0;
    runs.timeouts = end === 'timed_out' ? 0 : runs.timeouts + amount;
  }

  fast(nowMs: number, bad: BadEnds): RateWindow {
    return windowOf(this.#fast.read(nowMs), bad, this.#goodRuns[bad]);
  }

  slow(nowMs: number, bad: BadEnds): RateWindow {
    return windowOf(this.#slow.read(nowMs), bad, this.#goodRuns[bad]);
  }
}

function windowOf(counts: Readonly<Float64Array>, ends: BadEnds, goodRun: number): RateWindow {
  const good = counts[GOOD] ?? 0;
  const failed = counts[FAILED] ?? 0;
  const timedOut = counts[TIMED_OUT] ?? 0;
  return {
    total: good + failed + timedOut,
    bad: ends === 'errors' ? failed + timedOut : timedOut,
    passedOver: counts[PASSED_OVER] ?? 0,
    goodRun,
  };
}

/** Which share of calls or requests fails, or runs out of time. */
export class RateWatch implements AlertWatch {
  readonly kind: AlertKind;
  #basis: AlertBasis = 'slow';

  constructor(
    private readonly ends: BadEnds,
    readonly subject: AlertSubject,
    private readonly counts: Pick<EndCounts, 'fast' | 'slow'>,
    private readonly settings: () => WatchSettings,
  ) {
    this.kind = ends === 'errors' ? 'error_rate' : 'timeout_rate';
  }

  get threshold(): number {
    const { errorRate, timeoutRate } = this.settings();
    return this.ends === 'errors' ? errorRate : timeoutRate;
  }

  get windowMs(): number {
    return this.settings().windowMs;
  }

  look(nowMs: number, isOpen: boolean): AlertLook {
    const { minRequests, z, slowWindowMs } = this.settings();
    const limit = this.threshold;
    const fast = this.counts.fast(nowMs, this.ends);
    const slow = this.counts.slow(nowMs, this.ends);
    const limits = { limit, minRequests, z, isSteered: this.subject.surface === undefined };
    const { state, basis } = judgeRate(fast, slow, limits, isOpen ? this.#basis : undefined);
    this.#basis = basis;
    const { surface, provider } = this.subject;
    const what =
      surface !== undefined
        ? 'requests'
        : provider === undefined
          ? 'calls'
          : "calls, its worst deployment's left out,";
    const how = this.ends === 'errors' ? 'failed' : 'timed out';
    const seen = `${percent(shareOf(fast))} of ${fast.total} ${what} in ${duration(this.windowMs)} ${how}`;
    const before =
      basis === 'slow' ? `, ${percent(shareOf(slow))} of ${slow.total} in ${duration(slowWindowMs)}` : '';
    return {
      state,
      value: shareOf(fast),
      requests: fast.total,
      text: `${seen}${before} (threshold ${percent(limit)})`,
    };
  }
}

/**
 * The calls of a provider: those of its deployments together. Left out is the worst of them: what one deployment alone
 * is to blame for is no fault of its provider, and must not be held against the others. A provider with one deployment has
 * that one's alerts and none of its own.
 */
export class ProviderCounts {
  readonly #deployments = new Map<string, EndCounts>();

  add(deployment: string, counts: EndCounts): void {
    this.#deployments.set(deployment, counts);
  }

  clear(): void {
    this.#deployments.clear();
  }

  fast(nowMs: number, bad: BadEnds): RateWindow {
    return withoutWorst([...this.#deployments.values()].map((counts) => counts.fast(nowMs, bad)));
  }

  slow(nowMs: number, bad: BadEnds): RateWindow {
    return withoutWorst([...this.#deployments.values()].map((counts) => counts.slow(nowMs, bad)));
  }
}

function withoutWorst(windows: readonly RateWindow[]): RateWindow {
  const worst = windows.reduce<RateWindow | undefined>(
    (found, window) => (found === undefined || window.bad > found.bad ? window : found),
    undefined,
  );
  return sumOf(windows.filter((window) => window !== worst));
}

function sumOf(windows: readonly RateWindow[]): RateWindow {
  let [total, bad, passedOver, goodRun] = [0, 0, 0, Number.POSITIVE_INFINITY];
  for (const window of windows) {
    total += window.total;
    bad += window.bad;
    passedOver += window.passedOver;
    // Each that is passed over has to show itself.
    if (window.passedOver > 0) goodRun = Math.min(goodRun, window.goodRun);
  }
  return { total, bad, passedOver, goodRun };
}
