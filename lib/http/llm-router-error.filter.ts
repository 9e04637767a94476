import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { takeOver } from './exchange.js';
import { writeError } from './responses.js';

/**
 * Answers a {@link LlmRouterError} that leaves one of your own controllers with its status, in OpenAI's shape, with
 * `Retry-After` where it has one. The router's own routes do not need it. Nothing is installed by itself: without this
 * filter Nest answers such an error with a plain 500.
 *
 * @example
 * ```ts
 * app.useGlobalFilters(new LlmRouterErrorFilter()); // or @UseFilters(LlmRouterErrorFilter) on a controller
 * ```
 * @publicApi
 */
@Catch(LlmRouterError)
export class LlmRouterErrorFilter implements ExceptionFilter<LlmRouterError> {
  /** @throws the error itself outside HTTP, for the filters of that transport. */
  catch(error: LlmRouterError, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const http = host.switchToHttp();
    writeError(takeOver(http.getRequest<unknown>(), http.getResponse<unknown>()).response, error);
  }
}
