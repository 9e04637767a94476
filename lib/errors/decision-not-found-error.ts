import { LlmRouterError } from './llm-router-error.js';

/**
 * No decision of that id is kept, or it is another tenant's. HTTP 404.
 *
 * @publicApi
 */
export class DecisionNotFoundError extends LlmRouterError {
  constructor() {
    super({
      message:
        'There is no such decision, or no longer: only the last ones are kept (`observability.decisions.keep`).',
      code: 'not_found',
      status: 404,
      type: 'invalid_request_error',
      param: 'id',
      isRetryable: false,
    });
  }
}
