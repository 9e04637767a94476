import { IsCount, IsMilliseconds, IsShareOrAll } from '../validators.js';

/**
 * How a deployment that failed is called again, once no other is left. Another deployment is called at once and needs
 * none of this.
 *
 * @publicApi
 */
export class RetryOptions {
  /**
   * Pause before the first re-send, doubled with each one; a random part of it is waited ("full jitter"), so that
   * callers do not come back together. A provider's own Retry-After comes before it.
   *
   * @defaultValue 250
   */
  @IsMilliseconds()
  baseDelayMs = 250;

  /** The pause grows no longer. @defaultValue 8000 */
  @IsMilliseconds()
  maxDelayMs = 8_000;

  /**
   * Share of the traffic that may be re-sends: with 0.2 a fifth more calls at most, so that an outage is not multiplied.
   * A few are always allowed. 0: none beyond these.
   *
   * @defaultValue 0.2
   */
  @IsShareOrAll()
  budget = 0.2;

  /** Prompts of more tokens are sent twice at most: each re-send is paid for. @defaultValue 50000 */
  @IsCount(1)
  longPromptTokens = 50_000;
}
