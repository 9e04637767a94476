/** Samples kept of one deployment: constant memory, and enough for a median. */
const CAPACITY = 64;
/** Older samples say nothing of now. */
const WINDOW_MS = 30_000;

export interface Sample {
  readonly atMs: number;
  readonly isError: boolean;
  readonly timeToFirstTokenMs: number | undefined;
  readonly latencyMs: number | undefined;
}

export interface WindowSummary {
  readonly samples: number;
  readonly errorRate: number;
  readonly timeToFirstTokenMs: number | undefined;
  readonly latencyMs: number | undefined;
}

function median(values: number[]): number | undefined {
  if (values.length === 0) return undefined;
  values.sort((first, second) => first - second);
  return values[Math.floor((values.length - 1) / 2)];
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
    for (const sample of this.#ring) {
      if (nowMs - sample.atMs > WINDOW_MS) continue;
      samples += 1;
      if (sample.isError) errors += 1;
      if (sample.timeToFirstTokenMs !== undefined) firstTokens.push(sample.timeToFirstTokenMs);
      if (sample.latencyMs !== undefined) latencies.push(sample.latencyMs);
    }
    const known = median(firstTokens);
    // A wait shorter than what is usual teaches nothing; a longer one does before it ends.
    for (const waitedMs of waiting) if (waitedMs > (known ?? 0)) firstTokens.push(waitedMs);
    return {
      samples,
      errorRate: samples === 0 ? 0 : errors / samples,
      timeToFirstTokenMs: median(firstTokens),
      latencyMs: median(latencies),
    };
  }
}
