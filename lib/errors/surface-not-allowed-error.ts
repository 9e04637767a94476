import { LlmRouterError } from './llm-router-error.js';

/**
 * The caller's key may not use this surface, route or host. HTTP 403.
 *
 * @publicApi
 */
export class SurfaceNotAllowedError extends LlmRouterError {
  constructor(message: string, param?: string) {
    super({
      message,
      code: 'surface_not_allowed',
      status: 403,
      type: 'permission_error',
      param,
      isRetryable: false,
    });
  }
}
