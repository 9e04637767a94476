import type { Response } from 'openai/resources/responses/responses';
import { InternalError } from '../errors/internal-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import { formatUsd, type RoutedStream } from '../pipeline/index.js';
import { ResponseEventTranslator, writeResponseEvent } from '../responses/index.js';

/**
 * A routed stream as the server-sent events of OpenAI's Responses API, those of one chunk in one piece, with its cost
 * in a comment before the final event. A failure ends it with `error` and `response.failed`. Leaving the loop ends the
 * upstream call.
 *
 * @param body - The body of the Responses request.
 * @param onCompleted - Told of the whole answer.
 */
export async function* responseEvents(
  routed: RoutedStream,
  body: unknown,
  onCompleted: (response: Response) => void = () => undefined,
): AsyncGenerator<string, void, undefined> {
  const translator = new ResponseEventTranslator(body, () => Math.floor(Date.now() / 1_000));
  try {
    for await (const chunk of routed.chunks) {
      const piece = translator.push(chunk).map(writeResponseEvent).join('');
      if (piece !== '') yield piece;
    }
    const events = translator.end();
    const last = events.at(-1);
    // Before the client has it: its next request may come at once.
    if (last?.type === 'response.completed' || last?.type === 'response.incomplete')
      onCompleted(last.response);
    const end = events.map(writeResponseEvent);
    const final = end.pop() ?? '';
    yield `${end.join('')}: x-llm-cost-usd ${formatUsd(routed.costUsd())}\n\n${final}`;
  } catch (thrown) {
    const error = LlmRouterError.isInstance(thrown) ? thrown : new InternalError();
    yield translator.fail(error).map(writeResponseEvent).join('');
  } finally {
    await routed.chunks.return();
  }
}
