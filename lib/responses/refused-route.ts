import { InvalidRequestError } from '../errors/invalid-request-error.js';
import type { LlmRouterError } from '../errors/llm-router-error.js';
import { ResponseNotFoundError } from './response-not-found-error.js';

/** What answers `POST /v1/completions`, the API before chat completions. */
export function legacyCompletionsError(): LlmRouterError {
  return new InvalidRequestError(
    'The router does not serve the older text completions. Use POST /v1/chat/completions.',
  );
}

/**
 * The error of a route of OpenAI's that is known and refused with its reason; undefined for every other.
 *
 * @param path - Without query and trailing slash.
 */
export function refusedRoute(method: string, path: string): LlmRouterError | undefined {
  if (/\/responses\/[^/]+(?:\/(?:cancel|input_items))?$/.test(path)) return new ResponseNotFoundError();
  if (method === 'POST' && path.endsWith('/completions') && !path.endsWith('/chat/completions')) {
    return legacyCompletionsError();
  }
  return undefined;
}
