import type { RankingPreset } from './ranking-preset.js';

/**
 * How much each term counts in a candidate's score; lower scores come first.
 *
 * @publicApi
 */
export interface RankingWeights {
  /** Of the expected latency over the target. */
  readonly latency: number;
  /** Of the chance to miss the target, which counts up to 0.04. */
  readonly risk: number;
  /** Of the errors: 4 for one that fails every call. */
  readonly errors: number;
  /** Of the calls in flight and waiting, over the capacity, squared: an idle one is hardly better than one half idle. */
  readonly load: number;
  /** Of the expected cost, over that of the dearest model of the configuration. */
  readonly cost: number;
  /** Of what is missing to quality 1; an unrated model counts as 0. */
  readonly quality: number;
}

/**
 * What is first in a preset outweighs all else short of an outage; what matters little still decides between equals.
 */
export const PRESET_WEIGHTS: Readonly<Record<RankingPreset, RankingWeights>> = {
  balanced: { latency: 0.75, risk: 60, errors: 1, load: 1, cost: 0.75, quality: 0 },
  cheapest: { latency: 0.05, risk: 1, errors: 1, load: 0.1, cost: 20, quality: 0 },
  fastest: { latency: 4, risk: 25, errors: 1, load: 1, cost: 0, quality: 0 },
  best: { latency: 0.1, risk: 2.5, errors: 1, load: 0.1, cost: 0, quality: 20 },
};

/** A preset, and what of it is set otherwise. */
export interface RankingChoice {
  readonly preset: RankingPreset | undefined;
  readonly weights: Partial<RankingWeights>;
}

export const NO_CHOICE: RankingChoice = { preset: undefined, weights: {} };
