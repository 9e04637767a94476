import { IsOptional } from '../class-validator.js';
import { IsAmount, IsCount, IsName } from '../validators.js';

/** What limits a deployment: of one, or of all of a model that do not say otherwise. */
export class DeploymentLimitsOptions {
  /** Prompt and answer together, in tokens. */
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
}
