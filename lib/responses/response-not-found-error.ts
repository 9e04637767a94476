import { LlmRouterError } from '../errors/llm-router-error.js';

/** A route of the Responses API that needs stored responses. HTTP 404. */
export class ResponseNotFoundError extends LlmRouterError {
  constructor() {
    super({
      message:
        'The router stores no responses: there is none to retrieve, delete, cancel, list or count. ' +
        'Send the whole conversation in `input` of POST /v1/responses.',
      code: 'not_found',
      status: 404,
      type: 'invalid_request_error',
      isRetryable: false,
    });
  }
}
