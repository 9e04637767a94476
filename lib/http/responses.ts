import type { ServerResponse } from 'node:http';
import { InternalError } from '../errors/internal-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';

/** OpenAI's error body. */
export function errorBody(error: LlmRouterError): { error: Record<string, string | null> } {
  return {
    error: {
      message: error.message,
      type: error.type,
      param: error.param ?? null,
      code: error.code,
    },
  };
}

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

/** Whatever was thrown, in OpenAI's shape, with the headers by which SDKs decide on a retry. */
export function writeError(response: ServerResponse, thrown: unknown): void {
  const error = LlmRouterError.isInstance(thrown) ? thrown : new InternalError();
  const headers: Record<string, string> = {};
  if (error.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000)));
    headers['retry-after-ms'] = String(Math.ceil(error.retryAfterMs));
  }
  if (error.shouldRetry !== undefined) headers['x-should-retry'] = String(error.shouldRetry);
  if (error.decisionId !== undefined) {
    headers['x-llm-decision-id'] = error.decisionId;
    headers['x-request-id'] = error.decisionId;
  }
  if (error.status === 401) headers['www-authenticate'] = 'Bearer';
  // A body that was refused and would not end: the connection is of no more use.
  if (response.req.method === 'POST' && !response.req.complete) headers.connection = 'close';
  writeJson(response, error.status, errorBody(error), headers);
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
