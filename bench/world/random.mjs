/** Numbers that look random and are the same for the same seed: a day can be run again. */
export class Random {
  #state;

  /** @param {number | string} seed */
  constructor(seed) {
    this.#state = [...String(seed)].reduce(
      (sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0,
      2_166_136_261,
    );
    // The first numbers of neighbouring seeds are alike.
    for (let count = 0; count < 8; count += 1) this.next();
  }

  /** Uniform in [0, 1): mulberry32. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  between(low, high) {
    return low + (high - low) * this.next();
  }

  chance(share) {
    return this.next() < share;
  }

  pick(list) {
    return list[Math.floor(this.next() * list.length)];
  }

  /** A log-normal factor whose median is 1. */
  factor(sigma) {
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return Math.exp(sigma * normal);
  }

  exponential(mean) {
    return -mean * Math.log(1 - this.next());
  }
}
