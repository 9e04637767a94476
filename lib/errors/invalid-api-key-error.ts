import { LlmRouterError } from './llm-router-error.js';

/**
 * The caller's key for this router is missing or wrong. HTTP 401.
 *
 * @publicApi
 */
export class InvalidApiKeyError extends LlmRouterError {
  constructor(message = 'A valid API key is required: send it as "Authorization: Bearer <key>".') {
    super({
      message,
      code: 'invalid_api_key',
      status: 401,
      type: 'authentication_error',
      isRetryable: false,
    });
  }
}
