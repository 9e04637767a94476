import { DecayedLine, type Line } from './decayed-line.js';
import { P95History } from './p95-history.js';
import { SlidingHistogram } from './sliding-histogram.js';

/** Samples kept of one deployment: constant memory, and enough for a median and an error rate of now. */
const CAPACITY = 64;
/** Older samples say nothing of now. */
const WINDOW_MS = 30_000;
/** What is usual is known for longer: a quiet surface has few calls in half a minute. */
const USUAL_MS = 600_000;
/** A p95 of fewer would be their slowest. */
const MIN_USUAL_SAMPLES = 10;

export interface Sample {
  readonly atMs: number;
  readonly isError: boolean;
  readonly timeToFirstTokenMs: number | undefined;
  readonly latencyMs: number | undefined;
  /** It was given up on: it would have taken at least so long. Absent: it was not. */
  readonly isCensored?: boolean;
  /** Of an answer that arrived whole. */
  readonly answered?: Answered | undefined;
}

/** An answer that arrived whole, streamed or not. */
export interface Answered {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly durationMs: number;
}

export interface WindowSummary {
  readonly samples: number;
  readonly errorRate: number;
  readonly timeToFirstTokenMs: number | undefined;
  /** So many waits for a first token it is the median of. */
  readonly firstTokenSamples: number;
  readonly latencyMs: number | undefined;
  /** So many whole answers it is the median of. */
  readonly latencySamples: number;
  /** Of the answers of the last ten minutes; undefined: there are too few. */
  readonly p95TimeToFirstTokenMs: number | undefined;
  /** So many waits for a first token it is of. */
  readonly usualFirstTokenSamples: number;
  readonly p95LatencyMs: number | undefined;
  /** So many whole answers it is of. */
  readonly usualLatencySamples: number;
  /** The p95 of each of the last complete windows of ten seconds, the newest first; undefined where there were too few. */
  readonly recentP95TimeToFirstTokenMs: readonly (number | undefined)[];
  /** The same of whole answers. */
  readonly recentP95LatencyMs: readonly (number | undefined)[];
  /** How the time to first token depends on the prompt's tokens; undefined: no sample. */
  readonly firstTokenByInput: Line | undefined;
  /** How the time of the whole answer depends on its tokens, streamed or not; undefined: no sample. */
  readonly durationByOutput: Line | undefined;
}

function median(values: readonly number[]): number | undefined {
  // Numbers alone are sorted without a comparison of ours: some times faster.
  return new Float64Array(values).sort()[Math.floor((values.length - 1) / 2)];
}

/** Made when the first value comes: most deployments either stream or do not. */
class Usual {
  #histogram: SlidingHistogram | undefined;
  readonly history = new P95History();

  add(valueMs: number, isAnswer: boolean, nowMs: number): void {
    this.history.add(valueMs, nowMs);
    if (!isAnswer) return;
    this.#histogram ??= new SlidingHistogram(USUAL_MS);
    this.#histogram.record(valueMs, nowMs);
  }

  /** What it says changes then by time alone. */
  get turnsAtMs(): number {
    return Math.min(this.history.turnsAtMs, this.#histogram?.turnsAtMs ?? Number.POSITIVE_INFINITY);
  }

  count(nowMs: number): number {
    return this.#histogram?.count(nowMs) ?? 0;
  }

  p95(nowMs: number): number | undefined {
    const histogram = this.#histogram;
    if (histogram === undefined || histogram.count(nowMs) < MIN_USUAL_SAMPLES) return undefined;
    return histogram.percentile(95, nowMs);
  }
}

/** The last samples of one deployment: a ring for what is now, histograms for what is usual. */
export class DeploymentWindow {
  readonly #ring: Sample[] = [];
  #next = 0;
  readonly #firstTokens = new Usual();
  readonly #latencies = new Usual();
  readonly #firstTokenByInput = new DecayedLine();
  readonly #durationByOutput = new DecayedLine();
  /** Of the ended calls alone; undefined: one has come since. */
  #ended: WindowSummary | undefined;
  #endedAtMs = 0;
  /** Then a sample is too old, ... */
  #leavesAtMs = 0;
  /** ... and then one of the longer windows is over. */
  #turnsAtMs = 0;
  #recentFirstTokens: readonly number[] = [];

  add(sample: Sample): void {
    this.#ended = undefined;
    this.#ring[this.#next] = sample;
    this.#next = (this.#next + 1) % CAPACITY;
    const { atMs, timeToFirstTokenMs, latencyMs, answered, isError, isCensored = false } = sample;
    const isAnswer = !isError && !isCensored;
    if (timeToFirstTokenMs !== undefined) this.#firstTokens.add(timeToFirstTokenMs, isAnswer, atMs);
    if (latencyMs !== undefined) this.#latencies.add(latencyMs, isAnswer, atMs);
    if (answered === undefined) return;
    this.#durationByOutput.add(answered.outputTokens, answered.durationMs);
    if (timeToFirstTokenMs !== undefined) {
      this.#firstTokenByInput.add(answered.inputTokens, timeToFirstTokenMs);
    }
  }

  /** The samples of the window, in no order. */
  recent(nowMs: number): Sample[] {
    return this.#ring.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
  }

  /**
   * The same object as before where nothing has changed.
   *
   * @param waiting - How long streams that have not begun yet have waited: censored samples, at least so long.
   */
  summarise(nowMs: number, waiting: readonly number[]): WindowSummary {
    const isKept = nowMs >= this.#endedAtMs && nowMs <= this.#leavesAtMs && nowMs < this.#turnsAtMs;
    const ended = (isKept ? this.#ended : undefined) ?? this.summariseEnded(nowMs);
    // A wait shorter than what is usual teaches nothing; a longer one does before it ends.
    const longer = waiting.filter((waitedMs) => waitedMs > (ended.timeToFirstTokenMs ?? 0));
    if (longer.length === 0) return ended;
    const firstTokens = [...this.#recentFirstTokens, ...longer];
    return { ...ended, timeToFirstTokenMs: median(firstTokens), firstTokenSamples: firstTokens.length };
  }

  private summariseEnded(nowMs: number): WindowSummary {
    let samples = 0;
    let errors = 0;
    let oldestMs = Number.POSITIVE_INFINITY;
    const firstTokens: number[] = [];
    const latencies: number[] = [];
    for (const { atMs, isError, timeToFirstTokenMs, latencyMs, isCensored = false } of this.#ring) {
      if (nowMs - atMs > WINDOW_MS) continue;
      oldestMs = Math.min(oldestMs, atMs);
      // Given up on, it has neither failed nor succeeded.
      if (!isCensored) samples += 1;
      if (isError) errors += 1;
      if (timeToFirstTokenMs !== undefined) firstTokens.push(timeToFirstTokenMs);
      if (latencyMs !== undefined) latencies.push(latencyMs);
    }
    this.#ended = {
      samples,
      errorRate: samples === 0 ? 0 : errors / samples,
      timeToFirstTokenMs: median(firstTokens),
      firstTokenSamples: firstTokens.length,
      latencyMs: median(latencies),
      latencySamples: latencies.length,
      p95TimeToFirstTokenMs: this.#firstTokens.p95(nowMs),
      usualFirstTokenSamples: this.#firstTokens.count(nowMs),
      p95LatencyMs: this.#latencies.p95(nowMs),
      usualLatencySamples: this.#latencies.count(nowMs),
      recentP95TimeToFirstTokenMs: this.#firstTokens.history.read(nowMs),
      recentP95LatencyMs: this.#latencies.history.read(nowMs),
      firstTokenByInput: this.#firstTokenByInput.read(),
      durationByOutput: this.#durationByOutput.read(),
    };
    this.#endedAtMs = nowMs;
    this.#leavesAtMs = oldestMs + WINDOW_MS;
    this.#turnsAtMs = Math.min(this.#firstTokens.turnsAtMs, this.#latencies.turnsAtMs);
    this.#recentFirstTokens = firstTokens;
    return this.#ended;
  }
}
