/** A sample that is followed by so many weighs half as much. */
const HALF_LIFE_SAMPLES = 256;
const DECAY = 0.5 ** (1 / HALF_LIFE_SAMPLES);
/** A slope of fewer is chance. */
const MIN_WEIGHT = 8;
/** Lengths that differ by less than this, relative to their mean, prove no slope. */
const MIN_SPREAD = 0.15;

/** A line through what was seen: `meanY + slope * (x - meanX)`. */
export interface Line {
  readonly meanX: number;
  readonly meanY: number;
  /** Never below 0: more tokens never take less time. 0 where none is proven. */
  readonly slope: number;
  /** Samples it stands on; old ones count for less. */
  readonly weight: number;
}

/**
 * Least squares over samples that lose weight as others follow, in constant memory: how a time depends on a length.
 *
 * The weighted means and the co-moments are updated one sample at a time (West 1979, "Updating mean and variance
 * estimates", CACM 22:9), so that no large sums are subtracted from each other.
 */
export class DecayedLine {
  #weight = 0;
  #meanX = 0;
  #meanY = 0;
  #xx = 0;
  #xy = 0;

  add(x: number, y: number): void {
    const before = this.#weight * DECAY;
    this.#weight = before + 1;
    const offX = x - this.#meanX;
    const offY = y - this.#meanY;
    this.#meanX += offX / this.#weight;
    this.#meanY += offY / this.#weight;
    const share = before / this.#weight;
    this.#xx = this.#xx * DECAY + share * offX * offX;
    this.#xy = this.#xy * DECAY + share * offX * offY;
  }

  /** Undefined: there is no sample. */
  read(): Line | undefined {
    if (this.#weight === 0) return undefined;
    const spread = Math.sqrt(this.#xx / this.#weight);
    const isProven = this.#weight >= MIN_WEIGHT && spread > Math.abs(this.#meanX) * MIN_SPREAD;
    return {
      meanX: this.#meanX,
      meanY: this.#meanY,
      slope: isProven ? Math.max(0, this.#xy / this.#xx) : 0,
      weight: this.#weight,
    };
  }
}
