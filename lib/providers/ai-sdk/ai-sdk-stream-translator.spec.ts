import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { ExtendedDelta } from '../chat-extensions.js';
import type { ProviderCall } from '../provider-adapter.js';
import { AiSdkStreamTranslator } from './ai-sdk-stream-translator.js';
import { fromAiSdkResult } from './from-ai-sdk-result.js';

const call: ProviderCall = {
  upstreamModel: 'm',
  request: { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
  stream: true,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
};
const FINISH = { type: 'finish', finishReason: { unified: 'stop', raw: 'end' }, usage: {} };

function translate(...parts: readonly unknown[]): ChatCompletionChunk[] {
  const translator = new AiSdkStreamTranslator(call);
  return [...parts.flatMap((part) => translator.push(part)), ...translator.end()];
}

const deltasOf = (...parts: readonly unknown[]): ExtendedDelta[] =>
  translate(...parts, FINISH).flatMap(({ choices }) => choices.map(({ delta }) => delta));

function errorOf(run: () => unknown): ProviderError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error('no error');
}

/** What a client makes of the deltas. */
function collect(deltas: readonly ExtendedDelta[]) {
  let text = '';
  let reasoning = '';
  const calls: { id: string; name: string; args: string; extras: object[] }[] = [];
  for (const delta of deltas) {
    text += delta.content ?? '';
    reasoning += delta.reasoning_content ?? '';
    for (const { index, id, function: called, ...rest } of delta.tool_calls ?? []) {
      const known = (calls[index] ??= { id: '', name: '', args: '', extras: [] });
      known.id += id ?? '';
      known.name += called?.name ?? '';
      known.args += called?.arguments ?? '';
      if ('extra_content' in rest) known.extras.push(rest.extra_content as object);
    }
  }
  return { text, reasoning, calls, details: deltas.flatMap((delta) => delta.reasoning_details ?? []) };
}

describe('a stream of the AI SDK', () => {
  it('writes the role first, one id, time and model, and usage last', () => {
    const chunks = translate(
      { type: 'stream-start', warnings: [] },
      { type: 'response-metadata', id: 'r', timestamp: new Date(5_000), modelId: 'm-1' },
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'Pa' },
      { type: 'raw', rawValue: {} },
      { type: 'of-a-later-version' },
      { type: 'text-delta', id: '0', delta: 'ris' },
      { type: 'text-end', id: '0' },
      { ...FINISH, usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 } },
      { type: 'text-delta', id: '0', delta: 'after the end' },
    );
    const head = { id: 'r', created: 5, model: 'm-1', object: 'chat.completion.chunk' };
    const choice = (delta: object, finishReason: string | null = null): object => ({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
    });
    expect(chunks).toEqual([
      choice({ role: 'assistant', content: 'Pa' }),
      choice({ content: 'ris' }),
      choice({}, 'stop'),
      {
        ...head,
        choices: [],
        usage: {
          prompt_tokens: 3,
          completion_tokens: 2,
          total_tokens: 5,
          prompt_tokens_details: { cached_tokens: 0 },
          completion_tokens_details: { reasoning_tokens: 0 },
        },
      },
    ]);
  });

  it('has a role in an answer without anything, and no usage where none was reported', () => {
    expect(translate(FINISH)).toMatchObject([
      { choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: 'stop' }] },
    ]);
  });

  it.each([
    ['whole', [{ type: 'tool-call', toolCallId: 'a', toolName: 'f', input: '{"x":1}' }], '{"x":1}'],
    [
      'in pieces, and then whole',
      [
        { type: 'tool-input-start', id: 'a', toolName: 'f' },
        { type: 'tool-input-delta', id: 'a', delta: '{"x"' },
        { type: 'tool-input-delta', id: 'a', delta: ':1}' },
        { type: 'tool-input-end', id: 'a' },
        { type: 'tool-call', toolCallId: 'a', toolName: 'f', input: '{"x":1}' },
      ],
      '{"x":1}',
    ],
    [
      'begun, and then whole',
      [
        { type: 'tool-input-start', id: 'a', toolName: 'f' },
        { type: 'tool-call', toolCallId: 'a', toolName: 'f', input: '{"x":1}' },
      ],
      '{"x":1}',
    ],
    [
      'in pieces of text, whose JSON comes whole',
      [
        { type: 'tool-input-start', id: 'a', toolName: 'f', inputEncoding: 'text' },
        { type: 'tool-input-delta', id: 'a', delta: 'ls' },
        { type: 'tool-call', toolCallId: 'a', toolName: 'f', input: '"ls"' },
      ],
      '"ls"',
    ],
    ['without input', [{ type: 'tool-call', toolCallId: 'a', toolName: 'f', input: '' }], '{}'],
    ['without pieces or end', [{ type: 'tool-input-start', id: 'a', toolName: 'f' }], '{}'],
  ])('a tool call, %s', (_how, parts, args) => {
    const chunks = translate(...parts, FINISH);
    expect(collect(chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))).calls).toEqual([
      { id: 'a', name: 'f', args, extras: [] },
    ]);
    expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('tool_calls');
  });

  it('keeps interleaved calls apart, and leaves out those of the provider itself', () => {
    const { calls } = collect(
      deltasOf(
        { type: 'tool-input-start', id: 'own', toolName: 'search', providerExecuted: true },
        { type: 'tool-input-delta', id: 'own', delta: '{}' },
        { type: 'tool-call', toolCallId: 'own', toolName: 'search', input: '{}' },
        { type: 'tool-call', toolCallId: 'own2', toolName: 'search', input: '{}', providerExecuted: true },
        { type: 'tool-result', toolCallId: 'own', toolName: 'search', result: {} },
        { type: 'tool-input-start', id: 'a', toolName: 'f' },
        { type: 'tool-input-start', id: 'b', toolName: 'g' },
        { type: 'tool-input-delta', id: 'b', delta: '{"b"' },
        { type: 'tool-input-delta', id: 'a', delta: '{}' },
        { type: 'tool-input-delta', id: 'b', delta: ':1}' },
      ),
    );
    expect(calls.map(({ id, args }) => [id, args])).toEqual([
      ['a', '{}'],
      ['b', '{"b":1}'],
    ]);
  });

  it('carries signatures out: once for a call, whole for thinking', () => {
    const google = { providerMetadata: { google: { thoughtSignature: 'g' } } };
    const { text, reasoning, calls, details } = collect(
      deltasOf(
        { type: 'reasoning-start', id: '0', providerMetadata: { anthropic: { redactedData: 'r' } } },
        { type: 'reasoning-end', id: '0' },
        { type: 'reasoning-start', id: '1' },
        { type: 'reasoning-delta', id: '1', delta: 'H' },
        { type: 'reasoning-delta', id: '1', delta: 'm' },
        { type: 'reasoning-delta', id: '1', delta: '', providerMetadata: { anthropic: { signature: 's' } } },
        { type: 'reasoning-end', id: '1' },
        { type: 'text-start', id: '2' },
        { type: 'text-delta', id: '2', delta: 'Hi' },
        { type: 'tool-input-start', id: 'a', toolName: 'f' },
        { type: 'tool-input-delta', id: 'a', delta: '{}' },
        { type: 'tool-call', toolCallId: 'a', toolName: 'f', input: '{}', ...google },
        { type: 'tool-input-start', id: 'b', toolName: 'f', ...google },
        { type: 'tool-call', toolCallId: 'b', toolName: 'f', input: '{}', ...google },
        // Never ended.
        { type: 'reasoning-delta', id: '1', delta: 'So', ...google },
      ),
    );
    const extra = { google: { thought_signature: 'g' } };
    expect({ text, reasoning }).toEqual({ text: 'Hi', reasoning: 'HmSo' });
    expect(calls.map(({ extras }) => extras)).toEqual([[extra], [extra]]);
    expect(details).toEqual([
      { type: 'reasoning.encrypted', data: 'r', format: 'anthropic-claude-v1', index: 0 },
      { type: 'reasoning.text', text: 'Hm', signature: 's', format: 'anthropic-claude-v1', index: 1 },
      { type: 'reasoning.text', text: 'So', signature: 'g', format: 'google-gemini-v1', index: 5 },
    ]);
  });

  it("carries the text's signature out", () => {
    const deltas = deltasOf(
      { type: 'text-delta', id: '0', delta: 'Hi' },
      { type: 'text-end', id: '0', providerMetadata: { google: { thoughtSignature: 't' } } },
    );
    expect(deltas[1]).toEqual({ extra_content: { google: { thought_signature: 't' } } });
  });

  it('is cut without a finish part', () => {
    expect(errorOf(() => translate({ type: 'text-delta', id: '0', delta: 'Pa' })).kind).toBe('stream_cut');
    expect(errorOf(() => translate()).kind).toBe('stream_cut');
  });

  it('ends in an error where the stream does, and keeps what was reported', () => {
    const translator = new AiSdkStreamTranslator(call);
    const usage = { inputTokens: 3, outputTokens: 2 };
    expect(errorOf(() => translator.push({ type: 'finish', finishReason: 'error', usage })).kind).toBe(
      'server_error',
    );
    expect(translator.usage).toMatchObject({ promptTokens: 3, completionTokens: 2 });
    expect(
      errorOf(() => translate({ type: 'error', error: { type: 'overloaded_error', message: 'x' } })),
    ).toMatchObject({ kind: 'overloaded', status: 503 });
    expect(errorOf(() => translate({ type: 'error', error: 'Something' })).kind).toBe('server_error');
  });

  it('keeps no more thinking than has a use', () => {
    const translator = new AiSdkStreamTranslator(call);
    const delta = 'x'.repeat(1024 * 1024);
    const push = (id: string): unknown => translator.push({ type: 'reasoning-delta', id, delta });
    for (let count = 0; count < 16; count += 1) push(String(count % 3));
    expect(errorOf(() => push('0'))).toMatchObject({ kind: 'bad_response', providerCode: 'too_long' });
  });

  it('gives the same as the whole answer would, however it is cut into deltas', () => {
    const pieces = fc.array(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 4 });
    const block = fc.oneof(
      fc.record({ kind: fc.constant('text'), pieces, signature: fc.constant(undefined) }),
      fc.record({ kind: fc.constant('reasoning'), pieces, signature: fc.option(fc.constant('s')) }),
      fc.record({ kind: fc.constant('tool'), pieces, signature: fc.option(fc.constant('s')) }),
    );
    fc.assert(
      fc.property(fc.array(block, { maxLength: 6 }), (blocks) => {
        const parts: object[] = [];
        const content: object[] = [];
        blocks.forEach(({ kind, pieces: list, signature }, index) => {
          const id = `i${index}`;
          const metadata = signature ? { providerMetadata: { p: { thoughtSignature: signature } } } : {};
          const whole = list.join('');
          if (kind === 'tool') {
            parts.push({ type: 'tool-input-start', id, toolName: 'f' });
            for (const delta of list) parts.push({ type: 'tool-input-delta', id, delta });
            const toolCall = { type: 'tool-call', toolCallId: id, toolName: 'f', input: whole, ...metadata };
            parts.push({ type: 'tool-input-end', id }, toolCall);
            content.push(toolCall);
          } else {
            parts.push({ type: `${kind}-start`, id });
            for (const delta of list) parts.push({ type: `${kind}-delta`, id, delta });
            parts.push({ type: `${kind}-end`, id, ...metadata });
            content.push({ type: kind, text: whole, ...metadata });
          }
        });
        const { message } = fromAiSdkResult({ content, finishReason: 'stop' }, call).completion.choices[0]!;
        const streamed = collect(deltasOf(...parts));
        const extended = message as ExtendedDelta;
        expect(streamed.text).toBe(message.content ?? '');
        expect(streamed.reasoning).toBe(extended.reasoning_content ?? '');
        expect(streamed.details).toEqual(extended.reasoning_details ?? []);
        expect(streamed.calls.map(({ id, extras }) => [id, extras.length])).toEqual(
          (message.tool_calls ?? []).map((toolCall) => [toolCall.id, 'extra_content' in toolCall ? 1 : 0]),
        );
      }),
    );
  });

  it('throws nothing but ProviderError, whatever comes', () => {
    const value = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
    const part = fc.record(
      {
        type: fc.constantFrom(
          'response-metadata',
          'text-start',
          'text-delta',
          'text-end',
          'reasoning-start',
          'reasoning-delta',
          'reasoning-end',
          'tool-input-start',
          'tool-input-delta',
          'tool-call',
          'finish',
          'error',
        ),
        id: fc.oneof(fc.constantFrom('a', 'b', '__proto__'), value),
        delta: value,
        toolCallId: fc.oneof(fc.constantFrom('a', 'b'), value),
        toolName: value,
        input: value,
        timestamp: value,
        providerMetadata: value,
        finishReason: value,
        usage: value,
        error: value,
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(part, value), { maxLength: 10 }), (parts) => {
        const translator = new AiSdkStreamTranslator(call);
        const run = (work: () => unknown): void => {
          try {
            JSON.stringify(work());
          } catch (error) {
            if (!(error instanceof ProviderError)) throw error;
          }
        };
        for (const one of parts) run(() => translator.push(one));
        run(() => translator.end());
      }),
      { numRuns: 500 },
    );
  });
});
