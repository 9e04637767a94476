import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** An hour: what takes longer counts as that long. */
const HIGHEST_MS = 3_600_000;
/** Significant digits of a value: within 1 %. */
const FIGURES = 2;

/**
 * Percentiles over a sliding window, in constant memory: Node's HDR histograms, two of them that overlap. Each value is
 * recorded in both; the older one is read, and emptied when it has covered the window. So what is read covers between half
 * of the window and all of it.
 */
export class SlidingHistogram {
  #older = create();
  #younger = create();
  /** The younger one takes the older one's place then. */
  #turnAtMs: number | undefined;

  constructor(private readonly windowMs: number) {}

  /** What it covers changes then. */
  get turnsAtMs(): number {
    return this.#turnAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** @param valueMs - In milliseconds. */
  record(valueMs: number, nowMs: number): void {
    this.turn(nowMs);
    const value = Math.min(Math.max(1, Math.round(valueMs)), HIGHEST_MS);
    this.#older.record(value);
    this.#younger.record(value);
  }

  /** Values in the window. */
  count(nowMs: number): number {
    this.turn(nowMs);
    return this.#older.count;
  }

  /** The nearest rank. @param percent - Above 0, at most 100. Undefined: there are no values. */
  percentile(percent: number, nowMs: number): number | undefined {
    this.turn(nowMs);
    const { count } = this.#older;
    if (count === 0) return undefined;
    // The library rounds the rank, which of few values leaves out the slowest.
    const rank = Math.ceil((count * percent) / 100);
    return this.#older.percentile(Math.min(100, ((rank - 0.25) / count) * 100));
  }

  private turn(nowMs: number): void {
    const halfMs = this.windowMs / 2;
    this.#turnAtMs ??= nowMs + halfMs;
    if (nowMs < this.#turnAtMs) return;
    const spent = this.#older;
    spent.reset();
    this.#older = this.#younger;
    this.#younger = spent;
    if (nowMs >= this.#turnAtMs + halfMs) {
      // Nothing came for so long that the younger one is old as well.
      this.#older.reset();
      this.#turnAtMs = nowMs;
    }
    this.#turnAtMs += halfMs;
  }
}

function create(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: HIGHEST_MS, figures: FIGURES });
}
