import { LlmRouterError } from './llm-router-error.js';

/**
 * The router takes no more work now. HTTP 503 with a truthful Retry-After.
 *
 * @publicApi
 */
export class OverloadedError extends LlmRouterError {
  constructor(message: string, retryAfterMs: number) {
    super({
      message,
      code: 'overloaded',
      status: 503,
      type: 'server_error',
      isRetryable: true,
      retryAfterMs,
    });
  }
}
