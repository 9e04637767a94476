import { describe, expect, it } from 'vitest';
import type { AiSdkLanguageModel } from '../../config/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import { LanguageModelClient } from './language-model-client.js';

const PICTURE =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const CALL: ProviderCall = {
  upstreamModel: 'm',
  stream: false,
  maxOutputTokens: 50,
  modelMaxOutputTokens: undefined,
  reasoning: true,
  request: {
    model: 'auto',
    reasoning_effort: 'low',
    messages: [
      { role: 'system', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${PICTURE}` } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'look', arguments: '{}' } }],
      },
      {
        role: 'tool',
        tool_call_id: 'c',
        content: [
          { type: 'text', text: 'seen' },
          { type: 'image_url', image_url: { url: `data:image/png;base64,${PICTURE}` } },
          { type: 'image_url', image_url: { url: 'https://example.com/b.png' } },
        ] as never,
      },
    ],
  },
};

const USAGE = {
  inputTokens: { total: 9, noCache: 4, cacheRead: 5, cacheWrite: 0 },
  outputTokens: { total: 3, text: 2, reasoning: 1 },
};

/** A model of version 4, as `@ai-sdk/provider` 4 describes it: that package wants Node 22, which this one does not. */
function modelOf(result: object, asked: object[] = []): AiSdkLanguageModel {
  return {
    specificationVersion: 'v4',
    provider: 'acme.chat',
    modelId: 'm',
    doGenerate: (options: never) => {
      asked.push(options);
      return Promise.resolve({ warnings: [], usage: USAGE, finishReason: { unified: 'stop' }, ...result });
    },
    doStream: () => Promise.reject(new Error('unused')),
  };
}

const clientOf = (model: AiSdkLanguageModel): LanguageModelClient =>
  new LanguageModelClient({ name: 'acme', languageModel: () => model });
const { signal } = new AbortController();
const ignore = (): void => undefined;

describe('models of version 4', () => {
  it('are asked in their own form: tagged files, effort as an option', async () => {
    const asked: { prompt: unknown; reasoning?: string }[] = [];
    const prepared = clientOf(modelOf({ content: [{ type: 'text', text: 'So.' }] }, asked)).prepare(CALL);
    const { completion, usage } = await prepared.complete(signal, ignore);
    expect(completion.choices[0]?.message.content).toBe('So.');
    expect(usage).toMatchObject({
      promptTokens: 9,
      cachedTokens: 5,
      completionTokens: 3,
      reasoningTokens: 1,
    });
    expect(prepared.droppedFields).toEqual([]);
    expect(asked[0]).toMatchObject({ reasoning: 'low', maxOutputTokens: 50 });
    expect(asked[0]?.prompt).toEqual([
      { role: 'system', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'See' },
          { type: 'file', mediaType: 'image/png', data: { type: 'data', data: PICTURE } },
          {
            type: 'file',
            mediaType: 'image/*',
            data: { type: 'url', url: new URL('https://example.com/a.png') },
          },
        ],
      },
      { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'look', input: {} }] },
      {
        role: 'tool',
        content: [
          {
            type: 'tool-result',
            toolCallId: 'c',
            toolName: 'look',
            output: {
              type: 'content',
              value: [
                { type: 'text', text: 'seen' },
                { type: 'file', mediaType: 'image/png', data: { type: 'data', data: PICTURE } },
                {
                  type: 'file',
                  mediaType: 'image/*',
                  data: { type: 'url', url: new URL('https://example.com/b.png') },
                },
              ],
            },
          },
        ],
      },
    ]);
  });

  it('say which text is the JSON', async () => {
    const content = [
      { type: 'text', text: 'A draft.' },
      { type: 'text', text: '{"a":1}' },
    ];
    const result = { content, structuredOutputText: '{"a":1}' };
    const request = { ...CALL.request, response_format: { type: 'json_object' as const } };
    const asJson = await clientOf(modelOf(result))
      .prepare({ ...CALL, request })
      .complete(signal, ignore);
    expect(asJson.completion.choices[0]?.message.content).toBe('{"a":1}');
    const asText = await clientOf(modelOf(result)).prepare(CALL).complete(signal, ignore);
    expect(asText.completion.choices[0]?.message.content).toBe('A draft.{"a":1}');
  });

  it('that were interrupted have not answered', async () => {
    const result = { content: [{ type: 'text', text: 'So f' }], finishReason: { unified: 'interrupted' } };
    const error: unknown = await clientOf(modelOf(result))
      .prepare(CALL)
      .complete(signal, ignore)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ProviderError);
    expect((error as ProviderError).kind).toBe('stream_cut');
  });
});
