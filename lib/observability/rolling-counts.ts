const SLICES = 10;

/** Counts of the last `windowMs` milliseconds in columns: ten slices that take turns, in constant memory. */
export class RollingCounts {
  readonly #sliceMs: number;
  /** Slice after slice, each with all columns. */
  readonly #counts: Uint32Array;
  /** Over all slices, kept up to date, so that a look costs nothing. */
  readonly #sums: Float64Array;
  /** The slice of now, counted from the epoch. */
  #current = Number.NEGATIVE_INFINITY;

  constructor(
    windowMs: number,
    private readonly columns: number,
  ) {
    this.#sliceMs = windowMs / SLICES;
    this.#counts = new Uint32Array(SLICES * columns);
    this.#sums = new Float64Array(columns);
  }

  /** @param amount - A whole number. */
  add(nowMs: number, column: number, amount = 1): void {
    this.turnTo(nowMs);
    const place = (this.#current % SLICES) * this.columns + column;
    this.#counts[place] = (this.#counts[place] ?? 0) + amount;
    this.#sums[column] = (this.#sums[column] ?? 0) + amount;
  }

  /**
   * Takes out what was added at another time, where that still stands in the window.
   *
   * @param amounts - By column. All of them are taken, or none.
   */
  takeBack(nowMs: number, atMs: number, amounts: readonly number[]): void {
    this.turnTo(nowMs);
    const index = Math.floor(atMs / this.#sliceMs);
    if (index > this.#current || index <= this.#current - SLICES) return;
    const start = (index % SLICES) * this.columns;
    if (amounts.some((amount, column) => (this.#counts[start + column] ?? 0) < amount)) return;
    for (const [column, amount] of amounts.entries()) {
      this.#counts[start + column] = (this.#counts[start + column] ?? 0) - amount;
      this.#sums[column] = (this.#sums[column] ?? 0) - amount;
    }
  }

  /** The sums by column; not to be kept. */
  read(nowMs: number): Readonly<Float64Array> {
    this.turnTo(nowMs);
    return this.#sums;
  }

  /** Drops what is too old. A clock set back a little goes on in the slice there is; set back far, all is dropped. */
  private turnTo(nowMs: number): void {
    const index = Math.floor(nowMs / this.#sliceMs);
    if (Math.abs(index - this.#current) >= SLICES) {
      this.#counts.fill(0);
      this.#sums.fill(0);
      this.#current = index;
    }
    while (this.#current < index) {
      this.#current += 1;
      const start = (this.#current % SLICES) * this.columns;
      const oldest = this.#counts.subarray(start, start + this.columns);
      oldest.forEach((count, column) => {
        this.#sums[column] = (this.#sums[column] ?? 0) - count;
      });
      oldest.fill(0);
    }
  }
}
