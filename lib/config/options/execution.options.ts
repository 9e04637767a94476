import { IsOptional } from '../class-validator.js';
import { NotSupportedYet, Section } from '../section.decorators.js';
import { IsCount, IsMilliseconds, IsOneOf } from '../validators.js';

/**
 * How long each part of an attempt may take.
 *
 * @publicApi
 */
export class TimeoutOptions {
  /** @defaultValue 2000 */
  @IsMilliseconds()
  connectMs = 2_000;

  /** Until the first token of a stream. @defaultValue 15000; 120000 for models with `reasoning` */
  @IsOptional()
  @IsMilliseconds()
  firstTokenMs?: number;

  /** Between two pieces of a stream. @defaultValue 15000 */
  @IsMilliseconds()
  idleMs = 15_000;

  /** A whole stream. @defaultValue 600000 */
  @IsMilliseconds()
  maxStreamMs = 600_000;
}

/**
 * How a plan is carried out.
 *
 * @publicApi
 */
@NotSupportedYet({ hedge: '', retries: '', breaker: '', concurrency: '' })
export class ExecutionOptions {
  /** Calls of providers for one request, at most. @defaultValue 4 */
  @IsCount(1, 20)
  maxAttempts = 4;

  /**
   * Wall clock for a request, over all its attempts, until its answer is complete or its stream has begun.
   *
   * @defaultValue 60000 for interactive work; 600000 for background and where a model with `reasoning` may serve
   */
  @IsOptional()
  @IsMilliseconds()
  deadlineMs?: number;

  @Section(() => TimeoutOptions)
  timeouts: TimeoutOptions = new TimeoutOptions();

  /**
   * What carries axios: `undici` costs about half the CPU of axios's own `http`.
   *
   * @defaultValue 'undici'
   */
  @IsOneOf(['undici', 'http'])
  httpAdapter: 'undici' | 'http' = 'undici';
}
