import { LlmRouterError } from './llm-router-error.js';

/**
 * The body is over the limit. HTTP 413.
 *
 * @publicApi
 */
export class RequestTooLargeError extends LlmRouterError {
  constructor(message: string, param?: string) {
    super({
      message,
      code: 'request_too_large',
      status: 413,
      type: 'invalid_request_error',
      param,
      isRetryable: false,
    });
  }
}
