import type OpenAI from 'openai';
import { createParser } from 'eventsource-parser';
import { expect } from 'vitest';

type Chunk = OpenAI.ChatCompletionChunk;
type ToolCallDelta = OpenAI.ChatCompletionChunk.Choice.Delta.ToolCall;

/** What a client without an SDK puts together out of a stream. */
export interface WholeStream {
  readonly chunks: readonly Chunk[];
  readonly text: string;
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finish: string | undefined;
  /** The chunk without choices. */
  readonly usage: OpenAI.CompletionUsage | undefined;
}

/**
 * Reads a whole stream of one choice and holds it to OpenAI's form: one id and time, the role in the first delta
 * alone, id and name of a call in its first delta alone, one finish reason at the end, nothing of usage but in a last
 * chunk without choices, `[DONE]`.
 */
export async function readWholeStream(response: Response): Promise<WholeStream> {
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data) });
  parser.feed(await response.text());
  expect(events.pop()).toBe('[DONE]');
  const chunks = events.map((event) => JSON.parse(event) as Chunk);
  expect(new Set(chunks.map(({ id, created, object }) => `${id} ${created} ${object}`)).size).toBe(1);
  expect(chunks[0]?.object).toBe('chat.completion.chunk');

  const told = chunks.filter(({ choices }) => choices.length === 0);
  expect(told.length).toBeLessThanOrEqual(1);
  if (told.length === 1) expect(chunks.at(-1)).toBe(told[0]);
  const spoken = chunks.filter(({ choices }) => choices.length > 0);
  for (const { choices, usage } of spoken) {
    expect(choices).toHaveLength(1);
    expect(usage ?? null).toBeNull();
  }
  const choices = spoken.map((chunk) => chunk.choices[0]!);
  expect(choices.map(({ delta }) => delta.role)).toEqual([
    'assistant',
    ...choices.slice(1).map(() => undefined),
  ]);
  expect(choices.slice(0, -1).map(({ finish_reason: reason }) => reason)).toEqual(
    choices.slice(1).map(() => null),
  );
  return {
    chunks,
    text: choices.map(({ delta }) => delta.content ?? '').join(''),
    toolCalls: joinCalls(choices.flatMap(({ delta }) => delta.tool_calls ?? [])),
    finish: choices.at(-1)?.finish_reason ?? undefined,
    usage: told[0]?.usage ?? undefined,
  };
}

function joinCalls(deltas: readonly ToolCallDelta[]): WholeStream['toolCalls'] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const { index, id, type, function: callee } of deltas) {
    const known = calls[index];
    if (known === undefined) {
      expect(index).toBe(calls.length);
      expect(type).toBe('function');
      calls.push({ id: id!, name: callee!.name!, arguments: callee?.arguments ?? '' });
    } else {
      expect([id, callee?.name]).toEqual([undefined, undefined]);
      known.arguments += callee?.arguments ?? '';
    }
  }
  return calls;
}
