import { LlmRouterError } from './llm-router-error.js';

/**
 * The caller left or aborted its signal; the upstream call was ended with it. Nobody reads this over HTTP (499 by
 * nginx's convention); in process it is what an aborted `signal` rejects with.
 *
 * @publicApi
 */
export class ClientClosedRequestError extends LlmRouterError {
  constructor() {
    super({
      message: 'The caller left before the answer was complete.',
      code: 'client_closed_request',
      status: 499,
      type: 'invalid_request_error',
      isRetryable: false,
    });
  }
}
