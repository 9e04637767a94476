const BUCKET_MS = 5_000;
const BUCKETS = 12;

/** What a deployment may take in a minute; undefined: no limit is configured. */
export interface MinuteLimits {
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
}

/** Requests and tokens of the last minute, in steps of five seconds. Constant memory. */
export class MinuteUsage {
  readonly #requests = new Float64Array(BUCKETS);
  readonly #tokens = new Float64Array(BUCKETS);
  #number = 0;

  add(requests: number, tokens: number, nowMs: number): void {
    this.turn(nowMs);
    const index = this.#number % BUCKETS;
    this.#requests[index] = (this.#requests[index] ?? 0) + requests;
    this.#tokens[index] = (this.#tokens[index] ?? 0) + tokens;
  }

  /** When there is room again under the limits, in epoch milliseconds; 0: there is now. */
  freeAtMs({ requestsPerMinute, tokensPerMinute }: MinuteLimits, nowMs: number): number {
    if (requestsPerMinute === undefined && tokensPerMinute === undefined) return 0;
    this.turn(nowMs);
    return Math.max(
      this.freeAt(this.#requests, requestsPerMinute),
      this.freeAt(this.#tokens, tokensPerMinute),
    );
  }

  private freeAt(buckets: Float64Array, limit: number | undefined): number {
    if (limit === undefined) return 0;
    let sum = buckets.reduce((total, value) => total + value, 0);
    if (sum < limit) return 0;
    // The oldest go first.
    for (let age = BUCKETS - 1; age >= 0; age -= 1) {
      const number = this.#number - age;
      sum -= buckets[((number % BUCKETS) + BUCKETS) % BUCKETS] ?? 0;
      if (sum < limit) return (number + BUCKETS) * BUCKET_MS;
    }
    return (this.#number + BUCKETS) * BUCKET_MS;
  }

  private turn(nowMs: number): void {
    const number = Math.floor(nowMs / BUCKET_MS);
    // The clock was set back by more than all that is kept.
    if (number < this.#number - BUCKETS) this.#number = number - BUCKETS;
    if (number <= this.#number) return;
    const passed = Math.min(number - this.#number, BUCKETS);
    for (let step = 0; step < passed; step += 1) {
      const index = (number - step) % BUCKETS;
      this.#requests[index] = 0;
      this.#tokens[index] = 0;
    }
    this.#number = number;
  }
}
