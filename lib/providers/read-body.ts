import type { Readable } from 'node:stream';
import { ProviderError } from '../errors/provider-error.js';
import { toProviderError } from './to-provider-error.js';

/**
 * Reads a body to its end as UTF-8 text (a byte order mark is dropped, broken sequences become U+FFFD).
 *
 * @param maxBytes - Most bytes taken, counted after decompression.
 * @param onPiece - Called as each piece arrives.
 * @throws {@link ProviderError} of kind `bad_response`, code `response_too_large`, over the cap: the body is destroyed,
 * and with it the connection. Whatever error the body itself ends with.
 */
export async function readBodyText(body: Readable, maxBytes: number, onPiece?: () => void): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer | string>) {
      const piece = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      bytes += piece.byteLength;
      if (bytes > maxBytes) {
        throw new ProviderError({ kind: 'bad_response', providerCode: 'response_too_large' });
      }
      chunks.push(piece);
      onPiece?.();
    }
  } catch (error) {
    body.destroy();
    // A body destroyed by somebody else, without a reason, ends the loop with this code.
    const isCut =
      error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE';
    throw isCut ? toProviderError(error) : error;
  }
  return new TextDecoder().decode(Buffer.concat(chunks, bytes));
}
