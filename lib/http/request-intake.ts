import type { IncomingMessage } from 'node:http';
import { bodyTooLarge, parseJsonBody } from '../chat/index.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import type { LlmRouterError } from '../errors/llm-router-error.js';
import type { Caller, CallerGuard } from './caller.js';

const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
/** So long a refused body is still read, so that the client gets to see the answer; then the socket goes. */
const MAX_DRAIN_MS = 2_000;

/** A request of ours after its body has been read: who sent it and what, or why it is refused. */
export type Intake =
  | {
      readonly caller: Caller;
      /** Who knew the caller: the keys may have changed while the body was read. */
      readonly guard: CallerGuard;
      readonly body: unknown;
      readonly error?: never;
    }
  | { readonly error: LlmRouterError };

const intakes = new WeakMap<IncomingMessage, Intake>();

/** What was taken in for a request; undefined: the host's own parser has had it. */
export function intakeOf(request: IncomingMessage): Intake | undefined {
  return intakes.get(request);
}

/**
 * Identifies the caller, then reads and parses the body: nobody without a key has ten megabytes parsed. Done before
 * the platform's own body parser, whose limits and error shapes are the host's, and for our routes alone.
 */
export async function takeIn(
  request: IncomingMessage,
  guard: CallerGuard,
  maxBytes: number,
): Promise<Intake> {
  const intake = await read(request, guard, maxBytes);
  intakes.set(request, intake);
  return intake;
}

/**
 * Without keys the content type must be JSON: a page in a browser can post a form to this machine, but no JSON.
 *
 * @throws {@link InvalidRequestError}.
 */
export function checkContentType(request: IncomingMessage, guard: CallerGuard): void {
  if (guard.hasKeys || JSON_TYPE.test(request.headers['content-type'] ?? '')) return;
  throw new InvalidRequestError('The content type must be application/json.', 'content-type');
}

async function read(request: IncomingMessage, guard: CallerGuard, maxBytes: number): Promise<Intake> {
  try {
    const caller = guard.identify(request);
    checkContentType(request, guard);
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding !== 'identity') {
      throw new InvalidRequestError('Compressed request bodies are not taken.', 'content-encoding');
    }
    const bytes = await readBytes(request, maxBytes);
    return { caller, guard, body: parseJsonBody(bytes.toString('utf8')) };
  } catch (error) {
    await discard(request);
    return { error: error as LlmRouterError };
  }
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw bodyTooLarge(maxBytes);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const finish = (error: Error | undefined): void => {
      request.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
      if (error === undefined) resolve(Buffer.concat(chunks, bytes));
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) finish(bodyTooLarge(maxBytes));
      else chunks.push(chunk);
    };
    const onEnd = (): void => {
      finish(undefined);
    };
    const onCut = (): void => {
      finish(new ClientClosedRequestError());
    };
    request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
  });
}

/**
 * Lets a refused body run out, for a moment. Answered before, a client in the middle of writing might see a reset
 * instead of the answer, because the connection may be closed after it.
 */
async function discard(request: IncomingMessage): Promise<void> {
  if (request.readableEnded || request.destroyed) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, MAX_DRAIN_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on('error', done).on('close', done).on('end', done).resume();
  });
}
