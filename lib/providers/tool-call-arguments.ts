import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { isJsonObject, parseJson, type JsonObject } from './json-reading.js';

/**
 * The arguments of a replayed tool call, which are a JSON text at OpenAI and an object elsewhere; none means `{}`.
 *
 * @param path Where the text stands in the request, such as `messages[1].tool_calls[0].function.arguments`.
 * @throws {@link InvalidRequestError} naming `path` when the text is not a JSON object.
 */
export function parseToolCallArguments(text: string, path: string): JsonObject {
  if (text.trim() === '') {
    return {};
  }
  const parsed = parseJson(text);
  if (!isJsonObject(parsed)) {
    throw new InvalidRequestError('The arguments of a tool call must be a JSON object.', path);
  }
  return parsed;
}
