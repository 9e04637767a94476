import { bodyTooLarge, parseJsonBody } from '../chat/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';

/**
 * The JSON that a caller of `fetch` gave as its body, held to the same limit as at the endpoint.
 *
 * @throws {@link InvalidRequestError}, {@link RequestTooLargeError}.
 */
export async function readFetchBody(body: unknown, maxBytes: number): Promise<unknown> {
  if (body === undefined || body === null) throw new InvalidRequestError('The request has no JSON body.');
  // What LLM clients send. Neither of the two copies the body.
  if (typeof body === 'string') {
    // No character is longer than three bytes: nearly every body needs no count.
    const isTooLarge = body.length > maxBytes || (body.length * 3 > maxBytes && sizeOf(body) > maxBytes);
    if (isTooLarge) throw bodyTooLarge(maxBytes);
    return parseJsonBody(body);
  }
  if (body instanceof ArrayBuffer) return parseBytes(Buffer.from(body), maxBytes);
  if (ArrayBuffer.isView(body)) {
    return parseBytes(Buffer.from(body.buffer, body.byteOffset, body.byteLength), maxBytes);
  }
  if (body instanceof ReadableStream) return parseBytes(await collect(body, maxBytes), maxBytes);
  throw new InvalidRequestError('The request body must be JSON: a string, bytes or a stream of bytes.');
}

function sizeOf(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

function parseBytes(bytes: Buffer, maxBytes: number): unknown {
  if (bytes.byteLength > maxBytes) throw bodyTooLarge(maxBytes);
  return parseJsonBody(bytes.toString('utf8'));
}

/** The body of a `Request`. Leaving the loop cancels it. */
async function collect(stream: ReadableStream<unknown>, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of stream) {
    if (!(piece instanceof Uint8Array)) throw new InvalidRequestError('The request body is not bytes.');
    bytes += piece.byteLength;
    if (bytes > maxBytes) throw bodyTooLarge(maxBytes);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, bytes);
}
