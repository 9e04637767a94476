/** How the number of calls a deployment takes at once is found. */
export interface ConcurrencySettings {
  /** False: `maxConcurrency` alone counts. */
  readonly adaptive: boolean;
  /** It is never taken for less. */
  readonly min: number;
}

export const DEFAULT_CONCURRENCY: ConcurrencySettings = { adaptive: true, min: 4 };

/** The shortest time between two looks. */
const WINDOW_MS = 1_000;
/** Fewer first tokens prove nothing of how long they take. */
const MIN_SAMPLES = 8;
const MAX_SAMPLES = 256;
/** Over so many times the usual wait for a first token, calls are standing in a queue of the provider's. */
const CONGESTED_RATIO = 2.5;
/** So many refusals for want of capacity in one window are no accident. */
const MIN_OVERLOADS = 2;
const DECREASE = 0.75;
/** At so much of the limit it is what holds the traffic back, and may grow. */
const IN_USE = 0.8;
/** A decrease that does not shorten the wait by so much was in vain. */
const RELIEF = 0.9;
/** So many in vain, and the load is not the cause. */
const FUTILE_DECREASES = 2;
/** How fast what is usual follows what is seen. */
const BASELINE_WEIGHT = 0.2;

function median(values: number[]): number | undefined {
  if (values.length === 0) return undefined;
  values.sort((first, second) => first - second);
  return values[Math.floor((values.length - 1) / 2)];
}

/**
 * Finds the number of calls at which a deployment begins to queue: additive increase while the limit is in use and the
 * first tokens come as usual, multiplicative decrease when they take longer than usual or the provider says it has no
 * capacity (AIMD, as TCP does; the time to first token stands for the round trip, as in Netflix's concurrency-limits).
 * Without congestion there is no limit, so that nothing is held back on a guess. A provider that is slow whatever the load
 * is recognised: decreases that bring no relief are taken back.
 */
export class ConcurrencyLimit {
  #limit: number | undefined;
  #baselineMs: number | undefined;
  #samples: number[] = [];
  #overloads = 0;
  #peakInFlight = 0;
  #windowSinceMs = 0;
  #before: { limit: number | undefined; waitMs: number | undefined } | undefined;
  #futile = 0;

  constructor(private readonly settings: () => ConcurrencySettings) {}

  /** Undefined: none was found. */
  get limit(): number | undefined {
    return this.settings().adaptive ? this.#limit : undefined;
  }

  started(inFlight: number): void {
    this.#peakInFlight = Math.max(this.#peakInFlight, inFlight);
  }

  firstToken(waitMs: number, nowMs: number): void {
    if (this.#samples.length < MAX_SAMPLES) this.#samples.push(waitMs);
    this.look(nowMs);
  }

  /** The provider said that it has no capacity, or gave no token in time. */
  overloaded(nowMs: number): void {
    this.#overloads += 1;
    this.look(nowMs);
  }

  private look(nowMs: number): void {
    if (this.#windowSinceMs === 0) this.#windowSinceMs = nowMs;
    if (nowMs - this.#windowSinceMs < WINDOW_MS) return;
    const samples = this.#samples.length;
    const isOverloaded = this.#overloads >= MIN_OVERLOADS && this.#overloads * 10 >= samples;
    if (!isOverloaded && samples < MIN_SAMPLES) return;
    const waitMs = samples >= MIN_SAMPLES ? median(this.#samples) : undefined;
    const isSlow =
      waitMs !== undefined && this.#baselineMs !== undefined && waitMs > CONGESTED_RATIO * this.#baselineMs;
    if (isOverloaded || isSlow) this.decrease(waitMs, isOverloaded);
    else this.settle(waitMs);
    this.#samples = [];
    this.#overloads = 0;
    this.#peakInFlight = 0;
    this.#windowSinceMs = nowMs;
  }

  private decrease(waitMs: number | undefined, isOverloaded: boolean): void {
    const isFutile =
      !isOverloaded &&
      waitMs !== undefined &&
      this.#before?.waitMs !== undefined &&
      waitMs > this.#before.waitMs * RELIEF;
    this.#futile = isFutile ? this.#futile + 1 : 0;
    if (this.#futile >= FUTILE_DECREASES) {
      // It is as slow with fewer calls: this is how it is now.
      this.#limit = this.#before?.limit;
      this.#baselineMs = waitMs;
      this.#before = undefined;
      this.#futile = 0;
      return;
    }
    const inUse = Math.min(this.#limit ?? Number.POSITIVE_INFINITY, Math.max(this.#peakInFlight, 1));
    this.#before = { limit: this.#before === undefined ? this.#limit : this.#before.limit, waitMs };
    this.#limit = Math.max(this.settings().min, Math.floor(inUse * DECREASE));
  }

  private settle(waitMs: number | undefined): void {
    this.#before = undefined;
    this.#futile = 0;
    if (waitMs !== undefined) {
      this.#baselineMs =
        this.#baselineMs === undefined
          ? waitMs
          : this.#baselineMs + BASELINE_WEIGHT * (waitMs - this.#baselineMs);
    }
    if (this.#limit !== undefined && this.#peakInFlight >= IN_USE * this.#limit) {
      this.#limit += Math.max(1, Math.floor(Math.sqrt(this.#limit)));
    }
  }
}
