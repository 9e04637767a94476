/** In seconds. Fit for LLMs: 10 ms to 120 s. */
export const ANSWER_BUCKETS_SECONDS = [
  0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60, 120,
] as const;
/** In seconds, for a token: 1 ms to 2.5 s, as OpenTelemetry's GenAI conventions advise from 10 ms on. */
export const TOKEN_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5,
] as const;

/** A request that shows what a bucket is made of. */
export interface BucketExemplar {
  readonly traceId: string;
  readonly seconds: number;
  readonly atMs: number;
}

/** Counts at fixed bounds since the start, exact at each, as Prometheus wants them. */
export class LeBuckets {
  readonly bounds: readonly number[];
  /** By bound, and one more for what is over all of them. */
  readonly counts: number[];
  #exemplars: (BucketExemplar | undefined)[] | undefined;
  #sumSeconds = 0;

  constructor(readonly scale: 'answer' | 'token') {
    this.bounds = scale === 'answer' ? ANSWER_BUCKETS_SECONDS : TOKEN_BUCKETS_SECONDS;
    this.counts = new Array<number>(this.bounds.length + 1).fill(0);
  }

  observe(ms: number, traceId: string | undefined, nowMs: number): void {
    const seconds = ms / 1_000;
    let index = 0;
    while (index < this.bounds.length && seconds > (this.bounds[index] ?? 0)) index += 1;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.#sumSeconds += seconds;
    if (traceId === undefined) return;
    this.#exemplars ??= this.counts.map(() => undefined);
    this.#exemplars[index] = { traceId, seconds, atMs: nowMs };
  }

  merge(other: LeBuckets): void {
    for (const [index, count] of other.counts.entries()) {
      this.counts[index] = (this.counts[index] ?? 0) + count;
      const exemplar = other.exemplar(index);
      if (exemplar === undefined) continue;
      this.#exemplars ??= this.counts.map(() => undefined);
      const own = this.#exemplars[index];
      if (own === undefined || own.atMs < exemplar.atMs) this.#exemplars[index] = exemplar;
    }
    this.#sumSeconds += other.#sumSeconds;
  }

  exemplar(index: number): BucketExemplar | undefined {
    return this.#exemplars?.[index];
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  get sumSeconds(): number {
    return this.#sumSeconds;
  }
}
