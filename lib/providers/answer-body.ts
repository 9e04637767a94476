import { Readable, pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { toProviderError } from './to-provider-error.js';

/**
 * An answer's body as its reader sees it: whatever the HTTP client's own stream fails with comes out as a
 * {@link ProviderError}, and an end that came too early is such an error, never a clean end.
 *
 * Has an `error` listener from the start: an abort that comes when nobody reads any more must not end the process.
 */
export class AnswerBody extends Readable {
  readonly #source: Readable;
  readonly #onClosed: () => void;

  /** @param onClosed - Called once, when the body was read to its end or destroyed. */
  constructor(source: Readable, onClosed: () => void) {
    super();
    this.#source = source;
    this.#onClosed = onClosed;
    let ended = false;
    this.on('error', ignore);
    source.pause();
    source.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) {
        source.pause();
      }
    });
    source.once('end', () => {
      ended = true;
      this.push(null);
    });
    // Stays: destroying a client's stream may make it emit errors of its own afterwards.
    source.on('error', (error: unknown) => {
      this.destroy(toProviderError(error));
    });
    source.once('close', () => {
      if (!ended) {
        this.destroy(toProviderError({ code: 'ERR_STREAM_PREMATURE_CLOSE' }));
      }
    });
    if (source.destroyed) {
      this.destroy(toProviderError(source.errored ?? { code: 'ERR_STREAM_PREMATURE_CLOSE' }));
    }
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.destroy();
    this.#onClosed();
    callback(error);
  }
}

/**
 * Undoes a `content-encoding`: gzip, deflate (RFC 9110: with the zlib wrapper) and br, also several in a row.
 * Undefined where an encoding is none of these. The transport asks for `identity`; this is for those who do not listen.
 */
export function decodeContent(source: Readable, contentEncoding: string): Readable | undefined {
  const decoders: NodeJS.ReadWriteStream[] = [];
  // Listed in the order they were applied.
  for (const name of contentEncoding.split(',').reverse()) {
    switch (name.trim().toLowerCase()) {
      case 'gzip':
      case 'x-gzip':
        decoders.push(createGunzip());
        break;
      case 'deflate':
        decoders.push(createInflate());
        break;
      case 'br':
        decoders.push(createBrotliDecompress());
        break;
      case 'identity':
      case '':
        break;
      default:
        return undefined;
    }
  }
  if (decoders.length === 0) {
    return source;
  }
  // Errors reach the last stream of the pipeline, where they are listened for.
  return pipeline([source, ...decoders], ignore) as unknown as Readable;
}

function ignore(): void {
  // Nothing to do.
}
