import { LlmRouterError } from './llm-router-error.js';

/** A fault of the router itself. Carries nothing of the original, which may hold anything. HTTP 500. */
export class InternalError extends LlmRouterError {
  constructor() {
    super({
      message: 'The router failed on this request. The log has the kind of error under the decision id.',
      code: 'internal_error',
      status: 500,
      type: 'server_error',
      isRetryable: true,
    });
  }
}
