import { LlmRouterError } from './llm-router-error.js';

/**
 * No answer of that decision is known: it was never made, not answered, is another's, or is too old. HTTP 404.
 *
 * @publicApi
 */
export class DecisionNotFoundError extends LlmRouterError {
  constructor() {
    super({
      message:
        'No answer of this decision is known here: only the last ones of this process are, to those who got them.',
      code: 'not_found',
      status: 404,
      type: 'invalid_request_error',
      param: 'decision_id',
      isRetryable: false,
    });
  }
}
