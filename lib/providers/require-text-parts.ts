import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { isJsonObject, listOf } from './json-reading.js';

/**
 * Refuses pictures, files and sound where a wire takes words alone, such as in system messages. The types of the
 * official client forbid them there; the wire of a client does not.
 *
 * @throws {@link InvalidRequestError} naming the part.
 */
export function requireTextParts(content: unknown, path: string): void {
  listOf(content).forEach((part, index) => {
    if (isJsonObject(part) && part.type !== 'text' && part.type !== 'refusal') {
      throw new InvalidRequestError(
        'This model takes text alone in this message.',
        `${path}.content[${index}]`,
      );
    }
  });
}
