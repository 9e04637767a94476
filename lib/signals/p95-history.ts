/** One window. */
const WINDOW_MS = 10_000;
/** Complete windows that are kept: older ones say nothing of now. */
const KEPT_WINDOWS = 6;
/** A p95 of fewer would be their slowest. */
const MIN_SAMPLES = 5;
/** Samples kept of one window: enough for its p95. */
const MAX_SAMPLES = 128;

/**
 * The 95th percentile of each of the last complete windows, for telling a tier that misses its target in two windows that
 * follow each other from one bad moment. Constant memory.
 */
export class P95History {
  /** By the window's number since the epoch; undefined: too few samples. The newest last. */
  readonly #windows: { readonly number: number; readonly p95Ms: number | undefined }[] = [];
  #number = 0;
  #samples: number[] = [];
  #next = 0;
  #read: readonly (number | undefined)[] = [];
  #readNumber = -1;

  add(valueMs: number, nowMs: number): void {
    this.turn(nowMs);
    this.#samples[this.#next] = valueMs;
    this.#next = (this.#next + 1) % MAX_SAMPLES;
  }

  /** The present window ends then. */
  get turnsAtMs(): number {
    return (this.#number + 1) * WINDOW_MS;
  }

  /** Of the last complete windows, the newest first; undefined where there were too few samples. */
  read(nowMs: number): readonly (number | undefined)[] {
    this.turn(nowMs);
    if (this.#readNumber === this.#number) return this.#read;
    const read: (number | undefined)[] = [];
    for (let back = 1; back <= KEPT_WINDOWS; back += 1) {
      read.push(this.#windows.find(({ number }) => number === this.#number - back)?.p95Ms);
    }
    while (read.length > 0 && read.at(-1) === undefined) read.pop();
    this.#read = read;
    this.#readNumber = this.#number;
    return read;
  }

  private turn(nowMs: number): void {
    const number = Math.floor(nowMs / WINDOW_MS);
    if (number === this.#number) return;
    if (this.#samples.length >= MIN_SAMPLES) {
      const sorted = this.#samples.sort((first, second) => first - second);
      this.#windows.push({ number: this.#number, p95Ms: sorted[Math.ceil(sorted.length * 0.95) - 1] });
      if (this.#windows.length > KEPT_WINDOWS) this.#windows.shift();
    }
    this.#number = number;
    this.#samples = [];
    this.#next = 0;
  }
}
