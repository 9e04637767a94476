import { LlmRouterError } from './llm-router-error.js';

/**
 * No decision of that id is known here: it was never made, it is another's, or it is too old. HTTP 404.
 *
 * @publicApi
 */
export class DecisionNotFoundError extends LlmRouterError {
  /** @param param - What named it: `id` of a decision to be shown, `decision_id` of an answer to be scored. */
  constructor(param: 'id' | 'decision_id' = 'id') {
    super({
      message:
        param === 'id'
          ? 'There is no such decision, or no longer: only the last ones are kept (`observability.decisions.keep`).'
          : 'No answer of this decision is known here: only the last ones of this process are, to those who got them.',
      code: 'not_found',
      status: 404,
      type: 'invalid_request_error',
      param,
      isRetryable: false,
    });
  }
}
