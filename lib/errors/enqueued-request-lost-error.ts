import { LlmRouterError } from './llm-router-error.js';

/**
 * The application shut down while an enqueued request waited. The queue is in memory, so it is gone: enqueue it again
 * after the restart, or keep work that must not be lost in a store of your own. HTTP 503.
 *
 * @publicApi
 */
export class EnqueuedRequestLostError extends LlmRouterError {
  constructor() {
    super({
      message:
        'The application is shutting down, and the background queue is in memory: this request was not run and is ' +
        'lost. Enqueue it again after the restart.',
      code: 'enqueued_request_lost',
      status: 503,
      type: 'server_error',
      isRetryable: true,
    });
  }
}
