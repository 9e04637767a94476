/** When a deployment is put behind the others for its faults, and how it comes back. */
export interface BreakerSettings {
  /** Share of faults at which it opens, 0 to 1. */
  readonly errorRate: number;
  /** Calls in the window before that share counts. */
  readonly minRequests: number;
  readonly windowMs: number;
  /** First pause; doubled each time the probe fails. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Length of each step of the ramp. */
  readonly rampStepMs: number;
}

export const DEFAULT_BREAKER: BreakerSettings = {
  errorRate: 0.2,
  minRequests: 10,
  windowMs: 30_000,
  openMs: 5_000,
  maxOpenMs: 15_000,
  rampStepMs: 2_000,
};

/**
 * `closed`: in normal use. `open`: put behind all others. `half_open`: its pause is over, and one call, the probe, will
 * show whether it is well. `ramping`: the probe was answered, and a growing share of the traffic returns.
 *
 * @publicApi
 */
export type BreakerState = 'closed' | 'open' | 'half_open' | 'ramping';

/** What the breaker says of now. */
export interface BreakerReading {
  readonly state: BreakerState;
  /** Share of its traffic it may have: 0 while it is open or its probe is under way. */
  readonly share: number;
  /** End of its pause, in epoch milliseconds; 0: it has none. */
  readonly openUntilMs: number;
}

/**
 * How a call ended, as far as the breaker is concerned. `slow`: another was quicker, which is a fault of one on trial alone.
 * `none`: nothing was learnt (the caller left).
 */
export type BreakerOutcome = 'success' | 'fault' | 'slow' | 'none';

/** Shares of the traffic that return one after the other; then all of it, and the breaker is closed. */
const RAMP = [0.1, 0.25, 0.5, 1] as const;
/** So many faults in a row open it however few calls there were: a provider that is gone is gone. */
const FAULTS_IN_A_ROW = 5;
/** One fault among few is an accident. */
const MIN_FAULTS = 3;
/** In the ramp fewer prove that it is not well yet. */
const RAMP_FAULTS_IN_A_ROW = 3;
/** One-sided 95 % of the normal distribution. */
const CONFIDENCE = 1.645;
/** Of few calls the rate is uncertain: it must be over so much of the limit with that confidence. */
const CERTAIN_SHARE = 0.6;
/** Parts of the window: faults leave it in steps of a tenth. */
const BUCKETS = 10;

/** Streams break where whole answers do not: each is judged by itself, and both together. */
interface Counts {
  calls: number;
  faults: number;
}

interface Bucket {
  slot: number;
  readonly streams: Counts;
  readonly wholes: Counts;
}

function emptyBucket(): Bucket {
  return { slot: -1, streams: { calls: 0, faults: 0 }, wholes: { calls: 0, faults: 0 } };
}

/** The lower bound of a rate that was seen (Wilson's score interval, E. B. Wilson, 1927). */
function lowerBound({ calls, faults }: Counts): number {
  const rate = faults / calls;
  const square = CONFIDENCE ** 2;
  const centre = rate + square / (2 * calls);
  const spread = CONFIDENCE * Math.sqrt((rate * (1 - rate) + square / (4 * calls)) / calls);
  return (centre - spread) / (1 + square / calls);
}

/**
 * The circuit breaker of one deployment: closed, open, half open with one probe, then a ramp of 10, 25, 50 and 100 % of
 * its traffic. A pure state machine over what it is told and the time it is told of. It orders and does not refuse: when
 * all are open the least bad is still called.
 */
export class CircuitBreaker {
  readonly #buckets: Bucket[] = Array.from({ length: BUCKETS }, emptyBucket);
  #mode: 'closed' | 'open' | 'ramping' = 'closed';
  #openUntilMs = 0;
  /** Pauses in a row, without a closed time between them. */
  #pauses = 0;
  #rampSinceMs = 0;
  #probe: string | undefined;
  #probeSinceMs = 0;
  #faultsInARow = 0;
  /** What was sent before says nothing of the trial that is on. */
  #learnsSinceMs = 0;

  constructor(private readonly settings: () => BreakerSettings) {}

  read(nowMs: number): BreakerReading {
    this.proceed(nowMs);
    switch (this.#mode) {
      case 'closed':
        return { state: 'closed', share: 1, openUntilMs: 0 };
      case 'ramping':
        return { state: 'ramping', share: RAMP[this.step(nowMs)] ?? 1, openUntilMs: 0 };
      case 'open':
        return nowMs < this.#openUntilMs
          ? { state: 'open', share: 0, openUntilMs: this.#openUntilMs }
          : { state: 'half_open', share: this.mayProbe(nowMs) ? 1 : 0, openUntilMs: 0 };
    }
  }

  /** A call has started; the first one after the pause is the probe. */
  started(call: string, nowMs: number): void {
    if (this.read(nowMs).state !== 'half_open' || !this.mayProbe(nowMs)) return;
    this.#probe = call;
    this.#probeSinceMs = nowMs;
    this.#learnsSinceMs = nowMs;
  }

  /** The first token of a stream: the probe need not wait for the last one. */
  answered(call: string, nowMs: number): void {
    if (call === this.#probe) this.ramp(nowMs);
  }

  /** @param sent - When the call was sent, in epoch milliseconds, and how it was to be answered. */
  ended(
    call: string,
    outcome: BreakerOutcome,
    { startedAtMs, streamed }: { readonly startedAtMs: number; readonly streamed: boolean },
    nowMs: number,
  ): void {
    this.proceed(nowMs);
    if (call === this.#probe) {
      if (outcome === 'success') this.ramp(nowMs);
      else if (outcome === 'none') this.#probe = undefined;
      else this.open(nowMs);
      return;
    }
    // While it is open, what ends was sent before, or as a last resort: neither is the probe.
    if (outcome === 'none' || this.#mode === 'open' || startedAtMs < this.#learnsSinceMs) return;
    if (outcome === 'slow' && this.#mode === 'closed') return;
    const isFault = outcome !== 'success';
    this.count(isFault, streamed, nowMs);
    this.#faultsInARow = isFault ? this.#faultsInARow + 1 : 0;
    if (isFault && this.isTripped(nowMs)) this.open(nowMs);
  }

  /** Opens it for a reason that no count of faults shows. While it is open, or its probe is under way, nothing changes. */
  trip(nowMs: number): void {
    this.proceed(nowMs);
    if (this.#mode !== 'open') this.open(nowMs);
  }

  /** Keeps it out until then at least. The longest wait wins: a shorter one does not call it back early. */
  hold(untilMs: number, nowMs: number): void {
    if (untilMs <= nowMs) return;
    this.#mode = 'open';
    this.#probe = undefined;
    this.#openUntilMs = Math.max(this.#openUntilMs, untilMs);
  }

  /** A whole answer may take minutes: a probe that has shown nothing by then has shown nothing, and gives way. */
  private mayProbe(nowMs: number): boolean {
    return this.#probe === undefined || nowMs - this.#probeSinceMs >= this.settings().openMs;
  }

  private proceed(nowMs: number): void {
    if (this.#mode === 'ramping' && this.step(nowMs) >= RAMP.length) {
      this.#mode = 'closed';
      this.#pauses = 0;
    }
  }

  private step(nowMs: number): number {
    return Math.floor((nowMs - this.#rampSinceMs) / this.settings().rampStepMs);
  }

  private ramp(nowMs: number): void {
    this.#mode = 'ramping';
    this.#rampSinceMs = nowMs;
    this.#learnsSinceMs = nowMs;
    this.#openUntilMs = 0;
    this.#probe = undefined;
    this.clear();
  }

  private open(nowMs: number): void {
    const { openMs, maxOpenMs } = this.settings();
    const pauseMs = Math.min(openMs * 2 ** Math.min(this.#pauses, 16), maxOpenMs);
    this.#pauses += 1;
    this.#mode = 'open';
    this.#probe = undefined;
    this.#openUntilMs = Math.max(this.#openUntilMs, nowMs + pauseMs);
    this.clear();
  }

  private isTripped(nowMs: number): boolean {
    const isRamp = this.#mode === 'ramping';
    if (this.#faultsInARow >= (isRamp ? RAMP_FAULTS_IN_A_ROW : FAULTS_IN_A_ROW)) return true;
    const { errorRate, minRequests } = this.settings();
    const { streams, wholes } = this.total(nowMs);
    const both = { calls: streams.calls + wholes.calls, faults: streams.faults + wholes.faults };
    return [streams, wholes, both].some(
      (counts) =>
        counts.faults >= MIN_FAULTS &&
        counts.calls >= minRequests &&
        counts.faults / counts.calls >= errorRate &&
        lowerBound(counts) >= errorRate * CERTAIN_SHARE,
    );
  }

  private count(isFault: boolean, streamed: boolean, nowMs: number): void {
    const slot = Math.floor((nowMs * BUCKETS) / this.settings().windowMs);
    const bucket = this.#buckets[slot % BUCKETS];
    if (bucket === undefined) return;
    if (bucket.slot !== slot) {
      bucket.slot = slot;
      Object.assign(bucket.streams, { calls: 0, faults: 0 });
      Object.assign(bucket.wholes, { calls: 0, faults: 0 });
    }
    const counts = streamed ? bucket.streams : bucket.wholes;
    counts.calls += 1;
    if (isFault) counts.faults += 1;
  }

  private total(nowMs: number): { streams: Counts; wholes: Counts } {
    const newest = Math.floor((nowMs * BUCKETS) / this.settings().windowMs);
    const streams = { calls: 0, faults: 0 };
    const wholes = { calls: 0, faults: 0 };
    for (const bucket of this.#buckets) {
      if (bucket.slot > newest || bucket.slot <= newest - BUCKETS) continue;
      streams.calls += bucket.streams.calls;
      streams.faults += bucket.streams.faults;
      wholes.calls += bucket.wholes.calls;
      wholes.faults += bucket.wholes.faults;
    }
    return { streams, wholes };
  }

  private clear(): void {
    this.#faultsInARow = 0;
    for (const bucket of this.#buckets) bucket.slot = -1;
  }
}
