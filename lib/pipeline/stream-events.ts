import { wireTextOf } from '../chat/index.js';
import { InternalError } from '../errors/internal-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { errorBody } from './error-answer.js';
import type { RoutedStream } from './request-pipeline.js';
import { formatUsd } from './routing-headers.js';

/** An endpoint decides what `stream` means, so it is there that a `stream` which is no flag is refused. */
export function asksForStream(body: unknown): boolean {
  if (typeof body !== 'object' || body === null || !('stream' in body)) return false;
  const { stream } = body;
  if (stream === undefined || stream === null) return false;
  if (typeof stream !== 'boolean') throw new InvalidRequestError('`stream` must be true or false.', 'stream');
  return stream;
}

/**
 * A routed stream as OpenAI's server-sent events, with its cost in a comment before `[DONE]`. A failure becomes an
 * error event without a `[DONE]` that would make it look whole. Leaving the loop ends the upstream call.
 */
export async function* streamEvents(routed: RoutedStream): AsyncGenerator<string, void, undefined> {
  try {
    for await (const chunk of routed.chunks) yield `data: ${wireTextOf(chunk)}\n\n`;
    yield `: x-llm-cost-usd ${formatUsd(routed.costUsd())}\n\ndata: [DONE]\n\n`;
  } catch (thrown) {
    const error = LlmRouterError.isInstance(thrown) ? thrown : new InternalError();
    yield `data: ${JSON.stringify(errorBody(error))}\n\n`;
  } finally {
    await routed.chunks.return();
  }
}
