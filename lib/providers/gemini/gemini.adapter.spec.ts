import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import { GeminiAdapter } from './gemini.adapter.js';
import type { GeminiRequest } from './gemini-wire.js';

const adapter = new GeminiAdapter();

function callOf(request: object = {}, rest: Partial<ProviderCall> = {}): ProviderCall {
  return {
    upstreamModel: 'gemini-2.5-flash',
    request: {
      model: 'auto',
      messages: [{ role: 'user', content: 'Hi' }],
      ...request,
    },
    stream: false,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
    reasoning: false,
    ...rest,
  };
}

const build = (request: object = {}, rest: Partial<ProviderCall> = {}): GeminiRequest =>
  adapter.buildRequest(callOf(request, rest)).body as GeminiRequest;

const toolCall = (id: string, name: string, rest: object = {}): object => ({
  id,
  type: 'function',
  function: { name, arguments: '{"a":1}' },
  ...rest,
});
const signed = { extra_content: { google: { thought_signature: 'sig' } } };
const tool = (name: string, rest: object = {}): object => ({ type: 'function', function: { name, ...rest } });
const SCHEMA = {
  type: 'object',
  properties: { a: { type: ['string', 'null'] } },
  additionalProperties: false,
};

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('GeminiAdapter request', () => {
  it('puts model and method into the path and the key into a header', () => {
    expect(adapter.buildRequest(callOf()).path).toBe('/v1beta/models/gemini-2.5-flash:generateContent');
    expect(adapter.buildRequest(callOf({}, { stream: true })).path).toBe(
      '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    );
    expect(adapter.buildRequest(callOf({}, { upstreamModel: 'tunedModels/a b?c' })).path).toBe(
      '/v1beta/tunedModels/a%20b%3Fc:generateContent',
    );
    expect(adapter.authHeaders('k')).toEqual({ 'x-goog-api-key': 'k' });
  });

  it('keeps system apart, merges turns, and answers calls in their order', () => {
    const body = build({
      messages: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'A' },
        { role: 'user', content: [{ type: 'text', text: 'B' }] },
        { role: 'assistant', content: null, tool_calls: [toolCall('x', 'one'), toolCall('y', 'two')] },
        { role: 'tool', tool_call_id: 'y', content: '[1]' },
        { role: 'tool', tool_call_id: 'x', content: '{"ok":true}' },
        { role: 'user', content: 'C' },
      ],
    });
    expect(body.systemInstruction).toEqual({ parts: [{ text: 'Be brief' }] });
    expect(body.contents).toEqual([
      { role: 'user', parts: [{ text: 'A' }, { text: 'B' }] },
      {
        role: 'model',
        parts: [
          { functionCall: { name: 'one', args: { a: 1 } } },
          { functionCall: { name: 'two', args: { a: 1 } } },
        ],
      },
      {
        role: 'user',
        parts: [
          { functionResponse: { name: 'one', response: { ok: true } } },
          { functionResponse: { name: 'two', response: { output: [1] } } },
          { text: 'C' },
        ],
      },
    ]);
  });

  it('takes a refusal in the history for something that was said', () => {
    const { contents } = build({
      messages: [
        { role: 'user', content: 'Go' },
        { role: 'assistant', content: null, refusal: 'No.' },
        { role: 'user', content: 'Why?' },
      ],
    });
    expect(contents[1]).toEqual({ role: 'model', parts: [{ text: 'No.' }] });
  });

  it('wraps plain text results, and says what has no call', () => {
    const history = [
      { role: 'assistant', tool_calls: [toolCall('x', 'one')] },
      { role: 'tool', tool_call_id: 'x', content: 'sunny' },
    ];
    expect(build({ messages: history }).contents[1]?.parts[0]?.functionResponse?.response).toEqual({
      output: 'sunny',
    });
    expect(errorOf(() => build({ messages: history.slice(1) }))).toMatchObject({
      param: 'messages[0].tool_call_id',
    });
  });

  it('carries signatures back, and stands in for a lost one on the first call of Gemini 3', () => {
    const signaturesFor = (upstreamModel: string, calls: readonly object[]): unknown[] => {
      const [turn] = build(
        { messages: [{ role: 'assistant', content: null, tool_calls: calls }] },
        { upstreamModel },
      ).contents;
      return (turn?.parts ?? []).map((part) => part.thoughtSignature);
    };
    const lost = [toolCall('x', 'one'), toolCall('y', 'two')];
    const kept = [toolCall('x', 'one', signed), toolCall('y', 'two')];
    expect(signaturesFor('gemini-3-pro-preview', kept)).toEqual(['sig', undefined]);
    expect(signaturesFor('gemini-3-pro-preview', lost)).toEqual([
      'skip_thought_signature_validator',
      undefined,
    ]);
    expect(signaturesFor('gemini-flash-latest', lost)[0]).toBe('skip_thought_signature_validator');
    expect(signaturesFor('gemini-2.5-pro', lost)).toEqual([undefined, undefined]);
    expect(signaturesFor('gemini-2.5-pro', kept)).toEqual(['sig', undefined]);
  });

  it('never sends empty contents, and gives Gemma its system text as a user', () => {
    const system = { role: 'system', content: 'S' };
    expect(build({ messages: [system] })).toEqual({ contents: [{ role: 'user', parts: [{ text: 'S' }] }] });
    expect(
      build({ messages: [system, { role: 'user', content: 'U' }] }, { upstreamModel: 'gemma-3-27b-it' }),
    ).toEqual({ contents: [{ role: 'user', parts: [{ text: 'S' }, { text: 'U' }] }] });
  });

  it('inlines images, sound and files', () => {
    const content = [
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      { type: 'input_audio', input_audio: { format: 'wav', data: 'BBBB' } },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,CCCC' } },
    ];
    expect(build({ messages: [{ role: 'user', content }] }).contents[0]?.parts).toEqual([
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
      { inlineData: { mimeType: 'audio/wav', data: 'BBBB' } },
      { inlineData: { mimeType: 'application/pdf', data: 'CCCC' } },
    ]);
  });

  const imageAt = (url: string): object => ({
    messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
  });

  it('lets Google fetch https pictures whose address tells their type, on models that do', () => {
    expect(build(imageAt('https://example.com/a/B.JPG?x=1')).contents[0]?.parts).toEqual([
      { fileData: { mimeType: 'image/jpeg', fileUri: 'https://example.com/a/B.JPG?x=1' } },
    ]);
    for (const [url, upstreamModel] of [
      ['https://example.com/a.png', 'gemini-2.0-flash'],
      ['https://example.com/a.png', 'gemma-3'],
      ['https://example.com/a', 'gemini-2.5-flash'],
      ['https://example.com/a.gif', 'gemini-2.5-flash'],
    ] as const) {
      expect(errorOf(() => build(imageAt(url), { upstreamModel }))).toBeInstanceOf(InvalidRequestError);
    }
  });

  it('does not take GIF, and takes low detail for all there is to see', () => {
    expect(errorOf(() => build(imageAt('data:image/gif;base64,AAAA')))).toBeInstanceOf(InvalidRequestError);
    const low = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } };
    const high = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'high' } };
    const resolutionOf = (content: readonly object[]): unknown =>
      build({ messages: [{ role: 'user', content }] }).generationConfig?.mediaResolution;
    expect(resolutionOf([low, { type: 'text', text: 'x' }, low])).toBe('MEDIA_RESOLUTION_LOW');
    expect(resolutionOf([low, high])).toBeUndefined();
    expect(resolutionOf([{ type: 'text', text: 'x' }])).toBeUndefined();
  });

  it('puts what tools show behind their responses', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    const calls = ['a', 'b'].map((id) => ({ id, type: 'function', function: { name: id, arguments: '{}' } }));
    const parts = build({
      messages: [
        { role: 'user', content: 'Go' },
        { role: 'assistant', content: null, tool_calls: calls },
        { role: 'tool', tool_call_id: 'b', content: [{ type: 'text', text: 'two' }, image] },
        { role: 'tool', tool_call_id: 'a', content: 'one' },
      ],
    }).contents.at(-1)?.parts;
    expect(parts).toEqual([
      { functionResponse: { name: 'a', response: { output: 'one' } } },
      { functionResponse: { name: 'b', response: { output: 'two' } } },
      { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
    ]);
  });

  it('keeps the JSON mode where the tools may not be called anyway', () => {
    const body = build({
      tools: [tool('f')],
      tool_choice: 'none',
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: SCHEMA } },
    });
    expect(body.generationConfig).toEqual({
      responseMimeType: 'application/json',
      responseJsonSchema: SCHEMA,
    });
    expect(body).not.toHaveProperty('tools');
    expect(body).not.toHaveProperty('toolConfig');
  });

  it.each([
    [
      'messages[0].content[0]',
      {
        messages: [
          { role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://example.com/a.png' } }] },
        ],
      },
    ],
    [
      'messages[0].tool_calls[0].function.arguments',
      {
        messages: [
          {
            role: 'assistant',
            tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: 'no' } }],
          },
        ],
      },
    ],
    ['logit_bias', { logit_bias: { 1: 1 } }],
  ])('refuses %s', (param, request) => {
    const error = errorOf(() => build(request));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect((error as InvalidRequestError).param).toBe(param);
  });

  it.each([
    ['auto', { functionCallingConfig: { mode: 'AUTO' } }],
    ['none', { functionCallingConfig: { mode: 'NONE' } }],
    ['required', { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f', 'g'] } }],
    [
      { type: 'function', function: { name: 'g' } },
      { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['g'] } },
    ],
    [undefined, undefined],
  ])('translates the tool choice %j', (choice, expected) => {
    const body = build({ tools: [tool('f'), tool('g', { parameters: SCHEMA })], tool_choice: choice });
    expect(body.toolConfig).toEqual(expected);
    expect(body.tools).toEqual([
      { functionDeclarations: [{ name: 'f' }, { name: 'g', parametersJsonSchema: SCHEMA }] },
    ]);
  });

  it('fills the generation config', () => {
    expect(
      build(
        {
          max_completion_tokens: 9,
          stop: 'END',
          temperature: 1.5,
          top_p: 0.5,
          seed: 7,
          presence_penalty: 1,
          frequency_penalty: -1,
          n: 2,
          logprobs: true,
          top_logprobs: 3,
          response_format: { type: 'json_schema', json_schema: { name: 'x', schema: SCHEMA } },
        },
        { maxOutputTokens: 8 },
      ).generationConfig,
    ).toEqual({
      maxOutputTokens: 8,
      stopSequences: ['END'],
      temperature: 1.5,
      topP: 0.5,
      seed: 7,
      presencePenalty: 1,
      frequencyPenalty: -1,
      candidateCount: 2,
      responseLogprobs: true,
      logprobs: 3,
      responseMimeType: 'application/json',
      responseJsonSchema: SCHEMA,
    });
    expect(build()).not.toHaveProperty('generationConfig');
  });

  it.each([
    ['gemini-2.5-flash', 'none', { thinkingBudget: 0 }],
    ['gemini-2.5-pro', 'none', { thinkingBudget: 128 }],
    ['gemini-2.5-flash', 'low', { thinkingBudget: 1024 }],
    ['gemini-3-pro-preview', 'medium', { thinkingLevel: 'HIGH' }],
    ['gemini-3-pro-preview', 'none', { thinkingLevel: 'LOW' }],
    ['gemini-3-flash-preview', 'medium', { thinkingLevel: 'MEDIUM' }],
  ])('%s thinks with effort %s', (upstreamModel, effort, expected) => {
    const request = { reasoning_effort: effort };
    expect(build(request, { upstreamModel, reasoning: true }).generationConfig?.thinkingConfig).toEqual(
      expected,
    );
    expect(build(request, { upstreamModel }).generationConfig).toBeUndefined();
  });

  it('asks for JSON in words where functions forbid the JSON mode', () => {
    const request = { tools: [tool('f')], response_format: { type: 'json_object' } };
    expect(build(request).generationConfig).toBeUndefined();
    expect(JSON.stringify(build(request).systemInstruction)).toMatch(/JSON/);
    expect(build(request, { upstreamModel: 'gemini-3-pro' }).generationConfig).toEqual({
      responseMimeType: 'application/json',
    });
  });
});

describe('GeminiAdapter answer', () => {
  const answer = (parts: unknown, finishReason: string | undefined = 'STOP', rest: object = {}): unknown => ({
    candidates: [{ content: { parts, role: 'model' }, finishReason }],
    responseId: 'r1',
    modelVersion: 'gemini-x',
    ...rest,
  });

  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['SPII', 'content_filter'],
    ['IMAGE_SAFETY', 'content_filter'],
    ['OTHER', 'stop'],
    ['FAKE_ENUM', 'stop'],
  ])('%s is %s', (finishReason, expected) => {
    const { completion } = adapter.parseAnswer(answer([{ text: 'x' }], finishReason), callOf());
    expect(completion.choices[0]?.finish_reason).toBe(expected);
  });

  it('makes calls of parts, with ids of their own and the signature on its part', () => {
    const part = { functionCall: { name: 'f', args: { a: 1 } } };
    const body = answer([
      { thought: true, text: 'hm' },
      { ...part, thoughtSignature: 'sig' },
      part,
      { executableCode: {} },
      { thoughtSignature: 'alone' },
    ]);
    const first = adapter.parseAnswer(body, callOf()).completion.choices[0]!;
    const again = adapter.parseAnswer(body, callOf()).completion.choices[0]!;
    expect(first).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: null,
        reasoning_content: 'hm',
        tool_calls: [
          { type: 'function', function: { name: 'f', arguments: '{"a":1}' }, ...signed },
          { type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
        ],
      },
    });
    expect(first.message.tool_calls?.[1]).not.toHaveProperty('extra_content');
    const ids = [first, again].flatMap((choice) => (choice.message.tool_calls ?? []).map(({ id }) => id));
    expect(new Set(ids).size).toBe(4);
  });

  it('gives back on the next turn what came with the last', () => {
    const { completion } = adapter.parseAnswer(
      answer([{ functionCall: { id: 'g1', name: 'f', args: {} }, thoughtSignature: 'sig' }]),
      callOf(),
    );
    const { message } = completion.choices[0]!;
    const [turn] = build({ messages: [message] }, { upstreamModel: 'gemini-3-pro' }).contents;
    expect(turn?.parts).toEqual([
      { functionCall: { id: 'g1', name: 'f', args: {} }, thoughtSignature: 'sig' },
    ]);
  });

  it('takes a blocked prompt for a filtered answer', () => {
    const { completion, usage } = adapter.parseAnswer(
      { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 4 } },
      callOf(),
    );
    expect(completion.choices).toMatchObject([{ finish_reason: 'content_filter', message: { content: '' } }]);
    expect(usage).toMatchObject({ promptTokens: 4, completionTokens: 0 });
  });

  it.each([
    [{ finishReason: 'STOP' }],
    [{ content: {}, finishReason: 'STOP' }],
    [{ content: { parts: [] } }],
  ])('survives the candidate %j', (candidate) => {
    const { completion } = adapter.parseAnswer({ candidates: [candidate] }, callOf());
    expect(completion.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: '' } });
  });

  it('counts thoughts as completion and cached tokens inside the prompt', () => {
    const { usage } = adapter.parseAnswer(
      answer([{ text: 'x' }], 'STOP', {
        usageMetadata: {
          promptTokenCount: 10,
          cachedContentTokenCount: 6,
          toolUsePromptTokenCount: 2,
          candidatesTokenCount: 3,
          thoughtsTokenCount: 4,
          totalTokenCount: 99,
        },
      }),
      callOf(),
    );
    expect(usage).toEqual({
      promptTokens: 12,
      completionTokens: 7,
      cachedTokens: 6,
      cacheWriteTokens: 0,
      reasoningTokens: 4,
    });
  });

  it('translates log probabilities', () => {
    const body = {
      candidates: [
        {
          content: { parts: [{ text: 'é' }] },
          finishReason: 'STOP',
          logprobsResult: {
            chosenCandidates: [{ token: 'é', logProbability: -0.5 }],
            topCandidates: [{ candidates: [{ token: 'e', logProbability: -1 }] }],
          },
        },
      ],
    };
    expect(adapter.parseAnswer(body, callOf()).completion.choices[0]?.logprobs).toEqual({
      content: [
        {
          token: 'é',
          logprob: -0.5,
          bytes: [195, 169],
          top_logprobs: [{ token: 'e', logprob: -1, bytes: [101] }],
        },
      ],
      refusal: null,
    });
  });

  it.each([
    ['HTML', '<html>', 'bad_response'],
    ['no candidates', { usageMetadata: {} }, 'bad_response'],
    ['a call Gemini threw away', answer([], 'MALFORMED_FUNCTION_CALL'), 'bad_response'],
    ['nothing, for no reason', answer([], 'OTHER'), 'bad_response'],
    ['nothing but white thought', answer([{ text: 'hm', thought: true }], 'OTHER'), 'bad_response'],
    ['an error', { error: { code: 503, status: 'UNAVAILABLE' } }, 'overloaded'],
    ['an error in a list', [{ error: { status: 'RESOURCE_EXHAUSTED' } }], 'rate_limited'],
  ])('refuses %s', (_name, body, kind) => {
    expect(errorOf(() => adapter.parseAnswer(body, callOf()))).toMatchObject({ name: 'ProviderError', kind });
  });
});

describe('GeminiAdapter stream', () => {
  function stream(payloads: readonly unknown[]): ChatCompletionChunk[] {
    const translator = adapter.createStreamTranslator(callOf({}, { stream: true }));
    return [
      ...payloads.flatMap((payload) => translator.push({ data: JSON.stringify(payload) })),
      ...translator.end(),
    ];
  }
  const piece = (parts: unknown, finishReason?: string, completion?: number): object => ({
    candidates: [{ content: { parts }, finishReason }],
    ...(completion === undefined
      ? {}
      : { usageMetadata: { promptTokenCount: 2, candidatesTokenCount: completion } }),
  });

  it('takes the last running total and finishes after it', () => {
    const chunks = stream([
      piece([{ text: 'A' }], undefined, 1),
      piece([{ text: 'hm', thought: true }], undefined, 2),
      piece([{ functionCall: { name: 'f', args: {} } }], undefined, 3),
      piece([{ text: '' }], 'STOP', 4),
    ]);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta)).toMatchObject([
      { role: 'assistant', content: 'A' },
      { reasoning_content: 'hm' },
      { tool_calls: [{ index: 0, type: 'function', function: { name: 'f', arguments: '{}' } }] },
      {},
      undefined as unknown as object,
    ]);
    expect(chunks[3]?.choices[0]?.finish_reason).toBe('tool_calls');
    expect(chunks[4]?.usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 4 });
  });

  it('puts partial arguments together', () => {
    const partial = (jsonPath: string, value: object): object =>
      piece([{ functionCall: { partialArgs: [{ jsonPath, ...value }], willContinue: true } }]);
    const chunks = stream([
      piece([{ functionCall: { name: 'f', willContinue: true } }]),
      partial('$.list[0].name', { stringValue: 'Ro', willContinue: true }),
      partial('$.list[0].name', { stringValue: 'me' }),
      partial('$.list[1]', { numberValue: 3 }),
      partial("$['a b']", { boolValue: false }),
      partial('$.__proto__.polluted', { stringValue: 'x' }),
      partial('$.none', { nullValue: 'NULL_VALUE' }),
      piece([{ functionCall: {} }], 'STOP'),
    ]);
    const [call] = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(call?.function?.arguments).toBe(
      '{"list":[{"name":"Rome"},3],"a b":false,"__proto__":{"polluted":"x"},"none":null}',
    );
    expect({}).not.toHaveProperty('polluted');
  });

  it('leads no partial argument out of the arguments that came whole', () => {
    const chunks = stream([
      piece([
        {
          functionCall: {
            name: 'f',
            args: { a: {} },
            partialArgs: [{ jsonPath: '$.a.__proto__.polluted', stringValue: 'x' }],
          },
        },
      ]),
      piece([{ functionCall: {} }], 'STOP'),
    ]);
    const [call] = chunks.flatMap((chunk) => chunk.choices[0]?.delta.tool_calls ?? []);
    expect(call?.function?.arguments).toBe('{"a":{"__proto__":{"polluted":"x"}}}');
    expect({}).not.toHaveProperty('polluted');
  });

  it.each([
    ['deeper than a stack is high', `$${'.a'.repeat(100_000)}`, 'too_deep'],
    ['far behind the end of a list', '$.a[999999]', 'broken_arguments'],
    ['by name into a list', '$.a[0].b[0]', undefined],
  ])('builds no arguments %s', (_name, jsonPath, providerCode) => {
    const run = (): unknown =>
      stream([
        piece([{ functionCall: { name: 'f', partialArgs: [{ jsonPath, stringValue: 'x' }] } }], 'STOP'),
      ]);
    if (providerCode === undefined) expect(run).not.toThrow();
    else expect(run).toThrow(expect.objectContaining({ kind: 'bad_response', providerCode }));
  });

  it('keeps candidates apart', () => {
    const chunks = stream([
      { candidates: [{ index: 1, content: { parts: [{ text: 'B' }] }, finishReason: 'STOP' }] },
      { candidates: [{ index: 0, content: { parts: [{ text: 'A' }] }, finishReason: 'MAX_TOKENS' }] },
    ]);
    const choices = chunks.flatMap((chunk) => chunk.choices);
    expect(choices.filter(({ delta }) => delta.role === 'assistant').map(({ index }) => index)).toEqual([
      1, 0,
    ]);
    expect(choices.filter((choice) => choice.finish_reason).map((choice) => choice.finish_reason)).toEqual([
      'stop',
      'length',
    ]);
  });

  it('takes a blocked prompt for a filtered answer', () => {
    const chunks = stream([{ promptFeedback: { blockReason: 'OTHER' } }]);
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([null, 'content_filter']);
  });

  it.each([
    ['no finish reason', [piece([{ text: 'A' }])], 'stream_cut'],
    ['nothing', [], 'stream_cut'],
    ['an error', [piece([{ text: 'A' }]), { error: { code: 503 } }], 'overloaded'],
    ['an error in a list', [[{ error: { status: 'NOT_FOUND' } }]], 'not_found'],
    ['a list', [[1]], 'bad_response'],
  ])('fails with %s', (_name, payloads, kind) => {
    expect(errorOf(() => stream(payloads))).toMatchObject({ name: 'ProviderError', kind });
  });
});

describe('GeminiAdapter error', () => {
  it.each([
    [400, 'INVALID_ARGUMENT', 'x', [{ reason: 'API_KEY_INVALID' }], 'authentication', 'API_KEY_INVALID'],
    [
      400,
      'INVALID_ARGUMENT',
      'The input token count (9) exceeds the maximum number of tokens allowed (5).',
      [],
      'context_length',
      'INVALID_ARGUMENT',
    ],
    [400, 'FAILED_PRECONDITION', 'User location is not supported', [], 'permission', 'FAILED_PRECONDITION'],
    [403, 'PERMISSION_DENIED', 'x', [], 'permission', 'PERMISSION_DENIED'],
    [503, 'UNAVAILABLE', 'x', [], 'overloaded', 'UNAVAILABLE'],
    [504, 'DEADLINE_EXCEEDED', 'x', [], 'server_error', 'DEADLINE_EXCEEDED'],
  ])('%i %s %s', (status, code, message, details, kind, providerCode) => {
    const body = { error: { code: status, status: code, message, details } };
    expect(adapter.parseError({ status, headers: {}, body })).toMatchObject({ status, kind, providerCode });
  });

  it('maps an error under 200 by its code', () => {
    const body = [{ error: { code: 429, status: 'RESOURCE_EXHAUSTED' } }];
    expect(adapter.parseError({ status: 200, headers: {}, body })).toMatchObject({
      kind: 'rate_limited',
      status: 429,
    });
  });

  it('reads the wait out of RetryInfo and the field out of BadRequest', () => {
    const details = [
      {
        '@type': 'type.googleapis.com/google.rpc.BadRequest',
        fieldViolations: [{ field: 'contents[0].role' }],
      },
      { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '48.5s' },
    ];
    const body = [{ error: { code: 429, status: 'RESOURCE_EXHAUSTED', details } }];
    expect(adapter.parseError({ status: 429, headers: {}, body })).toMatchObject({
      kind: 'rate_limited',
      retryAfterMs: 48_500,
      param: 'contents[0].role',
    });
  });

  it.each([['<html>'], [undefined], [[]], [{ error: 'x' }]])('survives the body %j', (body) => {
    expect(adapter.parseError({ status: 404, headers: {}, body }).kind).toBe('not_found');
  });
});
