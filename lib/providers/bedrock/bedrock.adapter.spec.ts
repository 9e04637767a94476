import { EventStreamCodec } from '@smithy/eventstream-codec';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk, ChatRequest } from '../../chat/chat-types.js';
import { validateChatRequest } from '../../chat/validate-chat-request.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { ExtendedDelta, ExtendedMessage } from '../chat-extensions.js';
import type { ProviderCall, WireEvent } from '../provider-adapter.js';
import { BedrockAdapter } from './bedrock.adapter.js';
import type { BedrockRequest } from './bedrock-wire.js';

const CLAUDE = 'us.anthropic.claude-sonnet-4-20250514-v1:0';
const CLAUDE_4_5 = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const CLAUDE_4_6 = 'global.anthropic.claude-opus-4-6-v1';
const NOVA = 'us.amazon.nova-lite-v1:0';
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

const adapter = new BedrockAdapter({ region: 'us-east-1' });

function callOf(request: object = {}, rest: Partial<ProviderCall> = {}): ProviderCall {
  return {
    upstreamModel: CLAUDE,
    request: { model: 'auto', messages: [{ role: 'user', content: 'Hi' }], ...request },
    stream: false,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
    reasoning: false,
    ...rest,
  };
}

const build = (request: object = {}, rest: Partial<ProviderCall> = {}): BedrockRequest =>
  adapter.buildRequest(callOf(request, rest)).body as BedrockRequest;
const messagesOf = (messages: readonly unknown[]): unknown =>
  build({ messages: messages as ChatRequest['messages'] }).messages;
const userOf = (...content: unknown[]): unknown => messagesOf([{ role: 'user', content }]);

const toolCall = (id: string, json = '{}'): object => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: json },
});
const tool = (name: string, rest: object = {}): object => ({ type: 'function', function: { name, ...rest } });
const fileOf = (filename: string, type = 'application/pdf'): object => ({
  type: 'file',
  file: { filename, file_data: `data:${type};base64,AAAA` },
});
const SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
/** Keys in the order in which schemas are written for Claude. */
const SENT_SCHEMA = {
  type: 'object',
  properties: { city: { type: 'string' } },
  additionalProperties: false,
  required: ['city'],
};
const jsonSchema = { type: 'json_schema', json_schema: { name: 'place', schema: SCHEMA } };
const history = [
  { role: 'user', content: 'Go' },
  { role: 'assistant', content: null, tool_calls: [toolCall('a')] },
  { role: 'tool', tool_call_id: 'a', content: 'done' },
];

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('BedrockAdapter address', () => {
  it.each([
    ['us-east-1', 'https://bedrock-runtime.us-east-1.amazonaws.com'],
    ['cn-north-1', 'https://bedrock-runtime.cn-north-1.amazonaws.com.cn'],
    [undefined, undefined],
  ])('stands in the region %s', (region, url) => {
    expect(new BedrockAdapter({ region }).defaultBaseUrl).toBe(url);
  });

  it('encodes the model, an ARN too, and names the operation', () => {
    const arn = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc';
    expect(adapter.buildRequest(callOf({}, { upstreamModel: arn })).path).toBe(
      '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fabc/converse',
    );
    const streamed = adapter.buildRequest(callOf({}, { stream: true }));
    expect(streamed.path).toBe('/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream');
    expect(streamed.headers).toEqual({ accept: 'application/vnd.amazon.eventstream' });
  });

  it('sends a key as a bearer token', () => {
    expect(adapter.authHeaders('key')).toEqual({ authorization: 'Bearer key' });
    expect(adapter.authHeaders(undefined)).toEqual({});
  });
});

describe('BedrockAdapter conversation', () => {
  it('puts system and developer messages apart, and alone makes them the user turn', () => {
    const system = [
      { role: 'system', content: 'One' },
      { role: 'developer', content: [{ type: 'text', text: 'Two' }] },
    ];
    expect(build({ messages: [...system, { role: 'user', content: 'Hi' }] })).toMatchObject({
      system: [{ text: 'One' }, { text: 'Two' }],
      messages: [{ role: 'user', content: [{ text: 'Hi' }] }],
    });
    const alone = build({ messages: system });
    expect(alone.system).toBeUndefined();
    expect(alone.messages).toEqual([{ role: 'user', content: [{ text: 'One' }, { text: 'Two' }] }]);
  });

  it('puts all results of a turn into one user turn, first, under ids Bedrock takes', () => {
    const long = 'x'.repeat(70);
    expect(
      messagesOf([
        { role: 'user', content: 'Go' },
        {
          role: 'assistant',
          content: 'Well',
          tool_calls: [toolCall('a.1', ''), toolCall(long, '{"x":1}'), toolCall(`${long}y`)],
        },
        { role: 'tool', tool_call_id: 'a.1', content: '' },
        { role: 'user', content: 'And?' },
        { role: 'tool', tool_call_id: long, content: '{"n":1.0}' },
        { role: 'tool', tool_call_id: `${long}y`, content: [{ type: 'text', text: 'three' }] },
      ]),
    ).toEqual([
      { role: 'user', content: [{ text: 'Go' }] },
      {
        role: 'assistant',
        content: [
          { text: 'Well' },
          { toolUse: { toolUseId: 'a_1', name: 'f', input: {} } },
          { toolUse: { toolUseId: 'x'.repeat(64), name: 'f', input: { x: 1 } } },
          { toolUse: { toolUseId: `${'x'.repeat(62)}_2`, name: 'f', input: {} } },
        ],
      },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'a_1', content: [{ text: '(no output)' }] } },
          { toolResult: { toolUseId: 'x'.repeat(64), content: [{ text: '{"n":1.0}' }] } },
          { toolResult: { toolUseId: `${'x'.repeat(62)}_2`, content: [{ text: 'three' }] } },
          { text: 'And?' },
        ],
      },
    ]);
  });

  it('begins with the user, leaves blanks out, and trims a final assistant turn', () => {
    expect(
      messagesOf([
        { role: 'assistant', content: 'Welcome' },
        { role: 'user', content: 'A' },
        { role: 'assistant', content: ' ' },
        { role: 'user', content: 'B' },
        { role: 'assistant', content: 'So \n' },
      ]),
    ).toEqual([
      { role: 'user', content: [{ text: '.' }] },
      { role: 'assistant', content: [{ text: 'Welcome' }] },
      { role: 'user', content: [{ text: 'A' }, { text: 'B' }] },
      { role: 'assistant', content: [{ text: 'So' }] },
    ]);
  });

  it('takes images by data URL, in tool results too, and refuses them by address', () => {
    const image = { type: 'image_url', image_url: { url: `data:image/jpg;base64,${PNG}` } };
    const block = { image: { format: 'png', source: { bytes: PNG } } };
    expect(userOf(image)).toEqual([{ role: 'user', content: [block] }]);
    expect(
      messagesOf([...history.slice(0, 2), { role: 'tool', tool_call_id: 'a', content: [image] }]),
    ).toMatchObject([{}, {}, { content: [{ toolResult: { content: [block] } }] }]);
    for (const url of ['https://example.com/a.png', 'data:image/tiff;base64,AAAA']) {
      const error = errorOf(() => userOf({ type: 'image_url', image_url: { url } }));
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error).toMatchObject({ param: 'messages[0].content[0]' });
    }
  });

  it('names documents as AWS demands, each otherwise, with a text beside them', () => {
    expect(
      userOf(
        fileOf('Q3 report_final (v2).pdf'),
        fileOf('Q3 report_final (v2).csv', 'text/csv'),
        fileOf('日本.md', 'text/plain'),
        fileOf('', 'text/x-python'),
        fileOf('a.docx', 'application/octet-stream'),
      ),
    ).toEqual([
      {
        role: 'user',
        content: [
          ...[
            ['pdf', 'Q3 report final (v2)'],
            ['csv', 'Q3 report final (v2) (2)'],
            ['md', 'document'],
            ['txt', 'document (2)'],
            ['docx', 'a'],
          ].map(([format, name]) => ({ document: { format, name, source: { bytes: 'AAAA' } } })),
          { text: 'See the attached document.' },
        ],
      },
    ]);
  });

  it.each([
    ['a file by id', { type: 'file', file: { file_id: 'file-1' } }],
    ['an archive', fileOf('a.zip', 'application/zip')],
    ['sound', { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }],
    ['a part yet to come', { type: 'hologram' }],
  ])('refuses %s', (_name, part) => {
    expect(errorOf(() => userOf(part))).toBeInstanceOf(InvalidRequestError);
  });

  it('turns cache marks into cache points at models that have a cache', () => {
    const mark = { cache_control: { type: 'ephemeral', ttl: '1h' } };
    const request = {
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'Long', ...mark }] },
        { role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }] },
      ],
      tools: [{ ...tool('f'), ...mark }],
    };
    const point = { cachePoint: { type: 'default', ttl: '1h' } };
    const claude = build(request);
    expect(claude.system).toEqual([{ text: 'Long' }, point]);
    expect(claude.messages[0]?.content).toEqual([{ text: 'Hi' }, { cachePoint: { type: 'default' } }]);
    expect(claude.toolConfig?.tools.at(-1)).toEqual(point);
    const nova = build(request, { upstreamModel: NOVA });
    expect(nova.system).toEqual([{ text: 'Long' }, point]);
    expect(nova.toolConfig?.tools).toHaveLength(1);
    for (const upstreamModel of ['meta.llama3-70b-instruct-v1:0', 'anthropic.claude-3-haiku-20240307-v1:0']) {
      expect(JSON.stringify(build(request, { upstreamModel }))).not.toContain('cachePoint');
    }
  });
});

describe('BedrockAdapter options', () => {
  it.each([
    [{ n: 2 }, 'n'],
    [{ logprobs: true }, 'logprobs'],
    [{ top_logprobs: 1 }, 'top_logprobs'],
    [{ logit_bias: { 1: 1 } }, 'logit_bias'],
    [{ modalities: ['audio'] }, 'modalities'],
    [{ web_search_options: {} }, 'web_search_options'],
    [{ functions: [{ name: 'f' }] }, 'functions'],
  ])('refuses %j', (request, param) => {
    const error = errorOf(() => build(request));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error).toMatchObject({ param });
  });

  it('keeps limits and sampling, within what models take', () => {
    expect(build({ temperature: 1.7, top_p: 0.5, stop: ['END', ' '] }, { maxOutputTokens: 9 })).toMatchObject(
      {
        inferenceConfig: { maxTokens: 9, temperature: 1, stopSequences: ['END'] },
      },
    );
    expect(
      build({ temperature: 0.1, top_p: 0.5, max_tokens: 7, top_k: 3 }, { upstreamModel: NOVA }),
    ).toMatchObject({
      inferenceConfig: { maxTokens: 7, temperature: 0.1, topP: 0.5 },
      additionalModelRequestFields: { inferenceConfig: { topK: 3 } },
    });
    expect(build({ top_k: 3 }).additionalModelRequestFields).toEqual({ top_k: 3 });
    expect(build({ top_k: 'many' }).additionalModelRequestFields).toBeUndefined();
    expect(build({}, { upstreamModel: NOVA }).inferenceConfig).toBeUndefined();
  });

  it.each([
    [undefined, undefined],
    ['auto', undefined],
    ['required', { any: {} }],
    [{ type: 'function', function: { name: 'f' } }, { tool: { name: 'f' } }],
  ])('says tool_choice %j', (choice, expected) => {
    const config = build({
      tools: [tool('f', { description: 'F', parameters: SCHEMA })],
      tool_choice: choice,
    });
    expect(config.toolConfig?.tools).toEqual([
      { toolSpec: { name: 'f', description: 'F', inputSchema: { json: SCHEMA } } },
    ]);
    expect(config.toolConfig?.toolChoice).toEqual(expected);
  });

  const named = { type: 'function', function: { name: 'f' } };
  const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123';

  it.each([
    [NOVA, { any: {} }, { tool: { name: 'f' } }],
    [PROFILE, { any: {} }, { tool: { name: 'f' } }],
    ['mistral.mistral-large-2407-v1:0', { any: {} }, { any: {} }],
  ])('forces a call of %s', (upstreamModel, required, one) => {
    const tools = [tool('f'), tool('g')];
    const anyOf = build({ tools, tool_choice: 'required' }, { upstreamModel }).toolConfig;
    expect(anyOf).toMatchObject({ toolChoice: required, tools: [{}, {}] });
    const oneOf = build({ tools, tool_choice: named }, { upstreamModel }).toolConfig;
    expect(oneOf?.toolChoice).toEqual(one);
    // `any` of one tool is that tool.
    expect(oneOf?.tools).toHaveLength('any' in one ? 1 : 2);
    const schema = build({ response_format: jsonSchema, tools }, { upstreamModel }).toolConfig;
    expect(schema).toMatchObject({ toolChoice: { any: {} }, tools: [{}, {}, {}] });
  });

  it('refuses a tool that is not offered where it cannot be named', () => {
    const request = { tools: [tool('g')], tool_choice: named };
    expect(() => build(request, { upstreamModel: 'mistral.mistral-large-2402-v1:0' })).toThrow(
      InvalidRequestError,
    );
  });

  it.each([
    'us.meta.llama3-3-70b-instruct-v1:0',
    'arn:aws:bedrock:us-east-1::foundation-model/openai.gpt-oss-120b-1:0',
    'qwen.qwen3-32b-v1:0',
    'mistral.mistral-small-2402-v1:0',
  ])('sends no choice to %s, which would refuse it', (upstreamModel) => {
    const tools = [tool('f')];
    for (const choice of ['required', named]) {
      expect(() => build({ tools, tool_choice: choice }, { upstreamModel })).toThrow(
        expect.objectContaining({ name: 'InvalidRequestError', param: 'tool_choice' }),
      );
    }
    for (const choice of ['auto', undefined]) {
      const { toolConfig } = build({ tools, tool_choice: choice }, { upstreamModel });
      expect(toolConfig).not.toHaveProperty('toolChoice');
    }
    const call = callOf({ tools, response_format: jsonSchema }, { upstreamModel });
    const body = adapter.buildRequest(call).body as BedrockRequest;
    expect(body.system).toEqual([{ text: expect.stringContaining(JSON.stringify(SCHEMA)) as string }]);
    expect(body.toolConfig).toEqual({ tools: [expect.objectContaining({})] });
    const content = [{ text: '{"city":"Rome"}' }];
    const { completion } = adapter.parseAnswer(
      { output: { message: { content } }, stopReason: 'end_turn' },
      call,
    );
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: '{"city":"Rome"}' },
    });
  });

  it('leaves tools out for none, but never where the history has calls', () => {
    const tools = [tool('g')];
    expect(build({ tools, tool_choice: 'none' }).toolConfig).toBeUndefined();
    const spec = { inputSchema: { json: { type: 'object', properties: {} } } };
    expect(build({ messages: history, tools, tool_choice: 'none' }).toolConfig).toEqual({
      tools: [{ toolSpec: { name: 'g', ...spec } }],
    });
    expect(build({ messages: history }).toolConfig).toEqual({
      tools: [{ toolSpec: { name: 'f', ...spec } }],
    });
    expect(build({ messages: [history[0], history[2]] }).toolConfig?.tools).toHaveLength(1);
  });

  it('asks for a schema by the format where Claude has it, by a tool elsewhere, and reads either', () => {
    expect(build({ response_format: jsonSchema }, { upstreamModel: CLAUDE_4_5 }).outputConfig).toEqual({
      textFormat: {
        type: 'json_schema',
        structure: { jsonSchema: { name: 'answer', schema: JSON.stringify(SENT_SCHEMA) } },
      },
    });
    const call = callOf({ response_format: jsonSchema }, { upstreamModel: NOVA });
    expect(adapter.buildRequest(call).body).toMatchObject({
      toolConfig: {
        tools: [{ toolSpec: { name: 'give_answer', inputSchema: { json: SCHEMA } } }],
        toolChoice: { tool: { name: 'give_answer' } },
      },
    });
    const content = [{ toolUse: { toolUseId: 'a', name: 'give_answer', input: { city: 'Rome' } } }];
    const { completion } = adapter.parseAnswer(
      { output: { message: { content } }, stopReason: 'tool_use' },
      call,
    );
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { content: '{"city":"Rome"}' },
    });
    expect(completion.choices[0]?.message.tool_calls).toBeUndefined();
  });

  it('asks for JSON without a schema by an instruction', () => {
    expect(JSON.stringify(build({ response_format: { type: 'json_object' } }).system)).toContain(
      'JSON object',
    );
  });
});

describe('BedrockAdapter thinking', () => {
  const thinks = { reasoning: true };
  const signed = {
    role: 'assistant',
    content: null,
    tool_calls: [toolCall('a')],
    reasoning_details: [
      { type: 'reasoning.text', text: 'Let me ', format: 'bedrock-converse-v1', index: 0 },
      { type: 'reasoning.text', text: 'see', signature: 'sig', format: 'bedrock-converse-v1', index: 0 },
      { type: 'reasoning.encrypted', data: 'AAAA', format: 'anthropic-claude-v1', index: 1 },
      { type: 'reasoning.text', text: 'unsigned', format: 'bedrock-converse-v1', index: 2 },
      { type: 'reasoning.text', text: 'x', signature: 'x', format: 'google-gemini-v1', index: 3 },
      null,
    ],
  };

  it('keeps the signatures of two answers in one message apart', () => {
    const detail = (text: string, signature: string): object => ({
      type: 'reasoning.text',
      text,
      signature,
      format: 'bedrock-converse-v1',
      index: 0,
    });
    const reasoning_details = [detail('one', 'first'), detail('two', 'second')];
    const messages = [history[0], { ...signed, reasoning_details }, history[2]];
    const { messages: sent } = build({ messages, reasoning_effort: 'low' }, thinks);
    expect(sent[1]?.content.slice(0, 2)).toEqual([
      { reasoningContent: { reasoningText: { text: 'one', signature: 'first' } } },
      { reasoningContent: { reasoningText: { text: 'two', signature: 'second' } } },
    ]);
  });

  it('asks Claude for it in Anthropic’s words, without sampling', () => {
    const request = { reasoning_effort: 'low', temperature: 0.3, top_k: 4 };
    expect(build(request, thinks)).toMatchObject({
      inferenceConfig: { maxTokens: 5120 },
      additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 1024 } },
    });
    expect(build(request, thinks).additionalModelRequestFields).not.toHaveProperty('top_k');
    expect(build(request, thinks).inferenceConfig).toEqual({ maxTokens: 5120 });
    expect(
      build(
        { reasoning_effort: 'high', response_format: jsonSchema },
        { ...thinks, upstreamModel: CLAUDE_4_6 },
      ),
    ).toMatchObject({
      additionalModelRequestFields: {
        thinking: { type: 'adaptive' },
        output_config: { effort: 'high', format: { type: 'json_schema', schema: SCHEMA } },
      },
    });
  });

  it.each([
    [
      'us.amazon.nova-2-lite-v1:0',
      'high',
      {},
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } },
    ],
    [
      'us.amazon.nova-2-lite-v1:0',
      'high',
      { max_tokens: 100 },
      { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'medium' } },
    ],
    ['openai.gpt-oss-120b-1:0', 'minimal', {}, { reasoning_effort: 'low' }],
    ['deepseek.r1-v1:0', 'high', {}, undefined],
    [CLAUDE, 'none', {}, undefined],
  ])('says %s %s in its maker’s words', (upstreamModel, effort, rest, expected) => {
    const body = build({ reasoning_effort: effort, ...rest }, { ...thinks, upstreamModel });
    expect(body.additionalModelRequestFields).toEqual(expected);
  });

  it('gives signed thinking back to a Claude that thinks, and leaves out all else', () => {
    const messages = [history[0], signed, history[2]];
    const body = build({ messages, reasoning_effort: 'low' }, thinks);
    expect(body.additionalModelRequestFields).toHaveProperty('thinking');
    expect(body.messages[1]?.content).toEqual([
      { reasoningContent: { reasoningText: { text: 'Let me see', signature: 'sig' } } },
      { reasoningContent: { redactedContent: 'AAAA' } },
      { toolUse: { toolUseId: 'a', name: 'f', input: {} } },
    ]);
    expect(JSON.stringify(build({ messages }))).not.toContain('reasoningContent');
    // One turn without its signature is enough to rule thinking out.
    const lost = build({ messages: [...messages, ...history], reasoning_effort: 'low' }, thinks);
    expect(lost.additionalModelRequestFields).toBeUndefined();
    expect(JSON.stringify(lost)).not.toContain('reasoningContent');
  });

  it('gives out what it takes back', () => {
    const content = [
      { reasoningContent: { reasoningText: { text: 'Hm', signature: 'sig' } } },
      { reasoningContent: { redactedContent: 'AAAA' } },
      { text: 'So' },
    ];
    const { completion } = adapter.parseAnswer({ output: { message: { content } } }, callOf());
    const message = completion.choices[0]?.message as ExtendedMessage;
    expect(message).toMatchObject({
      content: 'So',
      reasoning_content: 'Hm',
      reasoning_details: [
        { type: 'reasoning.text', text: 'Hm', signature: 'sig', format: 'bedrock-converse-v1', index: 0 },
        { type: 'reasoning.encrypted', data: 'AAAA', format: 'bedrock-converse-v1', index: 1 },
      ],
    });
    const messages = [history[0], message, { role: 'user', content: 'And?' }];
    expect(build({ messages, reasoning_effort: 'low' }, thinks).messages[1]?.content).toEqual(content);
  });
});

describe('BedrockAdapter answers', () => {
  it('counts cached tokens into the prompt', () => {
    const usage = { inputTokens: 10, outputTokens: 5, cacheReadInputTokens: 100, cacheWriteInputTokens: 20 };
    const answer = adapter.parseAnswer(
      { output: { message: { content: [{ text: 'x' }] } }, usage },
      callOf(),
    );
    expect(answer.usage).toEqual({
      promptTokens: 130,
      completionTokens: 5,
      cachedTokens: 100,
      cacheWriteTokens: 20,
      reasoningTokens: 0,
    });
    expect(answer.completion.usage?.total_tokens).toBe(135);
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['tool_use', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['guardrail_intervened', 'content_filter'],
    ['content_filtered', 'content_filter'],
    ['malformed_tool_use', 'stop'],
  ])('ends with %s as %s', (stopReason, expected) => {
    const { completion } = adapter.parseAnswer(
      { output: { message: { content: [{ text: 'x' }] } }, stopReason },
      callOf(),
    );
    expect(completion.choices[0]?.finish_reason).toBe(expected);
  });

  it.each([[{}], [[]], ['x'], [null], [{ output: { message: {} } }]])('refuses %j', (body) => {
    expect(errorOf(() => adapter.parseAnswer(body, callOf()))).toMatchObject({ kind: 'bad_response' });
  });
});

describe('BedrockAdapter errors', () => {
  it.each([
    ['ThrottlingException', 429, 'Too many tokens, please wait', 'rate_limited'],
    ['ServiceQuotaExceededException', 400, '', 'rate_limited'],
    ['ServiceUnavailableException', 503, '', 'overloaded'],
    ['ModelNotReadyException', 429, '', 'overloaded'],
    ['ModelTimeoutException', 408, '', 'timeout'],
    ['ModelErrorException', 424, '', 'server_error'],
    ['InternalServerException', 500, '', 'server_error'],
    ['AccessDeniedException', 403, "You don't have access to the model", 'permission'],
    ['AccessDeniedException', 403, 'Authentication failed: check your API key', 'authentication'],
    ['AccessDeniedException', 403, 'Model access is denied due to INVALID_PAYMENT_INSTRUMENT', 'billing'],
    ['UnrecognizedClientException', 403, '', 'authentication'],
    ['ExpiredTokenException', 403, '', 'authentication'],
    ['InvalidSignatureException', 403, '', 'authentication'],
    ['ResourceNotFoundException', 404, '', 'not_found'],
    ['ValidationException', 400, 'Input is too long for requested model.', 'context_length'],
    ['ValidationException', 400, 'prompt is too long: 216000 tokens > 200000 maximum', 'context_length'],
    ['ValidationException', 400, 'The provided model identifier is invalid.', 'not_found'],
    [
      'ValidationException',
      400,
      "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.",
      'not_found',
    ],
    ['ValidationException', 400, 'Operation not allowed', 'permission'],
    ['ValidationException', 400, 'A conversation must start with a user message.', 'invalid_request'],
  ])('maps %s %i "%s" to %s', (name, status, message, kind) => {
    const expected = { kind, status, providerCode: name };
    const header = { 'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/` };
    expect(adapter.parseError({ status, headers: header, body: { message } })).toMatchObject(expected);
    const body = { __type: `com.amazon.coral.service#${name}`, Message: message };
    const error = adapter.parseError({ status, headers: {}, body });
    expect(error).toMatchObject(expected);
    expect(error.readProviderMessage() ?? '').toBe(message);
  });

  it('reads the wait, and what carries no name', () => {
    expect(
      adapter.parseError({ status: 429, headers: { 'retry-after': '3' }, body: 'slow down' }),
    ).toMatchObject({ kind: 'rate_limited', retryAfterMs: 3000 });
    const message = 'The security token included in the request is invalid.';
    expect(adapter.parseError({ status: 403, headers: {}, body: { message } })).toMatchObject({
      kind: 'authentication',
    });
  });
});

const codec = new EventStreamCodec(
  (bytes: string | Uint8Array) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
  (text) => Buffer.from(text),
);
const frame = (headers: Record<string, string>, payload: unknown = {}): Uint8Array =>
  codec.encode({
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, { type: 'string' as const, value }]),
    ),
    body: Buffer.from(JSON.stringify(payload)),
  });
const eventFrame = (type: string, payload: unknown): Uint8Array =>
  frame({ ':message-type': 'event', ':event-type': type, ':content-type': 'application/json' }, payload);

async function translate(
  pieces: readonly Uint8Array[],
  call = callOf({}, { stream: true }),
): Promise<ChatCompletionChunk[]> {
  const translator = adapter.createStreamTranslator(call);
  const chunks: ChatCompletionChunk[] = [];
  const reader = await adapter.createEventReader((event: WireEvent) => {
    chunks.push(...translator.push(event));
  });
  for (const piece of pieces) reader.feed(piece);
  reader.end();
  return [...chunks, ...translator.end()];
}

const delta = (contentBlockIndex: number, piece: object): Uint8Array =>
  eventFrame('contentBlockDelta', { contentBlockIndex, delta: piece });
const stop = (contentBlockIndex: number): Uint8Array => eventFrame('contentBlockStop', { contentBlockIndex });
const start = (contentBlockIndex: number, name: string, toolUseId?: string): Uint8Array =>
  eventFrame('contentBlockStart', { contentBlockIndex, start: { toolUse: { name, toolUseId } } });
const OPENING = eventFrame('messageStart', { role: 'assistant' });
const END = eventFrame('messageStop', { stopReason: 'tool_use' });
const METADATA = eventFrame('metadata', { usage: { inputTokens: 3, outputTokens: 4 }, p: 'padding' });
const deltasOf = (chunks: readonly ChatCompletionChunk[]): (ExtendedDelta | undefined)[] =>
  chunks.map(({ choices }) => choices[0]?.delta);

describe('BedrockAdapter streams', () => {
  it('joins encrypted thinking that comes in pieces, each padded, as the bytes it is', async () => {
    const chunks = await translate([
      OPENING,
      delta(0, { reasoningContent: { redactedContent: Buffer.from('a').toString('base64') } }),
      delta(0, { reasoningContent: { redactedContent: '' } }),
      delta(0, { reasoningContent: { redactedContent: Buffer.from('bc').toString('base64') } }),
      stop(0),
      END,
      METADATA,
    ]);
    const data = Buffer.from('abc').toString('base64');
    expect(deltasOf(chunks.slice(0, -1)).flatMap((piece) => piece?.reasoning_details ?? [])).toEqual([
      { type: 'reasoning.encrypted', data, format: 'bedrock-converse-v1', index: 0 },
    ]);
  });

  it('sends all of an endless thinking, and holds none of it for its signature', async () => {
    const piece = 'm'.repeat(1024 * 1024);
    const thinking = (times: number): Promise<ChatCompletionChunk[]> =>
      translate([
        OPENING,
        ...Array.from({ length: times }, () => delta(0, { reasoningContent: { text: piece } })),
        delta(0, { reasoningContent: { signature: 'sig' } }),
        stop(0),
        END,
        METADATA,
      ]);
    const short = deltasOf(await thinking(3)).filter((said) => said?.reasoning_details !== undefined);
    expect(short).toHaveLength(1);
    const endless = deltasOf(await thinking(5));
    expect(endless.filter((said) => said?.reasoning_content === piece)).toHaveLength(5);
    expect(endless.filter((said) => said?.reasoning_details !== undefined)).toEqual([]);
  });

  it('brings thinking with its signature, text, and tool calls', async () => {
    const chunks = await translate([
      OPENING,
      delta(0, { reasoningContent: { text: 'Hm' } }),
      delta(0, { reasoningContent: { text: '…' } }),
      delta(0, { reasoningContent: { signature: 'sig' } }),
      stop(0),
      delta(1, { text: 'So' }),
      eventFrame('aNewEvent', { x: 1 }),
      delta(1, { aNewDelta: {} }),
      stop(1),
      start(2, 'f', 'tooluse_1'),
      delta(2, { toolUse: { input: '{"x":' } }),
      delta(2, { toolUse: { input: '1}' } }),
      stop(2),
      start(3, 'g'),
      stop(3),
      END,
      METADATA,
    ]);
    expect(deltasOf(chunks.slice(0, -1))).toMatchObject([
      { role: 'assistant', content: '' },
      { reasoning_content: 'Hm' },
      { reasoning_content: '…' },
      {
        reasoning_details: [
          {
            type: 'reasoning.text',
            text: 'Hm…',
            signature: 'sig',
            format: 'bedrock-converse-v1',
            index: 0,
          },
        ],
      },
      { content: 'So' },
      { tool_calls: [{ index: 0, id: 'tooluse_1', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"x":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '1}' } }] },
      {
        tool_calls: [{ index: 1, id: expect.stringMatching(/^call_/) as string, function: { name: 'g' } }],
      },
      { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
      {},
    ]);
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('tool_calls');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 4 } });
  });

  it('writes the input of the tool that stands for a schema as content, once', async () => {
    const call = callOf({ response_format: jsonSchema }, { stream: true, upstreamModel: NOVA });
    const chunks = await translate(
      [
        OPENING,
        start(0, 'give_answer', 'a'),
        delta(0, { toolUse: { input: '{"city":"Rome"}' } }),
        stop(0),
        start(1, 'give_answer', 'b'),
        delta(1, { toolUse: { input: '{"city":"Oslo"}' } }),
        stop(1),
        END,
        METADATA,
      ],
      call,
    );
    expect(
      deltasOf(chunks)
        .map((piece) => piece?.content ?? '')
        .join(''),
    ).toBe('{"city":"Rome"}');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
  });

  it('is whole with messageStop, with the usage or without it', async () => {
    const chunks = await translate([OPENING, delta(0, { text: 'x' }), END]);
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop');
  });

  it.each([
    ['without messageStop', [OPENING, delta(0, { text: 'x' })]],
    ['with the usage alone', [OPENING, METADATA]],
    ['in the middle of a frame', [OPENING, END.subarray(0, 30)]],
    ['before it began', []],
  ])('is cut %s', async (_name, pieces) => {
    await expect(translate(pieces)).rejects.toMatchObject({ kind: 'stream_cut' });
  });

  it.each([
    ['throttlingException', 'rate_limited', 429],
    ['modelStreamErrorException', 'server_error', 424],
    ['internalServerException', 'server_error', 500],
    ['serviceUnavailableException', 'overloaded', 503],
    ['validationException', 'invalid_request', 400],
    ['modelTimeoutException', 'timeout', 408],
    ['anExceptionYetToCome', 'server_error', 500],
  ])('throws the exception %s as %s', async (name, kind, status) => {
    const exception = frame(
      { ':message-type': 'exception', ':exception-type': name, ':content-type': 'application/json' },
      { message: 'the sentence' },
    );
    const error: unknown = await translate([OPENING, exception]).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ kind, status, providerCode: name });
    expect((error as ProviderError).readProviderMessage()).toBe('the sentence');
  });

  it('throws an error that is no exception', async () => {
    const error = frame({
      ':message-type': 'error',
      ':error-code': 'InternalFailure',
      ':error-message': 'x',
    });
    await expect(translate([error])).rejects.toMatchObject({ kind: 'server_error', status: 500 });
  });

  it('refuses frames that are broken, too long, or no frames', async () => {
    const broken = Uint8Array.from(delta(0, { text: 'x' }));
    const middle = broken.length - 10;
    broken[middle] = (broken[middle] ?? 0) ^ 1;
    const long = Buffer.alloc(12);
    long.writeUInt32BE(16 * 1024 * 1024 + 1);
    const short = Buffer.from([0, 0, 0, 15]);
    const words = Buffer.from('data: {"type":"message_start"}\n\n');
    for (const bytes of [broken, long, short, words]) {
      await expect(translate([OPENING, bytes])).rejects.toMatchObject({
        kind: 'bad_response',
        providerCode: 'broken_event_stream',
      });
    }
    await expect(translate([eventFrame('messageStart', [])])).rejects.toMatchObject({ kind: 'bad_response' });
  });

  it('reads the same from bytes in any pieces, and nothing but ProviderError comes of any bytes', async () => {
    const whole = Buffer.concat([OPENING, delta(0, { text: 'Grüße' }), stop(0), END, METADATA]);
    const withoutIds = (chunks: readonly ChatCompletionChunk[]): unknown =>
      chunks.map(({ choices, usage }) => ({ choices, usage }));
    const expected = withoutIds(await translate([whole]));
    const cuts = fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(cuts, async (offsets) => {
        const sorted = [0, ...offsets.sort((one, other) => one - other), whole.length];
        const pieces = sorted.slice(1).map((offset, index) => whole.subarray(sorted[index], offset));
        expect(withoutIds(await translate(pieces))).toEqual(expected);
      }),
    );
    const flip = fc.record({
      at: fc.nat({ max: whole.length - 1 }),
      value: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(flip, async ({ at, value }) => {
        const flipped = Uint8Array.from(whole);
        flipped[at] = (flipped[at] ?? 0) ^ value;
        const outcome = await translate([flipped]).catch((caught: unknown) => caught);
        // A wrong length in the last frame only loses the usage: the answer was whole before it.
        const isWhole = Array.isArray(outcome) && at >= whole.length - METADATA.length;
        expect(isWhole || outcome instanceof ProviderError).toBe(true);
      }),
    );
  });
});

describe('BedrockAdapter on any request that passed the validation', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom('', ' ', '{}', '{"a":1}', 'data:image/png;base64,AAAA', 'x.y'),
  );
  /** Mostly what is right, or nothing of it would get past the validation and the wire's own. */
  const mostly = (...right: readonly unknown[]): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: text });
  const part = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        type: fc.constant('text'),
        text,
        cache_control: fc.constantFrom(undefined, { type: 'ephemeral' }, 1),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('image_url'),
        image_url: fc.record({ url: mostly('data:image/png;base64,AAAA') }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('file'),
        file: fc.record({ filename: text, file_data: mostly('data:application/pdf;base64,AAAA') }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: text }) },
  );
  const content = fc.oneof(text, fc.array(part, { minLength: 1, maxLength: 3 }));
  const call = fc.record({
    id: mostly('a', 'b.1', 'b:1', 'c'.repeat(70)),
    type: fc.constant('function'),
    function: fc.record({ name: mostly('f', 'g'), arguments: mostly('{}', '', '{"a":1}') }),
  });
  const details = fc.oneof(
    fc.jsonValue(),
    fc.array(
      fc.record({
        type: fc.constantFrom('reasoning.text', 'reasoning.encrypted', 'x'),
        index: fc.oneof(fc.nat({ max: 2 }), fc.jsonValue()),
        format: fc.constantFrom('bedrock-converse-v1', 'x'),
        text,
        data: text,
        signature: text,
      }),
    ),
  );
  const message = fc.oneof(
    { weight: 3, arbitrary: fc.record({ role: fc.constantFrom('system', 'developer'), content: text }) },
    { weight: 6, arbitrary: fc.record({ role: fc.constant('user'), content }) },
    {
      weight: 6,
      arbitrary: fc.record(
        {
          role: fc.constant('assistant'),
          content: text,
          tool_calls: fc.array(call, { minLength: 1, maxLength: 2 }),
          reasoning_details: details,
        },
        { requiredKeys: ['role', 'content'] },
      ),
    },
    {
      weight: 6,
      arbitrary: fc.record({ role: fc.constant('tool'), content, tool_call_id: mostly('a', 'b.1', 'd.1') }),
    },
    { weight: 1, arbitrary: fc.record({ role: fc.constant('function'), name: text, content: text }) },
  );
  const request = fc.record(
    {
      messages: fc.array(message, { minLength: 1, maxLength: 5 }),
      tools: fc.array(
        fc.record({
          type: fc.constant('function'),
          function: fc.record({
            name: fc.constantFrom('f', 'g'),
            parameters: fc.constantFrom(undefined, SCHEMA),
          }),
        }),
        { maxLength: 2 },
      ),
      tool_choice: fc.constantFrom('auto', 'none', 'required', null),
      response_format: fc.constantFrom(jsonSchema, { type: 'json_object' }, { type: 'text' }),
      reasoning_effort: fc.constantFrom('low', 'high', 'none', null),
      max_tokens: fc.constantFrom(1, 5000, null),
      top_k: fc.jsonValue(),
    },
    { requiredKeys: ['messages'] },
  );

  it('builds a body of turns in order, or refuses with a typed error', () => {
    let built = 0;
    fc.assert(
      fc.property(
        request,
        fc.constantFrom(CLAUDE, CLAUDE_4_5, CLAUDE_4_6, NOVA, 'x'),
        (raw, upstreamModel) => {
          let body: BedrockRequest;
          try {
            const valid = validateChatRequest({ model: 'auto', ...raw });
            body = build(valid, { upstreamModel, reasoning: true });
          } catch (error) {
            expect(error).toBeInstanceOf(InvalidRequestError);
            return;
          }
          built += 1;
          body.messages.forEach(({ role, content: blocks }, index) => {
            expect(role).toBe(index % 2 === 0 ? 'user' : 'assistant');
            expect(blocks.length).toBeGreaterThan(0);
            expect(blocks.filter((block) => 'text' in block && block.text.trim() === '')).toEqual([]);
          });
          const sent = JSON.stringify(body.messages);
          if (/"tool(?:Use|Result)":/.test(sent)) expect(body.toolConfig?.tools.length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
    expect(built).toBeGreaterThan(100);
  });
});
