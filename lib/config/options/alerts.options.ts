import { ALERT_KINDS, type AlertKind } from '../alert-kinds.js';
import { IsOptional } from '../class-validator.js';
import { Section } from '../section.decorators.js';
import { IsConfidence, IsCount, IsFlag, IsListOf, IsShare, IsShareOrAll } from '../validators.js';
import { AlertWebhookOptions } from './alert-webhook.options.js';

/**
 * When a model's answers are not worth enough. By the scores of the evaluators and of `RouterService.feedback`, 0 to 1, where
 * an answer without a fault is 1. That is another scale than the floors', which are expected shares of wins.
 *
 * @publicApi
 */
export class AlertQualityOptions {
  /**
   * A mean score under this raises an alert, of a model's answers on a surface over `slowWindowMs`, once it is proven.
   *
   * @defaultValue 0.5
   */
  @IsShareOrAll()
  minScore = 0.5;

  /** Fewer scores than this prove nothing. @defaultValue 50 */
  @IsCount(1)
  minAnswers = 50;
}

/**
 * When the router raises an alert, and where it tells of it. Latency alerts go by each surface's `latencySloMs`.
 *
 * @publicApi
 */
export class AlertsOptions {
  /** @defaultValue true */
  @IsFlag()
  enabled = true;

  /**
   * A share over this raises an alert, of a deployment's or a provider's calls, or of a surface's requests.
   *
   * @defaultValue 0.02 (2 %)
   */
  @IsShare()
  errorRate = 0.02;

  /** The same of calls that ran out of time, which are errors as well. @defaultValue 0.02 (2 %) */
  @IsShare()
  timeoutRate = 0.02;

  /** So many of a surface's answers are to come within its `latencySloMs`. @defaultValue 0.95 (the p95) */
  @IsConfidence()
  latencyPercentile = 0.95;

  /**
   * Fewer than this in the window prove nothing. Requests that passed a rate-limited or failing deployment over count
   * as its traffic.
   *
   * @defaultValue 300
   */
  @IsCount(1)
  minRequests = 300;

  /** Looked at are the last so many milliseconds, ... @defaultValue 300000 (5 minutes) */
  @IsCount(1_000, 86_400_000)
  windowMs = 300_000;

  /**
   * ... and the last so many, for what burns slowly and for what has too little traffic.
   *
   * @defaultValue twelve times `windowMs`: an hour
   */
  @IsOptional()
  @IsCount(1_000, 604_800_000)
  slowWindowMs?: number;

  /**
   * A rate is over its limit when we can be so sure of it: one-sided, by Wilson's bound. 2 errors of 60 calls are noise.
   *
   * @defaultValue 0.99
   */
  @IsConfidence()
  confidence = 0.99;

  @Section(() => AlertQualityOptions)
  quality: AlertQualityOptions = new AlertQualityOptions();

  /** Kinds that are not watched. @defaultValue none */
  @IsOptional()
  @IsListOf(ALERT_KINDS)
  ignore?: AlertKind[];

  /** Where alerts are sent; a URL alone, or an object. @defaultValue nowhere */
  @IsOptional()
  @Section(() => AlertWebhookOptions, 'url')
  webhook?: string | AlertWebhookOptions;
}
