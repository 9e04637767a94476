/** Numbers that look random and are the same for the same seed: a failing case can be run again by its number. */
export class Random {
  #state: number;

  /** @param seed - Of the whole run. @param index - The case's own number. */
  constructor(seed: number, index: number) {
    this.#state = (Math.imul(seed + 1, 0x9e37_79b1) ^ Math.imul(index + 1, 0x85eb_ca6b)) >>> 0;
    // Neighbours begin alike.
    for (let round = 0; round < 3; round += 1) this.next();
  }

  /** From 0 up to, and without, 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from 0 up to, and without, `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** Small numbers more often than large ones. */
  mostlySmall(end: number): number {
    return Math.floor(this.next() ** 3 * end);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let place = 0; place < count; place += 1) bytes[place] = this.below(256);
    return bytes;
  }
}
