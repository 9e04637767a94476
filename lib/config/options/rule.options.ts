import { TASK_KINDS, type TaskKind } from '../../catalog/index.js';
import { IsOptional } from '../class-validator.js';
import { Section, SectionList } from '../section.decorators.js';
import { IsAmount, IsMilliseconds, IsNameOrNames, IsOneOf } from '../validators.js';
import { RankingOptions } from './ranking.options.js';
import { OwnTimeoutOptions } from './timeout.options.js';
import { VerifyOptions } from './verify.options.js';

/**
 * One step of the cascade.
 *
 * @publicApi
 */
export class TierOptions {
  /** A model's name or several, equals among which the live state decides. */
  @IsNameOrNames()
  models!: string | string[];

  /**
   * Time to first token where the answer is streamed, the whole answer where not.
   *
   * @defaultValue 1500, 3000, 10000 by position
   */
  @IsOptional()
  @IsMilliseconds()
  targetLatencyMs?: number;

  @IsOptional()
  @Section(() => OwnTimeoutOptions)
  timeouts?: OwnTimeoutOptions;
}

/**
 * Which models serve a request class.
 *
 * @publicApi
 */
export class RuleOptions {
  /** The first tier: a model's name or several. */
  @IsOptional()
  @IsNameOrNames()
  primary?: string | string[];

  /** The second tier. */
  @IsOptional()
  @IsNameOrNames()
  fallback?: string | string[];

  /** The third tier, the last resort. */
  @IsOptional()
  @IsNameOrNames()
  emergency?: string | string[];

  /** The same, one to three tiers with their own target latencies, instead of the three keys above. */
  @IsOptional()
  @SectionList(() => TierOptions)
  tiers?: TierOptions[];

  /**
   * Dollars per 1,000 tokens at list price, input and output mixed 3 to 1; at or under passes. A model without a
   * price does not pass.
   */
  @IsOptional()
  @IsAmount()
  maxCostPer1k?: number;

  /**
   * The kind of task the class is of: floors then hold against the public rating in it, where the model has one, instead
   * of that over all tasks. A model without such a rating, and without a `quality` of your own, passes no floor.
   *
   * @defaultValue over all tasks
   */
  @IsOptional()
  @IsOneOf(TASK_KINDS)
  task?: TaskKind;

  /** What decides among the models of one tier. */
  @IsOptional()
  @Section(() => RankingOptions)
  ranking?: RankingOptions;

  /** Steers the choice and the moment to move on to the next model. */
  @IsOptional()
  @IsMilliseconds()
  maxLatencyMs?: number;

  /** Its answers are looked at, and where one is not good enough, the next harder rule answers. */
  @IsOptional()
  @Section(() => VerifyOptions)
  verify?: VerifyOptions;
}
