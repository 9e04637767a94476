import type { ServerResponse } from 'node:http';
import { errorAnswer } from '../pipeline/index.js';

export function writeJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

/** Whatever was thrown, in OpenAI's shape. */
export function writeError(response: ServerResponse, thrown: unknown): void {
  const { status, headers, body } = errorAnswer(thrown);
  // A body that was refused and would not end: the connection is of no more use.
  const isBodyLeft = response.req.method === 'POST' && !response.req.complete;
  writeJson(response, status, body, isBodyLeft ? { ...headers, connection: 'close' } : headers);
}

/** A reader that takes nothing for so long is taken for gone: it holds an upstream call meanwhile. */
const READER_STALL_MS = 60_000;

/**
 * Writes one piece of a stream and waits for a slow reader.
 *
 * @param ended - Aborts when the request is ended from our side: nobody waits for a reader then.
 * @returns False: the reader is gone, or will not be waited for.
 */
export async function writePiece(
  response: ServerResponse,
  piece: string,
  ended: AbortSignal,
): Promise<boolean> {
  if (response.destroyed) return false;
  if (response.write(piece)) return true;
  return new Promise((resolve) => {
    const finish = (isTaken: boolean) => (): void => {
      clearTimeout(timer);
      response.off('drain', onDrain).off('close', onGone);
      ended.removeEventListener('abort', onGone);
      resolve(isTaken);
    };
    const onDrain = finish(true);
    const onGone = finish(false);
    const timer = setTimeout(onGone, READER_STALL_MS);
    response.once('drain', onDrain).once('close', onGone);
    if (ended.aborted) onGone();
    else ended.addEventListener('abort', onGone, { once: true });
  });
}
