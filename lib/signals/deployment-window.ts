/** Samples kept of one deployment: constant memory, and enough for a median and a rough p95. */
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
}

export interface WindowSummary {
  readonly samples: number;
  readonly errorRate: number;
  readonly timeToFirstTokenMs: number | undefined;
  readonly latencyMs: number | undefined;
  /** Of the answers of the last ten minutes; undefined: there are too few. */
  readonly p95TimeToFirstTokenMs: number | undefined;
  readonly p95LatencyMs: number | undefined;
}

function median(values: number[]): number | undefined {
  if (values.length === 0) return undefined;
  values.sort((first, second) => first - second);
  return values[Math.floor((values.length - 1) / 2)];
}

function usualP95(values: number[]): number | undefined {
  if (values.length < MIN_USUAL_SAMPLES) return undefined;
  values.sort((first, second) => first - second);
  return values[Math.ceil(values.length * 0.95) - 1];
}

/** The last samples of one deployment, a ring. */
export class DeploymentWindow {
  readonly #ring: Sample[] = [];
  #next = 0;

  add(sample: Sample): void {
    this.#ring[this.#next] = sample;
    this.#next = (this.#next + 1) % CAPACITY;
  }

  /** The samples of the window, in no order. */
  recent(nowMs: number): Sample[] {
    return this.#ring.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS);
  }

  /** @param waiting - How long streams that have not begun yet have waited: censored samples, at least so long. */
  summarise(nowMs: number, waiting: readonly number[]): WindowSummary {
    let samples = 0;
    let errors = 0;
    const firstTokens: number[] = [];
    const latencies: number[] = [];
    const usualFirstTokens: number[] = [];
    const usualLatencies: number[] = [];
    for (const { atMs, isError, timeToFirstTokenMs, latencyMs, isCensored = false } of this.#ring) {
      if (nowMs - atMs > USUAL_MS) continue;
      if (!isError && !isCensored) {
        if (timeToFirstTokenMs !== undefined) usualFirstTokens.push(timeToFirstTokenMs);
        if (latencyMs !== undefined) usualLatencies.push(latencyMs);
      }
      if (nowMs - atMs > WINDOW_MS) continue;
      // Given up on, it has neither failed nor succeeded.
      if (!isCensored) samples += 1;
      if (isError) errors += 1;
      if (timeToFirstTokenMs !== undefined) firstTokens.push(timeToFirstTokenMs);
      if (latencyMs !== undefined) latencies.push(latencyMs);
    }
    const known = median(firstTokens);
    // A wait shorter than what is usual teaches nothing; a longer one does before it ends.
    for (const waitedMs of waiting) if (waitedMs > (known ?? 0)) firstTokens.push(waitedMs);
    return {
      samples,
      errorRate: samples === 0 ? 0 : errors / samples,
      timeToFirstTokenMs: median(firstTokens),
      latencyMs: median(latencies),
      p95TimeToFirstTokenMs: usualP95(usualFirstTokens),
      p95LatencyMs: usualP95(usualLatencies),
    };
  }
}
