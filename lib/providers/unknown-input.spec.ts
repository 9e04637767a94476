import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRESET_NAMES, type PresetName } from '../catalog/index.js';
import { ProviderError } from '../errors/provider-error.js';
import { adapterFor, PROVIDER_APIS, type ProviderApi } from './adapter-registry.js';
import type { ProviderCall } from './provider-adapter.js';

const call: ProviderCall = {
  upstreamModel: 'm',
  request: { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
  stream: true,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
};

/** Any JSON value, and now and then the word the wire formats use. */
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    'text',
    'tool_use',
    'thinking',
    'input_json_delta',
    'text_delta',
    'error',
    'stop',
    '__proto__',
    0,
    -1,
    1e300,
    null,
  ),
);

const someOf = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 9, arbitrary: fc.record(fields, { requiredKeys: [] }) },
    { weight: 1, arbitrary: value },
  );

const listOf = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: fc.array(item, { maxLength: 3 }) }, { weight: 1, arbitrary: value });

const toolCall = someOf({
  index: value,
  id: value,
  type: value,
  function: someOf({ name: value, arguments: value }),
  extra_content: value,
});
const openAiMessage = someOf({
  role: value,
  content: value,
  refusal: value,
  reasoning: value,
  tool_calls: listOf(toolCall),
});
const openAiChoice = someOf({
  index: value,
  message: openAiMessage,
  delta: openAiMessage,
  finish_reason: value,
  logprobs: value,
});
const openAi = someOf({
  id: value,
  created: value,
  model: value,
  choices: listOf(openAiChoice),
  usage: value,
  error: value,
  x_groq: value,
});

const block = someOf({ type: value, text: value, thinking: value, id: value, name: value, input: value });
const anthropic = someOf({
  type: fc.oneof(
    value,
    fc.constantFrom(
      'message',
      'message_start',
      'message_delta',
      'message_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'ping',
    ),
  ),
  index: value,
  content: listOf(block),
  content_block: block,
  delta: someOf({ type: value, text: value, partial_json: value, stop_reason: value }),
  message: someOf({ id: value, model: value, content: listOf(block), usage: value }),
  stop_reason: value,
  usage: value,
  error: value,
});

const part = someOf({
  text: value,
  thought: value,
  thoughtSignature: value,
  functionCall: someOf({
    id: value,
    name: value,
    args: value,
    willContinue: value,
    partialArgs: listOf(
      someOf({
        jsonPath: fc.constantFrom('$.a[1].b', '$.a', '$', '$[0]', '$.__proto__.x'),
        stringValue: value,
      }),
    ),
  }),
});
const gemini = someOf({
  candidates: listOf(
    someOf({
      index: value,
      content: someOf({ parts: listOf(part) }),
      finishReason: value,
      logprobsResult: value,
    }),
  ),
  promptFeedback: value,
  usageMetadata: value,
  responseId: value,
  modelVersion: value,
  error: value,
});

/** The same for every provider that speaks OpenAI's format. */
function ofPresets<Value>(value: Value): Record<PresetName, Value> {
  return Object.fromEntries(PRESET_NAMES.map((name) => [name, value])) as Record<PresetName, Value>;
}
const bedrock = someOf({
  output: someOf({
    message: someOf({
      content: listOf(
        someOf({
          text: value,
          toolUse: someOf({ toolUseId: value, name: value, input: value }),
          reasoningContent: someOf({
            reasoningText: someOf({ text: value, signature: value }),
            redactedContent: value,
          }),
          citationsContent: someOf({ content: listOf(someOf({ text: value })) }),
        }),
      ),
    }),
  }),
  contentBlockIndex: value,
  start: someOf({ toolUse: someOf({ toolUseId: value, name: value }) }),
  delta: someOf({
    text: value,
    toolUse: someOf({ input: value }),
    reasoningContent: someOf({ text: value, signature: value, redactedContent: value }),
  }),
  stopReason: value,
  usage: value,
  message: value,
  __type: value,
});

const BODIES: Readonly<Record<ProviderApi, fc.Arbitrary<unknown>>> = {
  openai: openAi,
  'openai-compatible': openAi,
  'azure-openai': openAi,
  anthropic,
  gemini,
  ...ofPresets(openAi),
  bedrock,
};

/** Only a ProviderError may come out of what an upstream sends. */
function runs(run: () => unknown): boolean {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ProviderError)) {
      throw error;
    }
  }
  return true;
}

describe.each(PROVIDER_APIS)('unknown input to %s', (api) => {
  const adapter = adapterFor(api);

  it('throws nothing but ProviderError on answers', () => {
    fc.assert(fc.property(BODIES[api], (body) => runs(() => adapter.parseAnswer(body, call))));
  });

  it('throws nothing but ProviderError on streams', () => {
    const events = fc.array(
      fc.record(
        {
          event: fc.constantFrom(
            'message',
            'error',
            'message_stop',
            'new_event',
            'messageStart',
            'contentBlockStart',
            'contentBlockDelta',
            'contentBlockStop',
            'messageStop',
            'metadata',
            ':exception',
          ),
          data: fc.oneof(
            { weight: 8, arbitrary: BODIES[api].map((body) => JSON.stringify(body)) },
            { weight: 1, arbitrary: fc.string() },
            { weight: 1, arbitrary: fc.constant('[DONE]') },
          ),
        },
        { requiredKeys: ['data'] },
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(events, (list) => {
        const translator = adapter.createStreamTranslator(call);
        return list.every((event) => runs(() => translator.push(event))) && runs(() => translator.end());
      }),
    );
  });

  it('maps every failure, and shows no sentence of it', () => {
    const status = fc.integer({ min: 100, max: 599 });
    const body = fc.oneof(
      value,
      someOf({
        error: someOf({
          code: value,
          type: value,
          status: value,
          details: listOf(value),
          message: fc.constant('the secret sentence'),
        }),
      }),
    );
    fc.assert(
      fc.property(status, body, (failedStatus, failedBody) => {
        const error = adapter.parseError({ status: failedStatus, headers: {}, body: failedBody });
        expect(error).toBeInstanceOf(ProviderError);
        expect(error.status).toBe(failedStatus < 400 ? error.status : failedStatus);
        expect(error.providerCode ?? '').toMatch(/^[A-Za-z0-9_.-]{0,64}$/);
        expect(`${String(error)}${JSON.stringify(error)}`).not.toContain('secret');
      }),
    );
  });

  it('maps an error whose code has no text', () => {
    const body = { error: { code: { toString: null } } };
    expect(adapter.parseError({ status: 200, headers: {}, body })).toBeInstanceOf(ProviderError);
  });

  it.each([
    ['finish reason', 'an_unheard_of_reason'],
    ['finish reason', '__proto__'],
  ])('answers an unknown %s with stop: %s', (_name, reason) => {
    const bodies: Readonly<Record<ProviderApi, unknown>> = {
      openai: { choices: [{ message: { content: 'x' }, finish_reason: reason }] },
      'openai-compatible': { choices: [{ message: { content: 'x' }, finish_reason: reason }] },
      'azure-openai': { choices: [{ message: { content: 'x' }, finish_reason: reason }] },
      anthropic: { content: [{ type: reason }, { type: 'text', text: 'x' }], stop_reason: reason },
      gemini: {
        candidates: [{ content: { parts: [{ [reason]: 1 }, { text: 'x' }] }, finishReason: reason }],
      },
      ...ofPresets({ choices: [{ message: { content: 'x' }, finish_reason: reason }] }),
      bedrock: {
        output: { message: { content: [{ [reason]: {} }, { text: 'x' }] } },
        stopReason: reason,
      },
    };
    expect(adapter.parseAnswer(bodies[api], call).completion.choices).toMatchObject([
      { finish_reason: 'stop', message: { content: 'x' } },
    ]);
  });
});
