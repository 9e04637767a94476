const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/**
 * A small repeatable source of randomness (a 32-bit multiply-and-xor generator), so that a run with one seed
 * gives the same ids and delays again. Not for secrets.
 */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = Math.trunc(seed) >>> 0;
  }

  /** A number from 0 (included) to 1 (excluded). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 4294967296;
  }

  /**
   * A factor around 1 that is log-normal: its median is 1, and `spread` is the deviation of its logarithm.
   * A spread of 0 gives exactly 1.
   */
  factor(spread: number): number {
    if (spread === 0) return 1;
    const normal = Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
    return Math.exp(spread * normal);
  }

  /** Letters and digits, as providers put them into their ids. */
  identifier(length: number): string {
    return Array.from({ length }, () => ALPHABET.charAt(Math.floor(this.next() * ALPHABET.length))).join('');
  }
}
