import { LlmRouterError } from './llm-router-error.js';

/**
 * The prompt, with room for the answer, fits no model that may serve it. HTTP 400.
 *
 * @publicApi
 */
export class ContextLengthExceededError extends LlmRouterError {
  constructor(message: string) {
    super({
      message,
      code: 'context_length_exceeded',
      status: 400,
      type: 'invalid_request_error',
      param: 'messages',
      isRetryable: false,
    });
  }
}
