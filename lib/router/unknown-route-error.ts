import { LlmRouterError } from '../errors/llm-router-error.js';

/** A client in process asked for something of OpenAI's API that the router does not serve. HTTP 404. */
export class UnknownRouteError extends LlmRouterError {
  constructor(method: string, path: string) {
    const isOfResponses = path.includes('/responses');
    super({
      message:
        `The router serves chat completions and models; there is no ${method.slice(0, 16)} ${path.slice(0, 128)}.` +
        (isOfResponses ? " Set the client to chat completions instead of OpenAI's Responses API." : ''),
      code: 'not_found',
      status: 404,
      type: 'invalid_request_error',
      isRetryable: false,
    });
  }
}
