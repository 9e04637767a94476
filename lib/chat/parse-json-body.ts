import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { RequestTooLargeError } from '../errors/request-too-large-error.js';

/** What refuses a body over the limit, wherever its size was noticed. */
export function bodyTooLarge(maxBytes: number): RequestTooLargeError {
  return new RequestTooLargeError(`The request body is over the limit of ${maxBytes} bytes.`);
}

/** @throws {@link InvalidRequestError} for what is not JSON. */
export function parseJsonBody(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's message quotes the body.
    throw new InvalidRequestError('The request body is not valid JSON.');
  }
}
