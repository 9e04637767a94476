import { LlmRouterError } from './llm-router-error.js';

/**
 * The request names a model or rule that nothing here knows. HTTP 404.
 *
 * @publicApi
 */
export class ModelNotFoundError extends LlmRouterError {
  constructor(suggestion?: string) {
    super({
      message:
        'The model named in `model` does not exist here. Use "auto", a rule\'s name, or one of GET /v1/models.' +
        (suggestion === undefined ? '' : ` Did you mean "${suggestion}"?`),
      code: 'model_not_found',
      status: 404,
      type: 'invalid_request_error',
      param: 'model',
      isRetryable: false,
    });
  }
}
