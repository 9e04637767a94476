import { LlmRouterError } from './llm-router-error.js';

/**
 * Every attempt ended in a rate limit. HTTP 429 with the smallest wait any provider named.
 *
 * @publicApi
 */
export class RateLimitedError extends LlmRouterError {
  constructor(retryAfterMs: number | undefined) {
    super({
      message: 'Every model that may serve this request is rate-limited by its provider. Try again later.',
      code: 'rate_limit_exceeded',
      status: 429,
      type: 'rate_limit_error',
      isRetryable: true,
      retryAfterMs,
    });
  }
}
