import { LlmRouterError } from './llm-router-error.js';

/**
 * The request's deadline passed before any model had answered. HTTP 504, not to be retried by the SDK.
 *
 * @publicApi
 */
export class DeadlineExceededError extends LlmRouterError {
  constructor(deadlineMs: number, attempts: number) {
    super({
      message: `No model answered within the deadline of ${deadlineMs} ms (${attempts} attempt${attempts === 1 ? '' : 's'}).`,
      code: 'deadline_exceeded',
      status: 504,
      type: 'server_error',
      isRetryable: false,
      shouldRetry: false,
    });
  }
}
