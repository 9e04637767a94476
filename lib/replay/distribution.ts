import type { SeededRandom } from './seeded-random.js';

/** How a figure of a deployment is spread. */
export interface Distribution {
  readonly median: number;
  draw(random: SeededRandom): number;
}

/** The spread of most waits: the logarithm is normal, and `sigma` its deviation. 0: always the median. */
export function logNormal(median: number, sigma: number): Distribution {
  return { median, draw: (random) => median * Math.exp(sigma * random.normal()) };
}

/** A point of a distribution: so large is what a share of it does not exceed. */
export interface Quantile {
  /** 0 to 1. */
  readonly share: number;
  readonly value: number;
}

/**
 * Drawn between known percentiles, each stretch of them even. Below the first and above the last known one nothing is
 * made up: they are the ends.
 *
 * @param quantiles - At least one, with rising shares and values.
 */
export function betweenQuantiles(quantiles: readonly Quantile[]): Distribution {
  const at = (share: number): number => {
    let [below] = quantiles;
    if (below === undefined) throw new RangeError('betweenQuantiles needs a quantile');
    for (const above of quantiles) {
      if (above.share >= share) {
        const width = above.share - below.share;
        const part = width === 0 ? 1 : Math.min(1, Math.max(0, (share - below.share) / width));
        return below.value + part * (above.value - below.value);
      }
      below = above;
    }
    return below.value;
  };
  return { median: at(0.5), draw: (random) => at(random.next()) };
}

const LEARNED_STEPS = 40;

/** @param samples - At least one. */
export function ofSamples(samples: readonly number[]): Distribution {
  const sorted = samples.toSorted((first, second) => first - second);
  const steps = Math.min(LEARNED_STEPS, Math.max(1, sorted.length - 1));
  const quantiles = Array.from({ length: steps + 1 }, (_, step) => ({
    share: step / steps,
    value: sorted[Math.round((step / steps) * (sorted.length - 1))] ?? 0,
  }));
  return betweenQuantiles(quantiles);
}
