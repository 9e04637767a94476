import { LlmRouterError } from './llm-router-error.js';

/**
 * The request is wrong in itself; `param` names the field or header. HTTP 400.
 *
 * @publicApi
 */
export class InvalidRequestError extends LlmRouterError {
  constructor(message: string, param?: string) {
    super({
      message,
      code: 'invalid_request',
      status: 400,
      type: 'invalid_request_error',
      param,
      isRetryable: false,
    });
  }
}
