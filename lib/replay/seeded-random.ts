/** Mixes a number into a 32-bit state: a small hash, for numbers that look random. */
function mix(state: number, value: number): number {
  let mixed = Math.imul(state ^ value, 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}

/** A 32-bit number of a text, for seeds made of names. */
export function seedOf(...parts: readonly (string | number)[]): number {
  let state = 0x811c9dc5;
  for (const part of parts) {
    const text = String(part);
    for (let index = 0; index < text.length; index += 1) state = mix(state, text.charCodeAt(index) + 1);
    state = mix(state, 0x9e3779b9);
  }
  return state;
}

/** Numbers that look random and are the same for the same seed: a replay can be run again. Not for secrets. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state, this.#state >>> 16) / 4_294_967_296;
  }

  /** Of the normal distribution with mean 0 and deviation 1 (Box and Muller, 1958). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }
}
