import { build, type Histogram as HdrHistogram } from 'hdr-histogram-js';

/** @publicApi */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const HIGHEST_MS = 3_600_000;

/** Latencies in milliseconds with 1 % precision in constant memory. */
export class LatencyHistogram {
  #histogram: HdrHistogram | undefined;

  record(milliseconds: number): void {
    // Made on the first sample: most surfaces never stream, most models never fail.
    this.#histogram ??= build({
      bitBucketSize: 32,
      autoResize: true,
      lowestDiscernibleValue: 1,
      highestTrackableValue: 2_048,
      numberOfSignificantValueDigits: 2,
    });
    this.#histogram.recordValue(Math.min(Math.max(Math.round(milliseconds), 0), HIGHEST_MS));
  }

  /** Undefined: no sample yet. */
  percentiles(): Percentiles | undefined {
    const histogram = this.#histogram;
    if (histogram === undefined) return undefined;
    return {
      count: histogram.totalCount,
      p50: histogram.getValueAtPercentile(50),
      p95: histogram.getValueAtPercentile(95),
      p99: histogram.getValueAtPercentile(99),
    };
  }
}
