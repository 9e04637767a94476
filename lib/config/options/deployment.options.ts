import { IsOptional } from '../class-validator.js';
import { NotSupportedYet, Section } from '../section.decorators.js';
import { IsAmount, IsCount, IsName } from '../validators.js';
import { PriceOptions } from './price.options.js';
import { OwnTimeoutOptions } from './timeout.options.js';

const NOT_YET = { retention: 'use `retentionDays`' };

/**
 * One model at one provider, with what differs there.
 *
 * @publicApi
 */
@NotSupportedYet(NOT_YET)
export class DeploymentOptions {
  /** A name out of `providers`. */
  @IsName()
  provider!: string;

  /** @defaultValue the model's name */
  @IsOptional()
  @IsName()
  upstreamModel?: string;

  /**
   * Capacity against its siblings': one of weight 2 is expected to carry twice the requests in flight.
   *
   * @defaultValue 1
   */
  @IsOptional()
  @IsAmount(0.001)
  weight?: number;

  @IsOptional()
  @Section(() => PriceOptions)
  price?: PriceOptions;

  @IsOptional()
  @IsCount(1)
  contextWindow?: number;

  @IsOptional()
  @IsCount(1)
  maxOutputTokens?: number;

  /** Calls in flight at which it is full: more wait or go elsewhere. */
  @IsOptional()
  @IsCount(1)
  maxConcurrency?: number;

  /** Where it answers, for surfaces that name a `region`: a name of your own choice, such as `eu` or `eu-west-1`. */
  @IsOptional()
  @IsName()
  region?: string;

  /** For so many days prompts are kept there, for surfaces that allow so many: 0 where they are not. */
  @IsOptional()
  @IsAmount()
  retentionDays?: number;

  /** Requests it may be sent in a minute, by this process; once they are used up others serve. */
  @IsOptional()
  @IsCount(1)
  requestsPerMinute?: number;

  /** Tokens of prompts and answers in a minute, the same. */
  @IsOptional()
  @IsCount(1)
  tokensPerMinute?: number;

  @IsOptional()
  @Section(() => OwnTimeoutOptions)
  timeouts?: OwnTimeoutOptions;
}
