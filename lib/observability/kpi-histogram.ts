import type { Percentiles } from './histogram.js';

/** Each bucket is so much wider than the one before: its middle is at most 0.94 % off any value in it. */
const GROWTH = 1.019;
const LOG_GROWTH = Math.log(GROWTH);
/** A microsecond: a fast model takes less than a millisecond for a token. Below, all is nothing. */
const LOWEST_MS = 0.001;
/** Thirty days. */
const HIGHEST_MS = 2_592_000_000;
/** The array grows by so many at once, so that a few samples do not copy it each time. */
const ROOM = 64;

/**
 * Times in milliseconds in buckets of equal ratio, kept from the lowest to the highest that is in use: what was recorded
 * apart can be merged, and the percentiles of the whole are as exact as those of its parts.
 */
export class KpiHistogram {
  #counts = new Uint32Array(0);
  /** The bucket of the first entry of `#counts`. */
  #first = 0;
  #count = 0;
  #lowestMs = Number.POSITIVE_INFINITY;
  #highestMs = 0;

  get count(): number {
    return this.#count;
  }

  record(milliseconds: number): void {
    const clamped = Math.min(Math.max(milliseconds, 0), HIGHEST_MS);
    this.note(clamped, clamped);
    this.add(bucketOf(clamped), 1);
  }

  merge(other: KpiHistogram): void {
    this.note(other.#lowestMs, other.#highestMs);
    other.forEachBucket((bucket, count) => {
      this.add(bucket, count);
    });
  }

  /** So many samples somewhere in a bucket. */
  addBucket(bucket: number, count: number): void {
    this.note(floorOf(bucket), ceilingOf(bucket));
    this.add(bucket, count);
  }

  /** The buckets in use, the lowest first. */
  forEachBucket(take: (bucket: number, count: number) => void): void {
    const counts = this.#counts;
    for (let index = 0; index < counts.length; index += 1) {
      const count = counts[index] ?? 0;
      if (count > 0) take(this.#first + index, count);
    }
  }

  /** The same, to be looked at as a whole. */
  buckets(): (readonly [bucket: number, count: number])[] {
    const buckets: (readonly [number, number])[] = [];
    this.forEachBucket((bucket, count) => buckets.push([bucket, count]));
    return buckets;
  }

  /** Undefined: no sample yet. */
  percentiles(): Percentiles | undefined {
    if (this.#count === 0) return undefined;
    const [p50 = 0, p95 = 0, p99 = 0] = [50, 95, 99].map((percent) => this.percentile(percent));
    return { count: this.#count, p50, p95, p99 };
  }

  private percentile(percent: number): number {
    let left = Math.max(1, Math.ceil((percent * this.#count) / 100));
    for (const [bucket, count] of this.buckets()) {
      left -= count;
      if (left <= 0) return this.within(bucket);
    }
    return this.#highestMs;
  }

  /** The middle of the bucket, as far as samples lie on both of its sides. */
  private within(bucket: number): number {
    const middle = bucket === 0 ? 0 : (2 * ceilingOf(bucket)) / (GROWTH + 1);
    return Number(Math.min(Math.max(middle, this.#lowestMs), this.#highestMs).toPrecision(6));
  }

  private note(lowestMs: number, highestMs: number): void {
    if (lowestMs < this.#lowestMs) this.#lowestMs = lowestMs;
    if (highestMs > this.#highestMs) this.#highestMs = highestMs;
  }

  private add(bucket: number, count: number): void {
    this.#count += count;
    let index = bucket - this.#first;
    if (index < 0 || index >= this.#counts.length) {
      this.reach(bucket);
      index = bucket - this.#first;
    }
    this.#counts[index] = (this.#counts[index] ?? 0) + count;
  }

  private reach(bucket: number): void {
    const isEmpty = this.#counts.length === 0;
    const first = isEmpty || bucket < this.#first ? Math.floor(bucket / ROOM) * ROOM : this.#first;
    const end = Math.max(
      isEmpty ? 0 : this.#first + this.#counts.length,
      Math.ceil((bucket + 1) / ROOM) * ROOM,
    );
    const grown = new Uint32Array(end - first);
    if (!isEmpty) grown.set(this.#counts, this.#first - first);
    this.#counts = grown;
    this.#first = first;
  }
}

/** Bucket 0 is for nothing at all; the others begin above {@link floorOf} and end with {@link ceilingOf}. */
function bucketOf(milliseconds: number): number {
  if (!(milliseconds > LOWEST_MS)) return 0;
  return Math.ceil(Math.log(milliseconds / LOWEST_MS) / LOG_GROWTH);
}

/** Reckoned once: a day is read bucket by bucket. */
const CEILINGS = Float64Array.from({ length: bucketOf(HIGHEST_MS) + 1 }, (_, bucket) =>
  bucket === 0 ? 0 : LOWEST_MS * Math.exp(bucket * LOG_GROWTH),
);

export const LAST_BUCKET = CEILINGS.length - 1;

function ceilingOf(bucket: number): number {
  return CEILINGS[bucket] ?? HIGHEST_MS;
}

function floorOf(bucket: number): number {
  return bucket === 0 ? 0 : bucket === 1 ? LOWEST_MS : ceilingOf(bucket - 1);
}
