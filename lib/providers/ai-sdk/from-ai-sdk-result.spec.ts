import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../../errors/provider-error.js';
import type { ExtendedMessage } from '../chat-extensions.js';
import type { ProviderCall, TranslatedAnswer } from '../provider-adapter.js';
import { fromAiSdkResult } from './from-ai-sdk-result.js';
import { fromAiSdkUsage } from './from-ai-sdk-usage.js';

const call: ProviderCall = {
  upstreamModel: 'm',
  request: { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
  stream: false,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
};

const answer = (content: unknown, rest: object = {}): TranslatedAnswer =>
  fromAiSdkResult({ content, finishReason: { unified: 'stop', raw: 'end' }, ...rest }, call);
const messageOf = (...content: readonly unknown[]): ExtendedMessage =>
  answer(content).completion.choices[0]!.message;

function errorOf(run: () => unknown): ProviderError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('a result of the AI SDK', () => {
  it('joins texts and thoughts, and leaves out what OpenAI has no place for', () => {
    expect(
      messageOf(
        { type: 'reasoning', text: 'Hm' },
        { type: 'text', text: 'Pa' },
        { type: 'source', sourceType: 'url', id: 's', url: 'https://h' },
        { type: 'file', mediaType: 'image/png', data: 'AAAA' },
        { type: 'tool-call', toolCallId: 'w', toolName: 'search', input: '{}', providerExecuted: true },
        { type: 'tool-result', toolCallId: 'w', toolName: 'search', result: {} },
        { type: 'tool-approval-request', approvalId: 'a', toolCallId: 'w' },
        { type: 'of-a-later-version' },
        { type: 'reasoning', text: ', so' },
        { type: 'text', text: 'ris' },
      ),
    ).toEqual({ role: 'assistant', content: 'Paris', refusal: null, reasoning_content: 'Hm, so' });
  });

  it.each([
    ['{"x":1}', '{"x":1}'],
    ['', '{}'],
    [undefined, '{}'],
    [{ x: 1 }, '{"x":1}'],
    ['{"x":', '{"x":'],
  ])('a tool call with the input %j', (input, text) => {
    const { choices } = answer([{ type: 'tool-call', toolCallId: 'c', toolName: 'f', input }]).completion;
    expect(choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: text } }],
      },
    });
  });

  it('refuses an input that has no JSON', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    expect(errorOf(() => messageOf({ type: 'tool-call', input: circle })).kind).toBe('bad_response');
  });

  it('carries signatures out', () => {
    expect(
      messageOf(
        { type: 'reasoning', text: 'Hm', providerMetadata: { anthropic: { signature: 's' } } },
        { type: 'reasoning', text: '', providerMetadata: { bedrock: { redactedData: 'r' } } },
        { type: 'text', text: 'Hi', providerMetadata: { google: { thoughtSignature: 't' } } },
        { type: 'reasoning', text: 'So', providerMetadata: { vertex: { thoughtSignature: 'g' } } },
        {
          type: 'tool-call',
          toolCallId: 'c',
          toolName: 'f',
          input: '{}',
          providerMetadata: { mine: { thoughtSignature: 'c' } },
        },
      ),
    ).toMatchObject({
      reasoning_details: [
        { type: 'reasoning.text', text: 'Hm', signature: 's', format: 'anthropic-claude-v1', index: 0 },
        { type: 'reasoning.encrypted', data: 'r', format: 'anthropic-claude-v1', index: 1 },
        { type: 'reasoning.text', text: 'So', signature: 'g', format: 'google-gemini-v1', index: 3 },
      ],
      extra_content: { google: { thought_signature: 't' } },
      tool_calls: [{ id: 'c', extra_content: { google: { thought_signature: 'c' } } }],
    });
  });

  it('takes id, time and model from the response', () => {
    const timestamp = new Date('2026-01-02T03:04:05.678Z');
    expect(answer([], { response: { id: 'r', timestamp, modelId: 'm-1' } }).completion).toMatchObject({
      id: 'r',
      created: 1_767_323_045,
      model: 'm-1',
    });
    const { completion } = answer([], { response: { timestamp: new Date(Number.NaN) } });
    expect(completion).toMatchObject({ id: expect.stringMatching(/^chatcmpl-/) as string, model: 'm' });
    expect(completion.created).toBeGreaterThan(1_700_000_000);
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content-filter', 'content_filter'],
    // What calls there were, the provider made itself.
    ['tool-calls', 'stop'],
    ['other', 'stop'],
    ['unknown', 'stop'],
    ['of-a-later-version', 'stop'],
  ])('ends with %s in either version', (unified, reason) => {
    for (const finishReason of [unified, { unified, raw: 'x' }]) {
      const { completion } = answer([{ type: 'text', text: 'x' }], { finishReason });
      expect(completion.choices[0]!.finish_reason).toBe(reason);
    }
  });

  it('is an error where it ended in one', () => {
    expect(errorOf(() => answer([], { finishReason: 'error' }))).toMatchObject({
      kind: 'server_error',
      status: 200,
      providerCode: 'finish_error',
    });
    expect(
      errorOf(() => answer([], { finishReason: { unified: 'error', raw: 'MALFORMED_FUNCTION_CALL' } })),
    ).toMatchObject({ providerCode: 'MALFORMED_FUNCTION_CALL' });
    expect(
      errorOf(() => answer([], { finishReason: { unified: 'error', raw: 'a secret sentence' } })).message,
    ).not.toContain('secret');
  });

  it.each([[undefined], [null], ['text'], [{}], [{ content: 'text' }]])('is not %j', (value) => {
    expect(errorOf(() => fromAiSdkResult(value, call))).toMatchObject({ kind: 'bad_response', status: 200 });
  });

  it('throws nothing but ProviderError, whatever comes', () => {
    const value = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
    const part = fc.record(
      {
        type: fc.constantFrom('text', 'reasoning', 'tool-call', 'file', '__proto__'),
        text: value,
        toolCallId: value,
        toolName: value,
        input: value,
        providerExecuted: value,
        providerMetadata: fc.oneof(value, fc.dictionary(fc.string(), fc.dictionary(fc.string(), value))),
      },
      { requiredKeys: [] },
    );
    const result = fc.record(
      {
        content: fc.oneof(fc.array(fc.oneof(part, value), { maxLength: 4 }), value),
        finishReason: value,
        usage: value,
        response: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(result, value), (body) => {
        try {
          JSON.stringify(fromAiSdkResult(body, call));
        } catch (error) {
          if (!(error instanceof ProviderError)) throw error;
        }
      }),
    );
  });
});

describe('usage of the AI SDK', () => {
  const NONE = { cachedTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 };

  it.each([
    [
      'version 3, whole',
      {
        inputTokens: { total: 100, noCache: 60, cacheRead: 30, cacheWrite: 10 },
        outputTokens: { total: 50, text: 20, reasoning: 30 },
      },
      {
        promptTokens: 100,
        completionTokens: 50,
        cachedTokens: 30,
        cacheWriteTokens: 10,
        reasoningTokens: 30,
      },
    ],
    [
      'version 3, parts alone',
      {
        inputTokens: { total: undefined, noCache: 60, cacheRead: 30, cacheWrite: undefined },
        outputTokens: { total: undefined, text: 20, reasoning: 30 },
      },
      { promptTokens: 90, completionTokens: 50, cachedTokens: 30, cacheWriteTokens: 0, reasoningTokens: 30 },
    ],
    [
      'version 3, input alone',
      { inputTokens: { total: 5 }, outputTokens: {} },
      { promptTokens: 5, completionTokens: 0, ...NONE },
    ],
    ['version 3, nothing', { inputTokens: { total: undefined }, outputTokens: {} }, undefined],
    [
      'version 2, whole',
      { inputTokens: 100, outputTokens: 50, totalTokens: 150, reasoningTokens: 30, cachedInputTokens: 20 },
      { promptTokens: 100, completionTokens: 50, ...NONE, cachedTokens: 20, reasoningTokens: 30 },
    ],
    [
      'version 2, cached tokens beside the input, as of Claude',
      { inputTokens: 10, outputTokens: 50, totalTokens: 60, cachedInputTokens: 2_000 },
      { promptTokens: 2_010, completionTokens: 50, ...NONE, cachedTokens: 2_000 },
    ],
    [
      'version 2, thinking beside the output, as of Gemini',
      { inputTokens: 100, outputTokens: 50, totalTokens: 180, reasoningTokens: 30 },
      { promptTokens: 100, completionTokens: 80, ...NONE, reasoningTokens: 30 },
    ],
    ['version 2, nothing', { inputTokens: undefined, outputTokens: undefined, totalTokens: 9 }, undefined],
    ['version 2, no numbers', { inputTokens: Number.NaN, outputTokens: '5' }, undefined],
    ['no object', 7, undefined],
  ])('%s', (_what, usage, tokens) => {
    expect(fromAiSdkUsage(usage)).toEqual(tokens);
  });

  it('never has a part that is more than its whole, whatever comes', () => {
    const count = fc.oneof(fc.nat(1_000), fc.constantFrom(undefined, null, -1, 0.5, Number.NaN, '3'));
    const usage = fc.oneof(
      fc.record({
        inputTokens: count,
        outputTokens: count,
        totalTokens: count,
        reasoningTokens: count,
        cachedInputTokens: count,
      }),
      fc.record({
        inputTokens: fc.record({ total: count, noCache: count, cacheRead: count, cacheWrite: count }),
        outputTokens: fc.record({ total: count, text: count, reasoning: count }),
      }),
    );
    fc.assert(
      fc.property(usage, (value) => {
        const tokens = fromAiSdkUsage(value);
        if (tokens === undefined) return;
        expect(Object.values(tokens).every((n) => Number.isSafeInteger(n) && n >= 0)).toBe(true);
        expect(tokens.cachedTokens + tokens.cacheWriteTokens).toBeLessThanOrEqual(tokens.promptTokens);
        expect(tokens.reasoningTokens).toBeLessThanOrEqual(tokens.completionTokens);
      }),
    );
  });
});
