import { IsOptional } from '../config/class-validator.js';
import { PriceOptions } from '../config/options/price.options.js';
import { Section, SectionList, SectionMap } from '../config/section.decorators.js';
import { IsAmount, IsCount, IsName, IsOneOf, IsShareOrAll } from '../config/validators.js';
import { DEPLOYMENT_CHANGES } from './deployment-behaviour.js';

/** How long a deployment takes to its first token: a median and a spread, or percentiles. Milliseconds. */
export class FirstTokenOptions {
  @IsOptional()
  @IsAmount(0.001)
  medianMs?: number;

  /** Deviation of the logarithm: 0.35 puts 95 of 100 under 1.8 times the median. @defaultValue 0.35 */
  @IsOptional()
  @IsAmount()
  sigma?: number;

  @IsOptional()
  @IsAmount()
  p10Ms?: number;

  @IsOptional()
  @IsAmount()
  p50Ms?: number;

  @IsOptional()
  @IsAmount()
  p90Ms?: number;

  @IsOptional()
  @IsAmount()
  p95Ms?: number;

  @IsOptional()
  @IsAmount()
  p99Ms?: number;
}

/** How one deployment behaves; what is left out is as it was recorded, or assumed. */
export class ScriptedDeploymentOptions {
  @IsOptional()
  @Section(() => FirstTokenOptions)
  timeToFirstToken?: FirstTokenOptions;

  /** The median. */
  @IsOptional()
  @IsAmount(0.001)
  tokensPerSecond?: number;

  /** Deviation of its logarithm. @defaultValue 0.2 */
  @IsOptional()
  @IsAmount()
  tokensPerSecondSigma?: number;

  /** Calls the provider works on at once. @defaultValue any number */
  @IsOptional()
  @IsCount(1)
  capacity?: number;

  /** Calls that wait at the provider while it is full; the next one is told 429. @defaultValue 40 */
  @IsOptional()
  @IsCount(0)
  queueLength?: number;

  /** Beyond it calls are told 429. @defaultValue none */
  @IsOptional()
  @IsAmount(0.001)
  requestsPerMinute?: number;

  /** What it says with a 429. @defaultValue nothing */
  @IsOptional()
  @IsCount(1)
  retryAfterMs?: number;

  /** Share of its calls that fail with a 500. @defaultValue as recorded, or 0 */
  @IsOptional()
  @IsShareOrAll()
  errorRate?: number;
}

/** What happens at a time of the day. */
export class ScriptedEventOptions {
  /** A deployment's id such as `openai/gpt-4o-mini`, or a provider's or a model's name. @defaultValue all */
  @IsOptional()
  @IsName()
  deployment?: string;

  @IsOneOf(DEPLOYMENT_CHANGES)
  kind!: (typeof DEPLOYMENT_CHANGES)[number];

  /** Since the first request. @defaultValue 0 */
  @IsCount(0)
  fromMs = 0;

  /** @defaultValue the end of the day */
  @IsOptional()
  @IsCount(1)
  toMs?: number;

  /** `brown_out`: so many times slower. */
  @IsOptional()
  @IsAmount(0.001)
  factor?: number;

  /** `error_burst`: the share of calls that fail. */
  @IsOptional()
  @IsShareOrAll()
  errorRate?: number;

  /** `rate_limit`: calls beyond it are told 429. */
  @IsOptional()
  @IsAmount(0.001)
  requestsPerMinute?: number;

  /** `rate_limit`: what it says with a 429. @defaultValue nothing */
  @IsOptional()
  @IsCount(1)
  retryAfterMs?: number;

  /** `price_change`: what is billed from then on; the router goes on by its configured price. */
  @IsOptional()
  @Section(() => PriceOptions)
  price?: PriceOptions;
}

/** A file that says how the providers of a replay behave. */
export class ReplayScriptOptions {
  /** By a deployment's id, or by a provider's or a model's name for all of its deployments. */
  @IsOptional()
  @SectionMap(() => ScriptedDeploymentOptions)
  deployments?: Record<string, ScriptedDeploymentOptions>;

  @IsOptional()
  @SectionList(() => ScriptedEventOptions)
  events?: ScriptedEventOptions[];
}
