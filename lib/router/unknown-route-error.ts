import { LlmRouterError } from '../errors/llm-router-error.js';

/** A client in process asked for something of OpenAI's API that the router does not serve. HTTP 404. */
export class UnknownRouteError extends LlmRouterError {
  constructor(method: string, path: string) {
    super({
      message:
        'The router serves chat completions, responses and models; ' +
        `there is no ${method.slice(0, 16)} ${path.slice(0, 128)}.`,
      code: 'not_found',
      status: 404,
      type: 'invalid_request_error',
      isRetryable: false,
    });
  }
}
