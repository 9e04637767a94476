import { IsCount, IsFlag } from '../validators.js';

/**
 * How many calls a deployment is given at once, where `maxConcurrency` does not say, or says more than it takes.
 *
 * @publicApi
 */
export class ConcurrencyOptions {
  /**
   * Find the number at which a deployment begins to queue, by its time to first token and by its refusals for want of
   * capacity. `maxConcurrency` stays the ceiling.
   *
   * @defaultValue true
   */
  @IsFlag()
  adaptive = true;

  /** It is never taken for less. @defaultValue 4 */
  @IsCount(1)
  min = 4;
}
