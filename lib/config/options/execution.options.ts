import { IsOptional } from '../class-validator.js';
import { Section } from '../section.decorators.js';
import { IsCount, IsMilliseconds, IsOneOf } from '../validators.js';
import { BreakerOptions } from './breaker.options.js';
import { ConcurrencyOptions } from './concurrency.options.js';
import { HedgeOptions } from './hedge.options.js';
import { QueueOptions } from './queue.options.js';
import { RetryOptions } from './retry.options.js';
import { TimeoutOptions } from './timeout.options.js';

/**
 * How a plan is carried out.
 *
 * @publicApi
 */
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

  @Section(() => RetryOptions)
  retries: RetryOptions = new RetryOptions();

  @Section(() => BreakerOptions)
  breaker: BreakerOptions = new BreakerOptions();

  @Section(() => ConcurrencyOptions)
  concurrency: ConcurrencyOptions = new ConcurrencyOptions();

  @Section(() => QueueOptions)
  queue: QueueOptions = new QueueOptions();

  @Section(() => HedgeOptions)
  hedge: HedgeOptions = new HedgeOptions();

  /**
   * What carries axios: `undici` costs about half the CPU of axios's own `http`.
   *
   * @defaultValue 'undici'
   */
  @IsOneOf(['undici', 'http'])
  httpAdapter: 'undici' | 'http' = 'undici';
}
