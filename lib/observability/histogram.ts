/** @publicApi */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

const HIGHEST_MS = 3_600_000;
/** Values below are counted one by one; above, the buckets of each doubling are these many halved. */
const EXACT_BELOW = 256;
const BUCKETS_A_DOUBLING = EXACT_BELOW / 2;
const EXACT_BITS = 8;

/**
 * Latencies in milliseconds with 1 % precision in constant memory: buckets as wide as the value's highest eight bits
 * leave open, so that at most one part in 128 is lost (as in HDR histograms), and at most 2,048 of them.
 */
export class LatencyHistogram {
  // Made on the first sample, and grown with the highest: most surfaces never stream, most models never fail.
  #counts = new Uint32Array(0);
  #count = 0;

  record(milliseconds: number): void {
    const index = bucketOf(Math.min(Math.max(Math.round(milliseconds), 0), HIGHEST_MS));
    if (index >= this.#counts.length) {
      const grown = new Uint32Array(Math.ceil((index + 1) / BUCKETS_A_DOUBLING) * BUCKETS_A_DOUBLING);
      grown.set(this.#counts);
      this.#counts = grown;
    }
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#count += 1;
  }

  /** Undefined: no sample yet. */
  percentiles(): Percentiles | undefined {
    if (this.#count === 0) return undefined;
    return {
      count: this.#count,
      p50: this.percentile(50),
      p95: this.percentile(95),
      p99: this.percentile(99),
    };
  }

  /** The highest value of the bucket that holds it. */
  private percentile(percent: number): number {
    let left = Math.max(1, Math.ceil((percent * this.#count) / 100));
    for (const [index, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return highestOf(index);
    }
    return HIGHEST_MS;
  }
}

function bucketOf(value: number): number {
  if (value < EXACT_BELOW) return value;
  const doublings = 32 - Math.clz32(value) - EXACT_BITS;
  return EXACT_BELOW + (doublings - 1) * BUCKETS_A_DOUBLING + (value >> doublings) - BUCKETS_A_DOUBLING;
}

function highestOf(index: number): number {
  if (index < EXACT_BELOW) return index;
  const doublings = Math.floor((index - EXACT_BELOW) / BUCKETS_A_DOUBLING) + 1;
  const leading = ((index - EXACT_BELOW) % BUCKETS_A_DOUBLING) + BUCKETS_A_DOUBLING;
  return ((leading + 1) << doublings) - 1;
}
