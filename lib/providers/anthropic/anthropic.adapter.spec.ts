import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk, ChatRequest } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderCall, WireEvent } from '../provider-adapter.js';
import { AnthropicAdapter } from './anthropic.adapter.js';
import { anthropicModelTraits } from './anthropic-model-traits.js';
import type { AnthropicRequest } from './anthropic-wire.js';

const adapter = new AnthropicAdapter();

function callOf(request: object = {}, rest: Partial<ProviderCall> = {}): ProviderCall {
  return {
    upstreamModel: 'claude-sonnet-4-0',
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

const build = (request: object = {}, rest: Partial<ProviderCall> = {}): AnthropicRequest =>
  adapter.buildRequest(callOf(request, rest)).body as AnthropicRequest;

const messagesOf = (messages: readonly unknown[]): unknown =>
  build({ messages: messages as ChatRequest['messages'] }).messages;

const toolCall = (id: string, args = '{}'): object => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: args },
});
const tool = (name: string, rest: object = {}): object => ({ type: 'function', function: { name, ...rest } });
const SCHEMA = { type: 'object', properties: { city: { type: 'string' } } };
const jsonSchema = { type: 'json_schema', json_schema: { name: 'place', schema: SCHEMA } };

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('AnthropicAdapter request', () => {
  it('joins system and developer messages at the top, wherever they stand', () => {
    const body = build({
      messages: [
        { role: 'system', content: 'One' },
        { role: 'user', content: 'Hi' },
        { role: 'developer', content: [{ type: 'text', text: 'Two' }] },
      ],
    });
    expect(body.system).toBe('One\n\nTwo');
    expect(body.messages).toEqual([{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }]);
  });

  it('keeps cache marks on system and content parts', () => {
    const cached = { type: 'text', text: 'Long', cache_control: { type: 'ephemeral' } };
    const body = build({
      messages: [
        { role: 'system', content: [cached] },
        { role: 'user', content: [cached] },
      ],
    });
    expect(body.system).toEqual([cached]);
    expect(body.messages[0]?.content).toEqual([cached]);
  });

  it('turns a conversation of system messages alone into a user turn', () => {
    expect(build({ messages: [{ role: 'system', content: 'Say hi' }] })).toMatchObject({
      messages: [{ role: 'user', content: [{ type: 'text', text: 'Say hi' }] }],
    });
  });

  it('puts parallel tool results into one user message, before its text', () => {
    expect(
      messagesOf([
        { role: 'user', content: 'Go' },
        { role: 'assistant', content: 'Well', tool_calls: [toolCall('a.1', ''), toolCall('a:1', '{"x":1}')] },
        { role: 'tool', tool_call_id: 'a.1', content: 'one' },
        { role: 'tool', tool_call_id: 'a:1', content: [{ type: 'text', text: 'two' }] },
        { role: 'user', content: 'And?' },
      ]),
    ).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Go' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Well' },
          { type: 'tool_use', id: 'a_1', name: 'f', input: {} },
          { type: 'tool_use', id: 'a_1_2', name: 'f', input: { x: 1 } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'a_1', content: 'one' },
          { type: 'tool_result', tool_use_id: 'a_1_2', content: [{ type: 'text', text: 'two' }] },
          { type: 'text', text: 'And?' },
        ],
      },
    ]);
  });

  it('takes a refusal in the history for something that was said', () => {
    const turnOf = (assistant: object): unknown =>
      build({
        messages: [
          { role: 'user', content: 'Go' },
          { role: 'assistant', ...assistant },
          { role: 'user', content: 'Why?' },
        ],
      }).messages[1];
    const text = (...texts: readonly string[]) => ({
      role: 'assistant',
      content: texts.map((said) => ({ type: 'text', text: said })),
    });
    expect(turnOf({ content: null, refusal: 'No.' })).toEqual(text('No.'));
    expect(turnOf({ content: 'Well', refusal: 'No.' })).toEqual(text('Well', 'No.'));
    expect(turnOf({ content: [{ type: 'text', text: 'Well' }], refusal: 'No.' })).toEqual(
      text('Well', 'No.'),
    );
    expect(turnOf({ content: 'Well', refusal: null })).toEqual(text('Well'));
  });

  it('never maps an id onto one that another call has', () => {
    const ids = JSON.stringify(
      messagesOf([
        { role: 'user', content: 'Go' },
        { role: 'assistant', content: null, tool_calls: [toolCall('a.b'), toolCall('a_b')] },
      ]),
    ).match(/"id":"[^"]+"/g);
    expect(ids).toEqual(['"id":"a_b_2"', '"id":"a_b"']);
  });

  it('leaves out blank texts, merges what then touches, and trims a final assistant turn', () => {
    expect(
      messagesOf([
        { role: 'user', content: 'A' },
        { role: 'assistant', content: '' },
        { role: 'user', content: [{ type: 'text', text: ' ' }] },
        { role: 'user', content: 'B ' },
        { role: 'assistant', content: 'So \n' },
      ]),
    ).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'A' },
          { type: 'text', text: 'B ' },
        ],
      },
      { role: 'assistant', content: [{ type: 'text', text: 'So' }] },
    ]);
  });

  it('translates images and documents', () => {
    const content = [
      { type: 'image_url', image_url: { url: 'data:image/jpg;base64,AAAA' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,BBBB' } },
      { type: 'file', file: { file_data: 'data:text/csv;base64,YSxi' } },
    ];
    expect(messagesOf([{ role: 'user', content }])).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: 'AAAA' } },
          { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
          {
            type: 'document',
            source: { type: 'base64', media_type: 'application/pdf', data: 'BBBB' },
            title: 'a.pdf',
          },
          { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'a,b' } },
        ],
      },
    ]);
  });

  it.each([
    [
      'messages[1].tool_calls[0].function.arguments',
      {
        messages: [
          { role: 'user', content: 'x' },
          { role: 'assistant', tool_calls: [toolCall('a', '{')] },
        ],
      },
    ],
    [
      'messages[0].tool_calls[1].function.arguments',
      { messages: [{ role: 'assistant', tool_calls: [toolCall('a'), toolCall('b', '[1]')] }] },
    ],
    [
      'messages[0].content[0]',
      { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }] },
    ],
    [
      'messages[0].content[0]',
      { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'f' } }] }] },
    ],
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['logit_bias', { logit_bias: { 1: 5 } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['tools[0]', { tools: [{ type: 'custom', custom: { name: 'c' } }] }],
  ])('refuses %s', (param, request) => {
    const error = errorOf(() => build(request));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect((error as InvalidRequestError).param).toBe(param);
  });

  it('gives every tool an object schema, and sends a choice only beside tools', () => {
    const body = build({ tools: [tool('f'), tool('g', { parameters: SCHEMA, strict: true })] });
    expect(body.tools).toEqual([
      { name: 'f', input_schema: { type: 'object', properties: {} } },
      { name: 'g', input_schema: SCHEMA },
    ]);
    expect(build({ tool_choice: 'auto', parallel_tool_calls: false })).not.toHaveProperty('tool_choice');
  });

  it.each([
    ['auto', 'auto', undefined, { type: 'auto' }],
    ['required', 'required', undefined, { type: 'any' }],
    ['none', 'none', undefined, { type: 'none' }],
    ['a name', { type: 'function', function: { name: 'f' } }, undefined, { type: 'tool', name: 'f' }],
    ['nothing, one at a time', undefined, false, { type: 'auto', disable_parallel_tool_use: true }],
    ['required, one at a time', 'required', false, { type: 'any', disable_parallel_tool_use: true }],
    ['null', null, undefined, undefined],
  ])('translates the tool choice: %s', (_name, choice, parallel, expected) => {
    const body = build({ tools: [tool('f')], tool_choice: choice, parallel_tool_calls: parallel });
    expect(body.tool_choice).toEqual(expected);
  });

  it('cuts the tools down to the allowed ones', () => {
    const body = build({
      tools: [tool('f'), tool('g')],
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [tool('g')] },
      },
    });
    expect(body.tools?.map(({ name }) => name)).toEqual(['g']);
    expect(body.tool_choice).toEqual({ type: 'any' });
  });

  it.each([
    ['unknown model', {}, {}, 4096],
    ['a smaller model', {}, { modelMaxOutputTokens: 1000 }, 1000],
    ['a larger model', {}, { modelMaxOutputTokens: 64_000 }, 4096],
    ['the client', { max_tokens: 7, max_completion_tokens: 9000 }, {}, 9000],
    ['a cap', { max_tokens: 7 }, { maxOutputTokens: 5 }, 5],
  ])('always sends max_tokens: %s', (_name, request, rest, expected) => {
    expect(build(request, rest).max_tokens).toBe(expected);
  });

  it('clamps, drops and renames parameters', () => {
    const body = build({
      temperature: 1.7,
      top_p: 1,
      stop: ['END', '\n'],
      seed: 1,
      presence_penalty: 1,
      user: 'user-7',
    });
    expect(body).toMatchObject({
      temperature: 1,
      stop_sequences: ['END'],
      metadata: { user_id: 'user-7' },
    });
    expect(Object.keys(body)).not.toEqual(expect.arrayContaining(['top_p', 'seed']));
    expect(build({ user: 'someone@example.com' })).not.toHaveProperty('metadata');
    expect(build({ top_p: 0.5 }).top_p).toBe(0.5);
  });

  it('sends no sampling parameters to models that refuse them', () => {
    const body = build({ temperature: 0.1, top_p: 0.9 }, { upstreamModel: 'claude-opus-4-8' });
    expect(body).not.toHaveProperty('temperature');
    expect(body).not.toHaveProperty('top_p');
    expect(build({ temperature: 0.1, top_p: 0.9 }, { upstreamModel: 'claude-opus-4-1' })).not.toHaveProperty(
      'top_p',
    );
  });

  it.each([
    ['claude-3-7-sonnet-20250219', false, false],
    ['claude-sonnet-4-20250514', false, false],
    ['claude-sonnet-4-5-20250929', false, false],
    ['claude-opus-4-6', true, false],
    ['claude-opus-4-7', true, true],
    ['claude-opus-5', true, true],
    ['some-proxy-name', false, false],
  ])('knows the generation of %s', (model, hasAdaptiveThinking, refusesSampling) => {
    expect(anthropicModelTraits(model)).toMatchObject({ hasAdaptiveThinking, refusesSampling });
  });

  describe('thinking', () => {
    const effort = { reasoning_effort: 'medium', temperature: 0.2 };
    const signed = (index: number, text: string): object => ({
      type: 'reasoning.text',
      format: 'anthropic-claude-v1',
      index,
      text,
      signature: `s${index}`,
    });

    it('has a budget below max_tokens and no temperature', () => {
      expect(build(effort, { reasoning: true })).toMatchObject({
        max_tokens: 8192,
        thinking: { type: 'enabled', budget_tokens: 4096 },
      });
      expect(build(effort, { reasoning: true })).not.toHaveProperty('temperature');
      expect(build({ ...effort, max_tokens: 2000 }, { reasoning: true })).toMatchObject({
        max_tokens: 2000,
        thinking: { budget_tokens: 1488 },
      });
    });

    it.each([
      ['a model that does not think', effort, { reasoning: false }],
      ['no effort', {}, { reasoning: true }],
      ['effort none', { reasoning_effort: 'none' }, { reasoning: true }],
      ['a small limit', { ...effort, max_tokens: 1500 }, { reasoning: true }],
      ['a forced tool', { ...effort, tools: [tool('f')], tool_choice: 'required' }, { reasoning: true }],
      [
        'a turn that goes on and whose signed thinking was not its first block',
        {
          ...effort,
          messages: [
            { role: 'user', content: 'x' },
            {
              role: 'assistant',
              content: 'First.',
              tool_calls: [toolCall('a')],
              reasoning_details: [signed(1, 'Then.')],
            },
            { role: 'tool', tool_call_id: 'a', content: 'x' },
          ],
        },
        { reasoning: true },
      ],
      [
        'unsigned tool calls in the history',
        {
          ...effort,
          messages: [
            { role: 'assistant', tool_calls: [toolCall('a')] },
            { role: 'tool', tool_call_id: 'a', content: 'x' },
          ],
        },
        { reasoning: true },
      ],
    ])('is off with %s', (_name, request, rest) => {
      expect(build(request, rest)).not.toHaveProperty('thinking');
    });

    it('stays on in a turn that begins with its signed thinking, every block where it stood', () => {
      const body = build(
        {
          ...effort,
          messages: [
            { role: 'user', content: 'x' },
            {
              role: 'assistant',
              content: 'A text.',
              tool_calls: [toolCall('a')],
              reasoning_details: [signed(2, 'Second.'), signed(0, 'First.')],
            },
            { role: 'tool', tool_call_id: 'a', content: 'x' },
          ],
        },
        { reasoning: true },
      );
      expect(body.thinking).toMatchObject({ type: 'enabled' });
      expect(body.messages[1]?.content).toMatchObject([
        { type: 'thinking', thinking: 'First.', signature: 's0' },
        { type: 'text', text: 'A text.' },
        { type: 'thinking', thinking: 'Second.', signature: 's2' },
        { type: 'tool_use', name: 'f' },
      ]);
    });

    it('keeps the order where a call stood before thinking, and does not sort it as it does without', () => {
      const messages = (reasoning: object): object[] => [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: null, tool_calls: [toolCall('a')], ...reasoning },
        { role: 'assistant', content: 'A text.' },
        { role: 'tool', tool_call_id: 'a', content: 'x' },
      ];
      const typesOf = (reasoning: object): unknown =>
        build({ ...effort, messages: messages(reasoning) }, { reasoning: true }).messages[1]?.content.map(
          ({ type }) => type,
        );
      expect(typesOf({ reasoning_details: [signed(0, 'First.')] })).toEqual(['thinking', 'tool_use', 'text']);
      expect(typesOf({})).toEqual(['text', 'tool_use']);
    });

    it('is adaptive on newer models', () => {
      expect(
        build({ reasoning_effort: 'xhigh' }, { reasoning: true, upstreamModel: 'claude-opus-5' }),
      ).toMatchObject({
        thinking: { type: 'adaptive' },
        output_config: { effort: 'xhigh' },
      });
      expect(
        build({ reasoning_effort: 'xhigh' }, { reasoning: true, upstreamModel: 'claude-opus-4-6' }),
      ).toMatchObject({ output_config: { effort: 'high' } });
    });
  });

  it('forces a tool for a JSON schema, or any tool where there are others', () => {
    expect(build({ response_format: jsonSchema })).toMatchObject({
      tools: [{ name: 'give_answer', input_schema: SCHEMA }],
      tool_choice: { type: 'tool', name: 'give_answer' },
    });
    const mixed = build({ response_format: jsonSchema, tools: [tool('give_answer')] });
    expect(mixed.tools?.map(({ name }) => name)).toEqual(['give_answer', 'give_answer_']);
    expect(mixed.tool_choice).toEqual({ type: 'any' });
    expect(build({ response_format: { type: 'json_object' } }).system).toMatch(/JSON/);
  });

  describe('structured outputs, from Claude 4.5 on', () => {
    const CLOSED = { ...SCHEMA, additionalProperties: false };
    const newer = { upstreamModel: 'claude-haiku-4-5', reasoning: true };

    it('asks for the schema in its own field, beside tools, effort and thinking', () => {
      const body = build({ response_format: jsonSchema }, newer);
      expect(body.output_config).toEqual({ format: { type: 'json_schema', schema: CLOSED } });
      expect(body).not.toHaveProperty('tools');
      const mixed = build(
        { response_format: jsonSchema, tools: [tool('f')], tool_choice: 'required', reasoning_effort: 'low' },
        { upstreamModel: 'claude-opus-4-8', reasoning: true },
      );
      expect(mixed.output_config).toEqual({ effort: 'low', format: { type: 'json_schema', schema: CLOSED } });
      expect(mixed.tools?.map(({ name }) => name)).toEqual(['f']);
      expect(mixed.tool_choice).toEqual({ type: 'any' });
      expect(build({ response_format: jsonSchema, reasoning_effort: 'high' }, newer).thinking).toMatchObject({
        type: 'enabled',
      });
    });

    it.each([
      ['a schema it cannot say', { messages: [{ role: 'user', content: 'x' }] }, { type: 'object' }],
      ['a final assistant turn', { messages: [{ role: 'assistant', content: '{' }] }, SCHEMA],
    ])('goes back to the tool for %s', (_name, request, schema) => {
      const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
      const body = build({ ...request, response_format }, newer);
      expect(body).not.toHaveProperty('output_config');
      expect(body.tool_choice).toMatchObject({ type: 'tool', name: 'give_answer' });
    });

    it('reads the answer as text, and a tool of that name as the client’s own', () => {
      const request = { response_format: jsonSchema, tools: [tool('give_answer')] };
      const content = [{ type: 'tool_use', id: 't', name: 'give_answer', input: { a: 1 } }];
      const { completion } = adapter.parseAnswer(
        { type: 'message', content, stop_reason: 'tool_use' },
        callOf(request, newer),
      );
      expect(completion.choices[0]?.message.tool_calls).toHaveLength(1);
    });
  });

  it('shows what tools show, and refuses what words alone may say', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } };
    const messages = messagesOf([
      { role: 'user', content: 'Go' },
      { role: 'assistant', content: null, tool_calls: [toolCall('a')] },
      { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'Here' }, image] },
    ]) as { content: unknown }[];
    expect(messages.at(-1)?.content).toEqual([
      {
        type: 'tool_result',
        tool_use_id: 'a',
        content: [
          { type: 'text', text: 'Here' },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        ],
      },
    ]);
    for (const role of ['system', 'developer', 'assistant']) {
      const error = errorOf(() => messagesOf([{ role, content: [image] }]));
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect((error as InvalidRequestError).param).toBe('messages[0].content[0]');
    }
    const http = { type: 'image_url', image_url: { url: 'http://example.com/a.png' } };
    expect(errorOf(() => messagesOf([{ role: 'user', content: [http] }]))).toBeInstanceOf(
      InvalidRequestError,
    );
  });
});

describe('AnthropicAdapter answer', () => {
  const message = (content: unknown, stopReason: unknown = 'end_turn', rest: object = {}): unknown => ({
    type: 'message',
    id: 'msg_1',
    model: 'claude-x',
    content,
    stop_reason: stopReason,
    ...rest,
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['refusal', 'content_filter'],
    ['tool_use', 'stop'],
    ['something_new', 'stop'],
    [null, 'stop'],
  ])('%s is %s', (stopReason, expected) => {
    const { completion } = adapter.parseAnswer(message([], stopReason), callOf());
    expect(completion.choices[0]).toMatchObject({ finish_reason: expected, message: { content: '' } });
  });

  it('joins text, keeps thinking out, and numbers nothing but its own tools', () => {
    const { completion } = adapter.parseAnswer(
      message(
        [
          { type: 'thinking', thinking: 'hm', signature: 's' },
          { type: 'redacted_thinking', data: 'x' },
          { type: 'text', text: 'A' },
          { type: 'server_tool_use', id: 's', name: 'web_search', input: {} },
          { type: 'a_new_block' },
          { type: 'text', text: 'B' },
          { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
        ],
        'tool_use',
      ),
      callOf(),
    );
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: 'AB',
        refusal: null,
        reasoning_content: 'hm',
        tool_calls: [{ id: 't', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
      },
    });
  });

  it('has null content beside tool calls alone', () => {
    const { completion } = adapter.parseAnswer(
      message([{ type: 'tool_use', id: 't', name: 'f', input: {} }], 'tool_use'),
      callOf(),
    );
    expect(completion.choices[0]?.message.content).toBeNull();
  });

  it('counts cached and written tokens into the prompt', () => {
    const { completion, usage } = adapter.parseAnswer(
      message([], 'end_turn', {
        usage: {
          input_tokens: 80,
          cache_read_input_tokens: 20,
          cache_creation_input_tokens: 5,
          output_tokens: 7,
          output_tokens_details: { thinking_tokens: 3 },
        },
      }),
      callOf(),
    );
    expect(usage).toEqual({
      promptTokens: 105,
      completionTokens: 7,
      cachedTokens: 20,
      cacheWriteTokens: 5,
      reasoningTokens: 3,
    });
    expect(completion.usage).toMatchObject({
      total_tokens: 112,
      prompt_tokens_details: { cached_tokens: 20, cache_write_tokens: 5 },
    });
  });

  it('gives the input of the answer tool as content', () => {
    const { completion } = adapter.parseAnswer(
      message([{ type: 'tool_use', id: 't', name: 'give_answer', input: { city: 'Rome' } }], 'tool_use'),
      callOf({ response_format: jsonSchema }),
    );
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: '{"city":"Rome"}' },
    });
    expect(completion.choices[0]?.message).not.toHaveProperty('tool_calls');
  });

  it.each([
    ['<html>', 'bad_response'],
    [{}, 'bad_response'],
    [{ type: 'error', error: { type: 'overloaded_error' } }, 'overloaded'],
  ])('refuses %j', (body, kind) => {
    expect(errorOf(() => adapter.parseAnswer(body, callOf()))).toMatchObject({ name: 'ProviderError', kind });
  });
});

describe('AnthropicAdapter stream', () => {
  const start = {
    type: 'message_start',
    message: { id: 'msg_1', model: 'c', usage: { input_tokens: 5, output_tokens: 1 } },
  };
  const block = (index: number, contentBlock: object): object => ({
    type: 'content_block_start',
    index,
    content_block: contentBlock,
  });
  const delta = (index: number, value: object): object => ({
    type: 'content_block_delta',
    index,
    delta: value,
  });
  const json = (index: number, text: string): object =>
    delta(index, { type: 'input_json_delta', partial_json: text });
  const end = (index: number): object => ({ type: 'content_block_stop', index });
  const finish = (stopReason: string): object[] => [
    { type: 'message_delta', delta: { stop_reason: stopReason }, usage: { output_tokens: 9 } },
    { type: 'message_stop' },
  ];

  function stream(payloads: readonly object[], request: object = {}): ChatCompletionChunk[] {
    const translator = adapter.createStreamTranslator(callOf(request, { stream: true }));
    const events: WireEvent[] = payloads.map((payload) => ({ data: JSON.stringify(payload) }));
    return [...events.flatMap((event) => translator.push(event)), ...translator.end()];
  }

  const toolDeltas = (chunks: readonly ChatCompletionChunk[]): unknown[] =>
    chunks.flatMap((chunk) =>
      chunk.choices.flatMap((choice) =>
        (choice.delta.tool_calls ?? []).map((call) => [call.index, call.id, call.function?.arguments]),
      ),
    );

  it('sends all of an endless thinking, and holds none of it for its signature', () => {
    const piece = 'm'.repeat(1024 * 1024);
    const thinking = (times: number): ChatCompletionChunk[] =>
      stream([
        start,
        block(0, { type: 'thinking', thinking: '' }),
        ...Array.from({ length: times }, () => delta(0, { type: 'thinking_delta', thinking: piece })),
        delta(0, { type: 'signature_delta', signature: 'sig' }),
        end(0),
        ...finish('end_turn'),
      ]);
    const written = (chunks: readonly ChatCompletionChunk[], name: string): unknown[] =>
      chunks.flatMap(({ choices }) =>
        choices.flatMap((choice) =>
          (Object.entries(choice.delta) as [string, unknown][]).filter(([key]) => key === name),
        ),
      );
    expect(written(thinking(3), 'reasoning_details')).toHaveLength(1);
    const endless = thinking(5);
    expect(written(endless, 'reasoning_content')).toHaveLength(5);
    expect(written(endless, 'reasoning_details')).toEqual([]);
  });

  it('counts tools from 0 and gives {} to calls without arguments', () => {
    const chunks = stream([
      start,
      { type: 'ping' },
      block(0, { type: 'text', text: '' }),
      delta(0, { type: 'text_delta', text: 'Hm' }),
      end(0),
      block(1, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
      json(1, '{"query":"x"}'),
      end(1),
      block(2, { type: 'tool_use', id: 't1', name: 'f', input: {} }),
      json(2, ''),
      end(2),
      { type: 'an_event_yet_to_come' },
      block(3, { type: 'tool_use', id: 't2', name: 'g', input: {} }),
      json(3, '{"a"'),
      json(3, ':1}'),
      end(3),
      block(4, { type: 'tool_use', id: 't3', name: 'h', input: { b: 2 } }),
      ...finish('tool_use'),
    ]);
    expect(toolDeltas(chunks)).toEqual([
      [0, 't1', ''],
      [0, undefined, '{}'],
      [1, 't2', ''],
      [1, undefined, '{"a"'],
      [1, undefined, ':1}'],
      [2, 't3', ''],
      [2, undefined, '{"b":2}'],
    ]);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('tool_calls');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 9 } });
  });

  it('streams the answer tool as content', () => {
    const chunks = stream(
      [
        start,
        block(0, { type: 'tool_use', id: 't', name: 'give_answer', input: {} }),
        json(0, '{"city":'),
        json(0, '"Rome"}'),
        end(0),
        ...finish('tool_use'),
      ],
      { response_format: jsonSchema },
    );
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('{"city":"Rome"}');
    expect(toolDeltas(chunks)).toEqual([]);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
  });

  it.each([
    ['no end', [start, block(0, { type: 'text', text: 'x' })], 'stream_cut'],
    ['a stop reason alone', [start, finish('end_turn')[0]!], 'stream_cut'],
    ['nothing', [], 'stream_cut'],
    ['an end alone', [{ type: 'message_stop' }], 'bad_response'],
    ['an error', [start, { type: 'error', error: { type: 'overloaded_error' } }], 'overloaded'],
    ['a new error', [{ type: 'error', error: { type: 'new_error' } }], 'server_error'],
    [
      'a message begun anew within a call',
      [start, block(0, { type: 'tool_use', id: 't', name: 'f', input: {} }), start],
      'bad_response',
    ],
  ])('fails with %s', (_name, payloads, kind) => {
    expect(errorOf(() => stream(payloads))).toMatchObject({ name: 'ProviderError', kind });
  });

  it('goes on when the message begins anew outside a call', () => {
    const chunks = stream([
      start,
      block(0, { type: 'text', text: 'A' }),
      start,
      block(0, { type: 'text', text: 'B' }),
      ...finish('end_turn'),
    ]);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('AB');
    expect(chunks.filter((chunk) => chunk.choices[0]?.delta.role !== undefined)).toHaveLength(1);
  });
});

describe('AnthropicAdapter error', () => {
  it.each([
    [400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum', 'context_length'],
    [
      400,
      'invalid_request_error',
      'input length and `max_tokens` exceed context limit: 1 + 2 > 3',
      'context_length',
    ],
    [400, 'invalid_request_error', 'Your credit balance is too low to access the API.', 'billing'],
    [400, 'invalid_request_error', 'Output blocked by content filtering policy', 'content_filter'],
    [400, 'invalid_request_error', 'messages: at least one message is required', 'invalid_request'],
    [429, 'rate_limit_error', 'x', 'rate_limited'],
    [529, 'overloaded_error', 'Overloaded', 'overloaded'],
    [504, 'timeout_error', 'x', 'server_error'],
  ])('%i %s: %s', (status, type, message, kind) => {
    const error = adapter.parseError({
      status,
      headers: {},
      body: { type: 'error', error: { type, message } },
    });
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ status, kind, providerCode: type });
    expect(error.readProviderMessage()).toBe(message);
  });

  it('maps an error under 200 by its type', () => {
    const body = { type: 'error', error: { type: 'overloaded_error' } };
    expect(adapter.parseError({ status: 200, headers: {}, body })).toMatchObject({
      kind: 'overloaded',
      status: 529,
    });
  });

  it.each([['<html>413</html>'], [undefined], [[]], [{ error: 'x' }]])('survives the body %j', (body) => {
    expect(adapter.parseError({ status: 413, headers: {}, body }).kind).toBe('request_too_large');
  });
});
