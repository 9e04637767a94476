import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk, ChatRequest } from '../../chat/chat-types.js';
import { PROVIDER_PRESETS } from '../../catalog/index.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import { OpenAiAdapter } from './openai.adapter.js';

const openAi = new OpenAiAdapter({ compatible: false });
const compatible = new OpenAiAdapter({ compatible: true });

function callOf(request: Partial<ChatRequest> = {}, rest: Partial<ProviderCall> = {}): ProviderCall {
  return {
    upstreamModel: 'upstream-model',
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

const bodyOf = (adapter: OpenAiAdapter, call: ProviderCall): Record<string, unknown> =>
  adapter.buildRequest(call).body as Record<string, unknown>;

function stream(adapter: OpenAiAdapter, payloads: readonly unknown[]): ChatCompletionChunk[] {
  const translator = adapter.createStreamTranslator(callOf({}, { stream: true }));
  const events = payloads.map((payload) => ({
    data: typeof payload === 'string' ? payload : JSON.stringify(payload),
  }));
  return [...events.flatMap((event) => translator.push(event)), ...translator.end()];
}

const delta = (value: unknown, finishReason: string | null = null): unknown => ({
  id: 'chatcmpl-1',
  created: 5,
  model: 'm',
  choices: [{ index: 0, delta: value, finish_reason: finishReason }],
});

function kindOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ProviderError);
    return (error as ProviderError).kind;
  }
  return undefined;
}

describe('OpenAiAdapter request', () => {
  it('passes everything through under the upstream name', () => {
    const request = { temperature: 0.3, tools: [], someNewField: { a: 1 } } as Partial<ChatRequest>;
    expect(bodyOf(openAi, callOf(request))).toEqual({
      ...callOf(request).request,
      model: 'upstream-model',
      stream: false,
    });
    expect(openAi.buildRequest(callOf()).path).toBe('/chat/completions');
  });

  it('asks for usage on every stream and sends no stream options otherwise', () => {
    const options = { stream_options: { include_usage: false, include_obfuscation: false } };
    expect(bodyOf(openAi, callOf(options, { stream: true }))).toMatchObject({
      stream: true,
      stream_options: { include_usage: true, include_obfuscation: false },
    });
    expect(bodyOf(openAi, callOf(options))).not.toHaveProperty('stream_options');
  });

  it.each([
    ['OpenAI keeps the old field', openAi, { max_tokens: 9 }, {}, { max_tokens: 9 }],
    ['OpenAI keeps the new field', openAi, { max_completion_tokens: 9 }, {}, { max_completion_tokens: 9 }],
    [
      'OpenAI reasoning models get the new field',
      openAi,
      { max_tokens: 9 },
      { reasoning: true },
      { max_completion_tokens: 9 },
    ],
    ['a cap lowers the limit', openAi, { max_tokens: 9 }, { maxOutputTokens: 4 }, { max_tokens: 4 }],
    ['a cap alone, OpenAI', openAi, {}, { maxOutputTokens: 4 }, { max_completion_tokens: 4 }],
    ['a cap alone, compatible', compatible, {}, { maxOutputTokens: 4 }, { max_tokens: 4 }],
    ['compatible', compatible, { max_completion_tokens: 9 }, {}, { max_tokens: 9 }],
    [
      'both fields: the new one wins',
      compatible,
      { max_tokens: 1, max_completion_tokens: 9 },
      {},
      { max_tokens: 9 },
    ],
    ['no limit', compatible, {}, {}, {}],
  ])('says the output limit once: %s', (_name, adapter, request, rest, expected) => {
    const body = bodyOf(adapter, callOf(request, rest));
    const limits = Object.fromEntries(Object.entries(body).filter(([name]) => name.startsWith('max_')));
    expect(limits).toEqual(expected);
  });

  it('keeps the fields of other makers from OpenAI and only from OpenAI', () => {
    const messages = [
      {
        role: 'assistant',
        content: null,
        reasoning_content: 'hm',
        tool_calls: [
          {
            id: 'a',
            type: 'function',
            function: { name: 'f', arguments: '{}' },
            extra_content: { google: { thought_signature: 's' } },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'a', content: 'done' },
      { role: 'user', content: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] },
    ] as unknown as ChatRequest['messages'];
    expect(JSON.stringify(bodyOf(openAi, callOf({ messages })))).not.toMatch(
      /reasoning_content|extra_content|cache_control/,
    );
    expect(bodyOf(compatible, callOf({ messages })).messages).toEqual(messages);
  });

  it.each<[string, boolean, Partial<ChatRequest>, object]>([
    ['gpt-4o', false, { reasoning_effort: 'high' }, {}],
    ['ft:gpt-4o-mini:acme::1', false, { reasoning_effort: 'high' }, {}],
    ['gpt-6', false, { reasoning_effort: 'high' }, { reasoning_effort: 'high' }],
    ['gpt-5', true, { reasoning_effort: 'high' }, { reasoning_effort: 'high' }],
    ['gpt-5', true, { temperature: 1, top_p: 1, presence_penalty: 0, frequency_penalty: 0 }, {}],
    ['gpt-5', true, { logprobs: false, logit_bias: {}, stop: 'x' }, { stop: 'x' }],
    ['gpt-5', true, { temperature: 0.2, logprobs: true }, { temperature: 0.2, logprobs: true }],
    ['gpt-4o', false, { temperature: 1, logprobs: false }, { temperature: 1, logprobs: false }],
  ])('OpenAI, %s (thinks: %s) gets of %j: %j', (upstreamModel, reasoning, request, expected) => {
    const call = callOf(request, { upstreamModel, reasoning });
    const { model, messages, stream: streamed, ...rest } = bodyOf(openAi, call);
    expect(rest).toEqual(expected);
    expect([model, messages, streamed]).toEqual([upstreamModel, call.request.messages, false]);
    // To anybody else everything goes as it came.
    expect(bodyOf(compatible, call)).toMatchObject(request);
  });

  it('tells which hints a provider is not sent', () => {
    const mistral = new OpenAiAdapter({ compatible: true, preset: PROVIDER_PRESETS.mistral });
    const older = { user: 'u', seed: 7 };
    const request: Partial<ChatRequest> = {
      ...older,
      store: true,
      metadata: { a: 'b' },
      service_tier: 'auto',
      reasoning_effort: 'high',
    };
    const droppedBy = (adapter: OpenAiAdapter, upstreamModel: string): readonly string[] => {
      const call = callOf(request, { upstreamModel });
      return adapter.droppedFields(call, adapter.buildRequest(call));
    };
    expect(droppedBy(mistral, 'mistral-large-2512')).toEqual(['user', 'store', 'reasoning_effort']);
    expect(droppedBy(openAi, 'gpt-4o')).toEqual(['reasoning_effort']);
    expect(droppedBy(compatible, 'llama')).toEqual([]);
  });

  it('keeps lists of no tool calls from OpenAI, with something said in their place', () => {
    const turns = [[], null].flatMap((tool_calls) => [
      { role: 'assistant', content: 'So', tool_calls },
      { role: 'assistant', content: null, tool_calls },
      { role: 'assistant', content: null, refusal: 'No', tool_calls },
    ]);
    const messages = [...turns, { role: 'user', content: 'x' }] as unknown as ChatRequest['messages'];
    const said = [
      { role: 'assistant', content: 'So' },
      { role: 'assistant', content: '' },
      { role: 'assistant', content: null, refusal: 'No' },
    ];
    expect(bodyOf(openAi, callOf({ messages })).messages).toEqual([...said, ...said, messages.at(-1)]);
  });

  it('sends a bearer only where there is a key', () => {
    expect(openAi.authHeaders('k')).toEqual({ authorization: 'Bearer k' });
    expect(compatible.authHeaders(undefined)).toEqual({});
    expect([openAi.defaultBaseUrl, compatible.defaultBaseUrl]).toEqual([
      'https://api.openai.com/v1',
      undefined,
    ]);
  });
});

describe('OpenAiAdapter answer', () => {
  const answer = (message: unknown, finishReason: unknown = 'stop', rest: object = {}): unknown => ({
    choices: [{ message, finish_reason: finishReason }],
    ...rest,
  });

  it('makes up what is missing', () => {
    const { completion, usage } = compatible.parseAnswer(
      answer({ content: 'Hi', annotations: null }, 'eos', {
        service_tier: 'on_demand',
        system_fingerprint: null,
      }),
      callOf(),
    );
    expect(completion).toEqual({
      id: expect.stringMatching(/^chatcmpl-/) as string,
      object: 'chat.completion',
      created: expect.any(Number) as number,
      model: 'upstream-model',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hi', refusal: null },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
    });
    expect(usage).toBeUndefined();
  });

  it('gives tool calls distinct ids and their type', () => {
    const call = { id: '', function: { name: 'f', arguments: '' } };
    const { completion } = compatible.parseAnswer(
      answer({ content: null, tool_calls: [call, call] }, ''),
      callOf(),
    );
    const [choice] = completion.choices;
    const [one, other] = choice?.message.tool_calls ?? [];
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(one).toMatchObject({ type: 'function', function: { name: 'f', arguments: '{}' } });
    expect(one?.id).not.toBe('');
    expect(one?.id).not.toBe(other?.id);
  });

  it('leaves thinking out of content', () => {
    const content = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'Yes' },
    ];
    const { completion } = compatible.parseAnswer(answer({ content }, 'model_length'), callOf());
    expect(completion.choices[0]).toMatchObject({
      message: { content: 'Yes', reasoning_content: 'hm' },
      finish_reason: 'length',
    });
  });

  it('keeps what OpenAI says of a forced call, and corrects it at others', () => {
    const message = {
      content: null,
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }],
    };
    expect(openAi.parseAnswer(answer(message), callOf()).completion.choices[0]?.finish_reason).toBe('stop');
    expect(compatible.parseAnswer(answer(message), callOf()).completion.choices[0]?.finish_reason).toBe(
      'tool_calls',
    );
  });

  it.each([
    [
      'OpenAI',
      { prompt_tokens: 10, completion_tokens: 4, prompt_tokens_details: { cached_tokens: 3 } },
      3,
      4,
    ],
    ['DeepSeek', { prompt_tokens: 10, completion_tokens: 4, prompt_cache_hit_tokens: 5 }, 5, 4],
    ['Mistral', { prompt_tokens: 10, completion_tokens: 4, num_cached_tokens: 6 }, 6, 4],
    ['Moonshot', { prompt_tokens: 10, completion_tokens: 4, cached_tokens: 7 }, 7, 4],
    [
      'xAI',
      {
        prompt_tokens: 10,
        completion_tokens: 4,
        total_tokens: 34,
        completion_tokens_details: { reasoning_tokens: 20 },
      },
      0,
      24,
    ],
  ])('reads the usage of %s', (_name, reported, cachedTokens, completionTokens) => {
    const { completion, usage } = compatible.parseAnswer(
      answer({ content: 'Hi' }, 'stop', { usage: { total_tokens: 999, ...reported } }),
      callOf(),
    );
    expect(usage).toMatchObject({ promptTokens: 10, cachedTokens, completionTokens });
    expect(completion.usage).toMatchObject({
      total_tokens: 10 + completionTokens,
      completion_tokens: completionTokens,
    });
  });

  it.each([
    ['error', 'server_error'],
    ['abort', 'server_error'],
    ['network_error', 'server_error'],
    ['insufficient_system_resource', 'overloaded'],
  ])('never passes half an answer off as a whole one: %s', (reason, kind) => {
    expect(kindOf(() => compatible.parseAnswer(answer({ content: 'Half' }, reason), callOf()))).toBe(kind);
    const translator = compatible.createStreamTranslator(callOf());
    const choices = [{ index: 0, delta: { content: 'Half' }, finish_reason: reason }];
    expect(translator.push({ data: JSON.stringify({ choices }) })).toHaveLength(1);
    translator.push({ data: '[DONE]' });
    expect(kindOf(() => translator.end())).toBe(kind);
  });

  it.each(['sensitive', 'SAFETY', 'refusal'])('says that a filter ended it: %s', (reason) => {
    const { completion } = compatible.parseAnswer(answer({ content: '' }, reason), callOf());
    expect(completion.choices[0]?.finish_reason).toBe('content_filter');
  });

  it('reads the errors of Google’s compatible endpoint', () => {
    const error = {
      code: 429,
      message: 'Quota',
      status: 'RESOURCE_EXHAUSTED',
      details: [{ retryDelay: '21s' }],
    };
    const asList = compatible.parseError({ status: 429, headers: {}, body: [{ error }] });
    expect(asList).toMatchObject({ kind: 'rate_limited', retryAfterMs: 21_000 });
    expect(asList.readProviderMessage()).toBe('Quota');
    const quoted = { error: { code: 429, message: JSON.stringify({ error }) } };
    expect(compatible.parseError({ status: 429, headers: {}, body: quoted }).retryAfterMs).toBe(21_000);
    const headers = { 'retry-after': '3' };
    expect(compatible.parseError({ status: 429, headers, body: quoted }).retryAfterMs).toBe(3_000);
    const wrongKey = { error: { code: 400, message: 'API key not valid. Please pass a valid API key.' } };
    expect(compatible.parseError({ status: 400, headers: {}, body: [wrongKey] }).kind).toBe('authentication');
  });

  it('finds the error of a choice', () => {
    const choices = [{ index: 0, message: { content: 'Half' }, error: { code: 429, message: 'slow down' } }];
    expect(kindOf(() => compatible.parseAnswer({ choices }, callOf()))).toBe('rate_limited');
  });

  it('counts the thinking that Google’s compatible endpoint hides in the total', () => {
    const usage = { prompt_tokens: 35, completion_tokens: 12, total_tokens: 109 };
    const body = {
      ...(answer({ content: 'Hi' }, 'stop', { usage }) as object),
      model: 'models/gemini-2.5-pro',
    };
    expect(compatible.parseAnswer(body, callOf()).usage).toMatchObject({
      promptTokens: 35,
      completionTokens: 74,
      reasoningTokens: 62,
    });
  });

  it.each([
    ['an error under 200', { error: { code: 429, message: 'slow down' } }, 'rate_limited'],
    ['HTML', '<html></html>', 'bad_response'],
    ['nothing', undefined, 'bad_response'],
    ['no choices', { choices: [] }, 'bad_response'],
    ['a choice without message', { choices: [{}] }, 'bad_response'],
  ])('refuses %s', (_name, body, kind) => {
    expect(kindOf(() => compatible.parseAnswer(body, callOf()))).toBe(kind);
  });
});

describe('OpenAiAdapter stream', () => {
  it('renumbers tool calls and gives them ids, whatever the upstream leaves out', () => {
    const chunks = stream(compatible, [
      delta({ role: '', tool_calls: [{ id: '', function: { name: 'one', arguments: '{"a":' } }] }),
      delta({ tool_calls: [{ function: { arguments: '1}' } }] }),
      delta({ tool_calls: [{ id: '', function: { name: 'two', arguments: '' } }] }),
      delta({}, 'stop'),
      '[DONE]',
    ]);
    const deltas = chunks.flatMap((chunk) =>
      chunk.choices.flatMap((choice) => choice.delta.tool_calls ?? []),
    );
    expect(deltas.map(({ index, function: called }) => [index, called?.name, called?.arguments])).toEqual([
      [0, 'one', '{"a":'],
      [0, undefined, '1}'],
      [1, 'two', ''],
      [1, undefined, '{}'],
    ]);
    const ids = deltas.map(({ id }) => id).filter((id) => id !== undefined);
    expect(new Set(ids).size).toBe(2);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  it('tells calls apart that share one index', () => {
    const call = (id: string, name: string): unknown => ({
      index: 0,
      id,
      type: 'function',
      function: { name, arguments: '{}' },
    });
    const chunks = stream(compatible, [
      delta({ tool_calls: [call('a', 'one')] }),
      delta({ tool_calls: [call('b', 'two')] }, 'tool_calls'),
    ]);
    const deltas = chunks.flatMap((chunk) =>
      chunk.choices.flatMap((choice) => choice.delta.tool_calls ?? []),
    );
    expect(deltas.map(({ index, id }) => [index, id])).toEqual([
      [0, 'a'],
      [1, 'b'],
    ]);
  });

  it('streams calls of custom tools beside functions, id and name first, then the input', () => {
    const chunks = stream(openAi, [
      delta({
        role: 'assistant',
        content: null,
        tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { name: 'run', input: '' } }],
      }),
      delta({ tool_calls: [{ index: 0, custom: { input: 'print(' } }] }),
      delta({ tool_calls: [{ index: 0, custom: { input: '1)' } }] }),
      delta({ tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'f' } }] }),
      delta({ tool_calls: [{ index: 2, id: 'c', type: 'custom' }] }),
      delta({ tool_calls: [{ index: 2, custom: { input: 'held' } }] }),
      delta({ tool_calls: [{ index: 2, custom: { name: 'late' } }] }),
      delta({ tool_calls: [{ index: 3, id: 'd', type: 'custom', custom: { name: 'silent' } }] }),
      delta({}, 'tool_calls'),
      '[DONE]',
    ]);
    expect(
      chunks.flatMap(({ choices }) => choices.flatMap((choice) => choice.delta.tool_calls ?? [])),
    ).toEqual([
      { index: 0, id: 'a', type: 'custom', custom: { name: 'run', input: '' } },
      { index: 0, custom: { input: 'print(' } },
      { index: 0, custom: { input: '1)' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 2, id: 'c', type: 'custom', custom: { name: 'late', input: 'held' } },
      { index: 3, id: 'd', type: 'custom', custom: { name: 'silent', input: '' } },
      { index: 1, function: { arguments: '{}' } },
    ]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('tool_calls');
  });

  it('has a custom call without a name for a broken answer', () => {
    const events = [delta({ tool_calls: [{ index: 0, id: 'a', custom: { input: 'x' } }] }, 'tool_calls')];
    expect(kindOf(() => stream(openAi, events))).toBe('bad_response');
  });

  it('passes the function call of old on', () => {
    const chunks = stream(openAi, [
      delta({ role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } }),
      delta({ function_call: { arguments: '{"a":1}' } }),
      delta({}, 'function_call'),
      '[DONE]',
    ]);
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: 'assistant', function_call: { name: 'f', arguments: '' } },
      { function_call: { arguments: '{"a":1}' } },
      {},
    ]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('function_call');
  });

  it('finishes once, after everything, with the usage last', () => {
    const usage = (total: number): object => ({
      usage: { prompt_tokens: 3, completion_tokens: total, total_tokens: 3 + total },
    });
    const chunks = stream(compatible, [
      { ...(delta({ content: 'a' }, 'stop') as object), ...usage(1) },
      { ...(delta({ content: 'b' }, 'stop') as object), ...usage(2) },
      '[DONE]',
      delta({ content: 'never' }),
    ]);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content)).toEqual(['a', 'b', undefined, undefined]);
    expect(chunks.map((chunk) => chunk.choices[0]?.finish_reason)).toEqual([null, null, 'stop', undefined]);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 2, total_tokens: 5 } });
  });

  it('skips the empty head of Azure without taking its id', () => {
    const chunks = stream(openAi, [
      { id: '', model: '', created: 0, choices: [], prompt_filter_results: [] },
      delta({ content: 'a' }, 'stop'),
      '[DONE]',
    ]);
    expect(new Set(chunks.map(({ id, model, created }) => `${id} ${model} ${created}`))).toEqual(
      new Set(['chatcmpl-1 m 5']),
    );
  });

  it.each([
    ['a finish reason alone', [delta({ content: 'a' }, 'stop')], undefined, undefined],
    ['[DONE] alone', [delta({ content: 'a' }), '[DONE]'], 'stream_cut', undefined],
    ['neither', [delta({ content: 'a' })], 'stream_cut', 'stream_cut'],
    ['nothing', [], 'stream_cut', 'stream_cut'],
    ['an empty stream', ['[DONE]'], 'bad_response', 'bad_response'],
    ['a broken line', ['{"choices'], 'bad_response', 'bad_response'],
    [
      'an error after content',
      [delta({ content: 'a' }), { error: { type: 'server_error', message: 'x' } }, '[DONE]'],
      'server_error',
      'server_error',
    ],
    ['an error of Groq', [{ x_groq: { error: 'over capacity' } }], 'server_error', 'server_error'],
    ['an error with a numeric code', [{ error: { code: 402, message: 'pay' } }], 'billing', 'billing'],
    [
      'a call without name',
      [delta({ tool_calls: [{ index: 0, id: 'a', function: { arguments: '{}' } }] }, 'stop')],
      'bad_response',
      'bad_response',
    ],
  ])('ends rightly with %s', (_name, payloads, atOpenAi, atOthers) => {
    expect(kindOf(() => stream(openAi, payloads))).toBe(atOpenAi);
    expect(kindOf(() => stream(compatible, payloads))).toBe(atOthers);
  });

  it('takes an event named error for one', () => {
    const translator = openAi.createStreamTranslator(callOf());
    expect(kindOf(() => translator.push({ event: 'error', data: 'no JSON' }))).toBe('server_error');
  });
});

describe('OpenAiAdapter error', () => {
  const error = (status: number, body: unknown): ProviderError =>
    openAi.parseError({ status, headers: { 'retry-after': '3' }, body });

  it.each([
    [429, { error: { code: 'insufficient_quota', type: 'insufficient_quota' } }, 'billing'],
    [429, { error: { code: 'rate_limit_exceeded' } }, 'rate_limited'],
    [400, { error: { code: 'context_length_exceeded' } }, 'context_length'],
    [
      400,
      { error: { message: "This endpoint's maximum context length is 200000 tokens." } },
      'context_length',
    ],
    [400, { error: { code: 'content_filter' } }, 'content_filter'],
    [400, { error: { code: '400', innererror: { code: 'ResponsibleAIPolicyViolation' } } }, 'content_filter'],
    [400, { code: 'invalid-argument', error: 'Incorrect API key provided.' }, 'authentication'],
    [401, { detail: 'Invalid API Key' }, 'authentication'],
    [402, {}, 'billing'],
    [403, 'Forbidden', 'permission'],
    [404, { error: { code: 'model_not_found' } }, 'not_found'],
    [408, undefined, 'timeout'],
    [413, '<html>', 'request_too_large'],
    [422, { detail: [{ msg: 'extra fields' }] }, 'invalid_request'],
    [302, '', 'bad_response'],
    [502, '<html>', 'server_error'],
    [503, null, 'overloaded'],
    [529, [], 'overloaded'],
  ])('%i %j is %s', (status, body, kind) => {
    expect(error(status, body)).toMatchObject({ kind, status, retryAfterMs: 3000 });
  });

  it('maps an error under 200 by what it says itself', () => {
    const body = { error: { code: 'context_length_exceeded', message: 'x' } };
    expect(error(200, body)).toMatchObject({ kind: 'context_length', status: 400 });
    expect(error(200, { choices: [] }).kind).toBe('bad_response');
  });

  it('shows identifiers and hides sentences', () => {
    const shown = error(400, {
      error: {
        code: 'the prompt said: hello',
        type: 'invalid_request_error',
        param: 'a b',
        message: 'secret',
      },
    });
    expect(shown.providerCode).toBe('invalid_request_error');
    expect(shown.param).toBeUndefined();
    expect(shown.readProviderMessage()).toBe('secret');
    expect(JSON.stringify(shown) + String(shown)).not.toMatch(/secret|hello/);
  });
});
