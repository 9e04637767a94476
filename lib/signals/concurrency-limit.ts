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
/** It grows while the wait is not over so many times what is usual; between this and congestion it is left alone. */
const CALM_RATIO = 1.5;
/** A decrease that does not shorten the wait by so much was in vain. */
const RELIEF = 0.9;
/** So many in vain, and the load is not the cause. */
const FUTILE_DECREASES = 2;
/** How fast what is usual follows shorter waits, ... */
const FALLING_WEIGHT = 0.2;
/** ... and longer ones: slowly, or it would follow a queue that builds up. */
const RISING_WEIGHT = 0.002;

function median(values: number[]): number | undefined {
  if (values.length === 0) return undefined;
  values.sort((first, second) => first - second);
  return values[Math.floor((values.length - 1) / 2)];
}

/** Over so many times what it was seen to answer, the load is the cause. */
const BEYOND_PROVEN = 1.1;
/** What was answered in this time, or the one before, is what it can do. */
const PROOF_MS = 60_000;
/** Without congestion for so long, there is no limit any more. */
const FORGOTTEN_MS = 300_000;

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
  /** Whole answers: they show that it has room, and not how long calls wait for it. */
  #wholeAnswers = 0;
  #overloads = 0;
  #inFlight = 0;
  #peakInFlight = 0;
  #windowSinceMs = 0;
  /** Calls sent before the last decrease show the load of before it. */
  #decreasedAtMs = Number.NEGATIVE_INFINITY;
  #before: { limit: number | undefined; waitMs: number | undefined } | undefined;
  #futile = 0;
  /** The most calls in flight under which one was answered as usual: of this minute and of the one before. */
  #proven = 0;
  #provenBefore = 0;
  #provenSinceMs = 0;

  constructor(private readonly settings: () => ConcurrencySettings) {}

  /** Undefined: none was found. */
  get limit(): number | undefined {
    return this.settings().adaptive ? this.#limit : undefined;
  }

  /** When it was lowered last, in epoch milliseconds: calls sent before show the load of before it. */
  get decreasedAtMs(): number {
    return this.#decreasedAtMs;
  }

  /**
   * Calls have stopped being answered at their pace. Where there are more of them than it was ever seen to answer, that is
   * why: the limit is what it did answer, at once. False: the load is not the cause.
   */
  congested(nowMs: number): boolean {
    const proven = Math.max(this.#proven, this.#provenBefore);
    if (proven === 0 || this.#inFlight <= proven * BEYOND_PROVEN + 1) return false;
    if (this.#limit === undefined || this.#limit > proven) {
      this.#before = undefined;
      this.#limit = Math.max(this.settings().min, proven);
      this.#decreasedAtMs = nowMs;
      this.#samples = [];
      this.#peakInFlight = 0;
      this.#windowSinceMs = nowMs;
    }
    return true;
  }

  /** @param inFlight - This one among them. */
  started(inFlight: number): void {
    this.#inFlight = inFlight;
    this.#peakInFlight = Math.max(this.#peakInFlight, inFlight);
  }

  /** @param inFlight - When the call was sent, itself among them. */
  firstToken(waitMs: number, nowMs: number, inFlight = 0): void {
    this.prove(waitMs, inFlight, nowMs);
    if (nowMs - waitMs < this.#decreasedAtMs) return;
    if (this.#samples.length < MAX_SAMPLES) this.#samples.push(waitMs);
    this.look(nowMs);
  }

  ended(inFlight: number): void {
    this.#inFlight = inFlight;
  }

  /** An answer in one piece. */
  answeredWhole(durationMs: number, nowMs: number): void {
    if (nowMs - durationMs < this.#decreasedAtMs) return;
    this.#wholeAnswers += 1;
    this.look(nowMs);
  }

  /** The provider said that it has no capacity, or gave no token in time. */
  overloaded(nowMs: number): void {
    this.#overloads += 1;
    this.look(nowMs);
  }

  private prove(waitMs: number, inFlight: number, nowMs: number): void {
    if (nowMs - this.#provenSinceMs > PROOF_MS) {
      this.#provenBefore = nowMs - this.#provenSinceMs > 2 * PROOF_MS ? 0 : this.#proven;
      this.#proven = 0;
      this.#provenSinceMs = nowMs;
    }
    if (this.#baselineMs === undefined || waitMs <= this.#baselineMs * CONGESTED_RATIO) {
      this.#proven = Math.max(this.#proven, inFlight);
    }
  }

  private look(nowMs: number): void {
    if (nowMs - this.#decreasedAtMs > FORGOTTEN_MS) this.#limit = undefined;
    if (this.#windowSinceMs === 0) this.#windowSinceMs = nowMs;
    if (nowMs - this.#windowSinceMs < WINDOW_MS) return;
    const samples = this.#samples.length;
    const answers = samples + this.#wholeAnswers;
    const isOverloaded = this.#overloads >= MIN_OVERLOADS && this.#overloads * 10 >= answers;
    if (!isOverloaded && answers < MIN_SAMPLES) return;
    const waitMs = samples >= MIN_SAMPLES ? median(this.#samples) : undefined;
    const ratio = waitMs === undefined || this.#baselineMs === undefined ? 1 : waitMs / this.#baselineMs;
    if (isOverloaded || ratio > CONGESTED_RATIO) this.decrease(waitMs, isOverloaded, nowMs);
    else this.settle(waitMs, ratio <= CALM_RATIO);
    this.#samples = [];
    this.#wholeAnswers = 0;
    this.#overloads = 0;
    this.#peakInFlight = 0;
    this.#windowSinceMs = nowMs;
  }

  private decrease(waitMs: number | undefined, isOverloaded: boolean, nowMs: number): void {
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
    // None was sent since the last look: then no more than there were.
    const inFlight = this.#peakInFlight === 0 ? this.#inFlight : this.#peakInFlight;
    const inUse = Math.min(this.#limit ?? Number.POSITIVE_INFINITY, Math.max(inFlight, 1));
    this.#before = { limit: this.#before === undefined ? this.#limit : this.#before.limit, waitMs };
    this.#limit = Math.max(this.settings().min, Math.floor(inUse * DECREASE));
    this.#decreasedAtMs = nowMs;
  }

  private settle(waitMs: number | undefined, isCalm: boolean): void {
    this.#before = undefined;
    this.#futile = 0;
    if (waitMs !== undefined) {
      const usualMs = this.#baselineMs ?? waitMs;
      this.#baselineMs = usualMs + (waitMs < usualMs ? FALLING_WEIGHT : RISING_WEIGHT) * (waitMs - usualMs);
    }
    if (isCalm && this.#limit !== undefined && this.#peakInFlight >= IN_USE * this.#limit) {
      this.#limit += Math.max(1, Math.floor(Math.sqrt(this.#limit) / 2));
    }
  }
}
