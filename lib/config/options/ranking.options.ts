import { IsOptional } from '../class-validator.js';
import { Section } from '../section.decorators.js';
import { IsAmount, IsOneOf, IsShareOrAll } from '../validators.js';

/** The ways to rank: the planning room has what they mean. */
export const PRESETS = ['balanced', 'cheapest', 'fastest', 'best'] as const;

/**
 * How much each term counts in a candidate's score. Those left out stay as the preset has them.
 *
 * @publicApi
 */
export class RankingWeightOptions {
  /** Of the expected latency over the target. */
  @IsOptional()
  @IsAmount()
  latency?: number;

  /** Of the chance to miss the target, which counts up to 0.04. */
  @IsOptional()
  @IsAmount()
  risk?: number;

  /** Of the errors: 4 for one that fails every call. */
  @IsOptional()
  @IsAmount()
  errors?: number;

  /** Of the calls in flight and waiting, over the capacity, squared. */
  @IsOptional()
  @IsAmount()
  load?: number;

  /** Of the expected cost of the request, over what it would cost at the dearest model of the configuration. */
  @IsOptional()
  @IsAmount()
  cost?: number;

  /** Of what is missing to quality 1. */
  @IsOptional()
  @IsAmount()
  quality?: number;
}

/**
 * What decides among the models of one tier.
 *
 * @publicApi
 */
export class RankingOptions {
  /**
   * `balanced`: speed, errors, load and price together; `cheapest`, `fastest`, `best`: price, time or quality before all
   * else. Floors and caps hold under all of them.
   *
   * @defaultValue that of the rule, of the hour (`peakHours`), of the whole configuration, `balanced`, in this order
   */
  @IsOptional()
  @IsOneOf(PRESETS)
  preset?: (typeof PRESETS)[number];

  @IsOptional()
  @Section(() => RankingWeightOptions)
  weights?: RankingWeightOptions;
}

/** What decides among the models of one tier where neither the surface nor the rule says so. */
export class GlobalRankingOptions extends RankingOptions {
  /**
   * Share of the requests that go to a model of the tier of which nothing is known now, or to one that missed its target:
   * else one that has recovered would never be found again.
   *
   * @defaultValue 0.02
   */
  @IsShareOrAll()
  exploration = 0.02;
}
