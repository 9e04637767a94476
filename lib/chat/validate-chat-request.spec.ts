import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMs } from '../../test/support/quickest.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { DEFAULT_CHAT_LIMITS } from './chat-limits.js';
import { validateChatRequest } from './validate-chat-request.js';

function refusalOf(request: unknown): InvalidRequestError {
  try {
    validateChatRequest(request);
  } catch (error) {
    if (error instanceof InvalidRequestError) return error;
    throw error;
  }
  throw new Error(`was accepted: ${JSON.stringify(request).slice(0, 200)}`);
}

const hello = { role: 'user', content: 'hello' };
const withMessages = (...messages: unknown[]) => ({ messages });
const withContent = (content: unknown) => withMessages({ role: 'user', content });
const withCall = (call: unknown) => withMessages(hello, { role: 'assistant', tool_calls: [call] });
const withTool = (tool: unknown) => ({ messages: [hello], tools: [tool] });
const withField = (field: string, value: unknown) => ({ messages: [hello], [field]: value });
const functionTool = { type: 'function', function: { name: 'f', parameters: {} } };

describe('validateChatRequest refuses and names the field', () => {
  it.each<[string | undefined, unknown]>([
    [undefined, null],
    [undefined, undefined],
    [undefined, 'text'],
    [undefined, 5],
    [undefined, [hello]],
    ['messages', {}],
    ['messages', { messages: null }],
    ['messages', { messages: 'hello' }],
    ['messages', { messages: hello }],
    ['messages', withMessages()],
    ['messages', { messages: Array.from({ length: 2_001 }, () => hello) }],
    ['messages[0]', withMessages('hello')],
    ['messages[1]', withMessages(hello, null)],
    ['messages[0]', withMessages([hello])],
    ['messages[0].role', withMessages({ content: 'x' })],
    ['messages[0].role', withMessages({ role: 'robot', content: 'x' })],
    ['messages[0].role', withMessages({ role: '__proto__', content: 'x' })],
    ['messages[0].role', withMessages({ role: ['user'], content: 'x' })],
    ['messages[0].content', withMessages({ role: 'user' })],
    ['messages[0].content', withContent(null)],
    ['messages[0].content', withContent(5)],
    ['messages[0].content', withContent({ type: 'text', text: 'x' })],
    ['messages[0].content', withMessages({ role: 'system', content: null })],
    ['messages[0].content', withMessages({ role: 'assistant', content: null })],
    ['messages[0].content', withMessages({ role: 'tool', tool_call_id: 'a' })],
    ['messages[0].content[1]', withContent([{ type: 'text', text: 'x' }, 'y'])],
    ['messages[0].content[0].type', withContent([{ text: 'x' }])],
    ['messages[0].content[0].type', withContent([{ type: 'video', video: {} }])],
    ['messages[0].content[0].type', withContent([{ type: 'constructor', constructor: {} }])],
    ['messages[0].content[0].text', withContent([{ type: 'text' }])],
    ['messages[0].content[0].text', withContent([{ type: 'text', text: null }])],
    ['messages[0].content[0].refusal', withContent([{ type: 'refusal', refusal: 1 }])],
    ['messages[0].content[0].image_url', withContent([{ type: 'image_url', image_url: 'https://a.b/c' }])],
    ['messages[0].content[0].image_url.url', withContent([{ type: 'image_url', image_url: { url: 1 } }])],
    ['messages[0].content[0].input_audio', withContent([{ type: 'input_audio', input_audio: { data: 1 } }])],
    [
      'messages[0].content[0].input_audio',
      withContent([{ type: 'input_audio', input_audio: { data: 'QQ==' } }]),
    ],
    ['messages[0].content[0].file', withContent([{ type: 'file', file: 'x' }])],
    ['messages[0].content[0].file.file_data', withContent([{ type: 'file', file: { file_data: 5 } }])],
    ['messages[0].content[0].file.file_id', withContent([{ type: 'file', file: { file_id: {} } }])],
    ['messages[0].tool_calls', withMessages({ role: 'user', content: 'x', tool_calls: [] })],
    ['messages[1].tool_calls', withMessages(hello, { role: 'assistant', tool_calls: {} })],
    ['messages[1].tool_calls[0]', withCall('f')],
    ['messages[1].tool_calls[0].id', withCall({ type: 'function', function: { name: 'f', arguments: '' } })],
    ['messages[1].tool_calls[0].function.name', withCall({ id: 'a', type: 'function' })],
    [
      'messages[1].tool_calls[0].function.name',
      withCall({ id: 'a', type: 'function', function: { arguments: '' } }),
    ],
    [
      'messages[1].tool_calls[0].function.arguments',
      withCall({ id: 'a', type: 'function', function: { name: 'f', arguments: {} } }),
    ],
    ['messages[1].tool_calls[0].custom.name', withCall({ id: 'a', type: 'custom', custom: { input: 'x' } })],
    ['messages[1].tool_calls[0].custom.input', withCall({ id: 'a', type: 'custom', custom: { name: 'f' } })],
    ['messages[1].refusal', withMessages(hello, { role: 'assistant', content: 'x', refusal: 5 })],
    ['messages[0].tool_call_id', withMessages({ role: 'tool', content: 'x' })],
    ['messages[0].tool_call_id', withMessages({ role: 'tool', content: 'x', tool_call_id: 7 })],
    ['model', withField('model', 5)],
    ['model', withField('model', '')],
    ['model', withField('model', '  ')],
    ['model', withField('model', 'm'.repeat(257))],
    ['model', withField('model', ['gpt-4'])],
    ['tools', withField('tools', {})],
    [
      'tools',
      withField(
        'tools',
        Array.from({ length: 129 }, () => functionTool),
      ),
    ],
    ['tools[0]', withTool('f')],
    ['tools[0].type', withTool({ function: { name: 'f' } })],
    ['tools[0].type', withTool({ type: 'web_search' })],
    ['tools[0].function', withTool({ type: 'function' })],
    ['tools[0].function.name', withTool({ type: 'function', function: {} })],
    ['tools[0].function.name', withTool({ type: 'function', function: { name: '' } })],
    ['tools[0].function.parameters', withTool({ type: 'function', function: { name: 'f', parameters: [] } })],
    ['tools[0].custom', withTool({ type: 'custom', custom: 'f' })],
    ['tools[0].custom.name', withTool({ type: 'custom', custom: {} })],
    ['tool_choice', withField('tool_choice', 'always')],
    ['tool_choice', withField('tool_choice', {})],
    ['tool_choice', withField('tool_choice', ['auto'])],
    ['tool_choice.function.name', withField('tool_choice', { type: 'function' })],
    ['tool_choice.function.name', withField('tool_choice', { type: 'function', function: { name: 1 } })],
    ['tool_choice.custom.name', withField('tool_choice', { type: 'custom', custom: null })],
    ['tool_choice.allowed_tools', withField('tool_choice', { type: 'allowed_tools' })],
    [
      'tool_choice.allowed_tools.mode',
      withField('tool_choice', { type: 'allowed_tools', allowed_tools: { tools: [] } }),
    ],
    [
      'tool_choice.allowed_tools.tools',
      withField('tool_choice', { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [1] } }),
    ],
    ['n', withField('n', 0)],
    ['n', withField('n', 5)],
    ['n', withField('n', 1.5)],
    ['n', withField('n', '1')],
    ['max_tokens', withField('max_tokens', 0)],
    ['max_tokens', withField('max_tokens', -1)],
    ['max_tokens', withField('max_tokens', 1.5)],
    ['max_tokens', withField('max_tokens', '100')],
    ['max_tokens', withField('max_tokens', Number.POSITIVE_INFINITY)],
    ['max_completion_tokens', withField('max_completion_tokens', Number.NaN)],
    ['temperature', withField('temperature', 2.1)],
    ['temperature', withField('temperature', -0.1)],
    ['temperature', withField('temperature', 'hot')],
    ['temperature', withField('temperature', Number.NaN)],
    ['top_p', withField('top_p', 1.1)],
    ['presence_penalty', withField('presence_penalty', 3)],
    ['frequency_penalty', withField('frequency_penalty', -3)],
    ['seed', withField('seed', 0.5)],
    ['stream', withField('stream', 'true')],
    ['stream', withField('stream', 1)],
    ['stream_options', withField('stream_options', true)],
    ['stream_options.include_usage', withField('stream_options', { include_usage: 'yes' })],
    ['logprobs', withField('logprobs', 5)],
    ['top_logprobs', withField('top_logprobs', 21)],
    ['parallel_tool_calls', withField('parallel_tool_calls', 'no')],
    ['store', withField('store', 'no')],
    ['user', withField('user', 7)],
    ['safety_identifier', withField('safety_identifier', 7)],
    ['reasoning_effort', withField('reasoning_effort', 1)],
    ['stop', withField('stop', 5)],
    ['stop', withField('stop', [5])],
    [
      'stop',
      withField(
        'stop',
        Array.from({ length: 17 }, () => 'x'),
      ),
    ],
    ['modalities', withField('modalities', 'audio')],
    ['logit_bias', withField('logit_bias', [])],
    ['metadata', withField('metadata', 'x')],
    ['functions', withField('functions', {})],
    ['web_search_options', withField('web_search_options', true)],
    ['response_format', withField('response_format', 'json')],
    ['response_format', withField('response_format', {})],
    ['response_format.json_schema', withField('response_format', { type: 'json_schema' })],
    [
      'response_format.json_schema.name',
      withField('response_format', { type: 'json_schema', json_schema: {} }),
    ],
    [
      'response_format.json_schema.schema',
      withField('response_format', { type: 'json_schema', json_schema: { name: 'x', schema: 'y' } }),
    ],
    ['response_format.schema', withField('response_format', { type: 'json_object', schema: 'y' })],
  ])('%s', (param, request) => {
    const refusal = refusalOf(request);
    expect(refusal.param).toBe(param);
    expect(refusal).toMatchObject({ status: 400, code: 'invalid_request', type: 'invalid_request_error' });
    if (param !== undefined) expect(refusal.message).toContain(`\`${param}\``);
  });

  it('never repeats a value in its message', () => {
    for (const request of [
      withField('model', ['canary-7c1']),
      withField('stop', ['x', { canary: 'canary-7c1' }]),
      withMessages({ role: 'canary-7c1', content: 'x' }),
      withContent([{ type: 'canary-7c1' }]),
      withCall({ id: 'a', function: { name: { x: 'canary-7c1' } } }),
    ]) {
      expect(refusalOf(request).message).not.toContain('canary-7c1');
    }
  });

  it('holds the limits it is given', () => {
    const limits = { ...DEFAULT_CHAT_LIMITS, messages: 1, tools: 1, choices: 2, jsonDepth: 6 };
    const accepts = (request: unknown): boolean => {
      try {
        validateChatRequest(request, limits);
        return true;
      } catch {
        return false;
      }
    };
    expect(accepts(withMessages(hello))).toBe(true);
    expect(accepts(withMessages(hello, hello))).toBe(false);
    expect(accepts(withField('n', 2))).toBe(true);
    expect(accepts(withField('n', 3))).toBe(false);
    expect(accepts(withField('tools', [functionTool]))).toBe(true);
    expect(accepts(withField('tools', [functionTool, functionTool]))).toBe(false);
    expect(accepts(withField('metadata', { a: { b: { c: { d: { e: 1 } } } } }))).toBe(true);
    expect(accepts(withField('metadata', { a: { b: { c: { d: { e: { f: {} } } } } } }))).toBe(false);
  });
});

describe('validateChatRequest passes what clients send', () => {
  const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
  it.each<[string, unknown]>([
    ['the least there is', { messages: [hello] }],
    ['a model', withField('model', 'gpt-4')],
    ['an empty string as content', withContent('')],
    [
      'parts',
      withContent([
        { type: 'text', text: 'x' },
        { type: 'image_url', image_url: { url: 'data:,' } },
      ]),
    ],
    [
      'a cache mark on a part',
      withContent([{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }]),
    ],
    ['audio', withContent([{ type: 'input_audio', input_audio: { data: 'QQ==', format: 'wav' } }])],
    ['a file by id', withContent([{ type: 'file', file: { file_id: 'file-1' } }])],
    ['a file by data', withContent([{ type: 'file', file: { file_data: 'data:,x', filename: 'a.pdf' } }])],
    ['the developer role', withMessages({ role: 'developer', content: 'Be brief.' }, hello)],
    ['a name', withMessages({ ...hello, name: 'Ann' })],
    [
      'content null beside tool calls',
      withMessages(hello, { role: 'assistant', content: null, tool_calls: [call] }),
    ],
    [
      'an empty string beside tool calls',
      withMessages(hello, { role: 'assistant', content: '', tool_calls: [call] }),
    ],
    ['no content beside tool calls', withMessages(hello, { role: 'assistant', tool_calls: [call] })],
    ['a tool call without a type', withCall({ id: 'a', function: { name: 'f', arguments: '' } })],
    ['a custom tool call', withCall({ id: 'a', type: 'custom', custom: { name: 'f', input: '' } })],
    [
      'an answer of ours echoed back',
      withMessages(
        hello,
        {
          role: 'assistant',
          content: 'hi',
          refusal: null,
          annotations: [],
          audio: null,
          tool_calls: null,
          function_call: null,
        },
        hello,
      ),
    ],
    ['a refusal echoed back', withMessages(hello, { role: 'assistant', content: null, refusal: 'No.' })],
    ['a refusal part', withMessages({ role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] })],
    ['an audio answer by id', withMessages({ role: 'assistant', content: null, audio: { id: 'audio_1' } })],
    [
      'a function call of old',
      withMessages({ role: 'assistant', content: null, function_call: { name: 'f', arguments: '' } }),
    ],
    ['a function result of old', withMessages({ role: 'function', name: 'f', content: null })],
    ['a tool result', withMessages({ role: 'tool', tool_call_id: 'call_1', content: 'sunny' })],
    [
      'a tool result in parts',
      withMessages({ role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'x' }] }),
    ],
    [
      'a strict tool',
      withTool({ type: 'function', function: { name: 'f', strict: true, parameters: { type: 'object' } } }),
    ],
    ['a tool without parameters', withTool({ type: 'function', function: { name: 'f', parameters: null } })],
    ['a custom tool', withTool({ type: 'custom', custom: { name: 'f', format: { type: 'text' } } })],
    ['a tool by name', withField('tool_choice', { type: 'function', function: { name: 'f' } })],
    [
      'allowed tools',
      withField('tool_choice', {
        type: 'allowed_tools',
        allowed_tools: { mode: 'auto', tools: [functionTool] },
      }),
    ],
    [
      'a schema',
      withField('response_format', {
        type: 'json_schema',
        json_schema: { name: 'x', strict: true, schema: {} },
      }),
    ],
    [
      "instructor's form of a schema",
      withField('response_format', { type: 'json_object', schema: { type: 'object' } }),
    ],
    ['usage of a stream', { messages: [hello], stream: true, stream_options: { include_usage: true } }],
    ['usage refused', withField('stream_options', { include_usage: false })],
    ['a list of stops', withField('stop', ['a', 'b'])],
    ['a field of another maker', withField('top_k', 40)],
    [
      'fields called like members of objects',
      JSON.parse('{"messages":[{"role":"user","content":"x"}],"__proto__":{},"constructor":1}'),
    ],
    [
      'null for whatever is not set',
      {
        messages: [hello],
        ...Object.fromEntries(
          'model tools tool_choice n max_tokens max_completion_tokens temperature top_p presence_penalty frequency_penalty seed stream stream_options logprobs top_logprobs parallel_tool_calls store user reasoning_effort stop response_format modalities logit_bias metadata functions safety_identifier'
            .split(' ')
            .map((field) => [field, null]),
        ),
      },
    ],
  ])('%s', (_name, request) => {
    expect(() => validateChatRequest(request)).not.toThrow();
  });

  it("says instructor's form of a schema as OpenAI does, and leaves the given object as it is", () => {
    const schema = { type: 'object', title: 'Weather', properties: { city: { type: 'string' } } };
    const request = withField('response_format', { type: 'json_object', schema });
    const before = structuredClone(request);
    expect(validateChatRequest(request).response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema },
    });
    expect(request).toEqual(before);
    for (const plain of [{ type: 'json_object' }, { type: 'json_object', schema: null }]) {
      expect(validateChatRequest(withField('response_format', plain)).response_format).toEqual(plain);
    }
  });

  it('says of a tool call without a type that it is a function’s, and leaves the given object as it is', () => {
    const untyped = [undefined, null, ''].map((type) => ({
      id: 'a',
      type,
      function: { name: 'f', arguments: '{}' },
    }));
    const custom = { id: 'c', type: 'custom', custom: { name: 'g', input: 'x' } };
    const request = { messages: [hello, { role: 'assistant', tool_calls: [...untyped, custom] }] };
    const before = structuredClone(request);
    const typed = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
    expect(validateChatRequest(request).messages).toEqual([
      hello,
      { role: 'assistant', tool_calls: [typed, typed, typed, custom] },
    ]);
    expect(request).toEqual(before);
  });

  it('keeps every field and adds `auto` where no model is named', () => {
    const request = { messages: [hello], top_k: 40, temperature: 0 };
    expect(validateChatRequest(request)).toEqual({ ...request, model: 'auto' });
    expect(validateChatRequest({ ...request, model: null }).model).toBe('auto');
    expect(request).not.toHaveProperty('model');
  });
});

describe('validateChatRequest takes anything', () => {
  const neverOtherwise = (value: unknown): void => {
    try {
      validateChatRequest(value);
    } catch (error) {
      expect(error).toBeInstanceOf(InvalidRequestError);
    }
  };

  it('throws nothing but InvalidRequestError for arbitrary JSON', () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 6 }), neverOtherwise), { numRuns: 300 });
  });

  it('throws nothing but InvalidRequestError for nearly right requests', () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(
        'user',
        'assistant',
        'tool',
        'function',
        'custom',
        'text',
        'image_url',
        'file',
        'auto',
        true,
        null,
        1,
      ),
    );
    const keys =
      'role content tool_calls tool_call_id refusal name type text image_url url file function custom id arguments input json_schema parameters';
    const object = fc.dictionary(fc.constantFrom(...keys.split(' ')), value, { maxKeys: 6 });
    const nested = fc.dictionary(
      fc.constantFrom(...keys.split(' ')),
      fc.oneof(object, fc.array(object, { maxLength: 2 }), value),
    );
    const request = fc.record(
      {
        messages: fc.array(nested, { maxLength: 3 }),
        tools: fc.array(nested, { maxLength: 2 }),
        tool_choice: fc.oneof(nested, value),
        response_format: nested,
        stream_options: object,
        stop: value,
        n: value,
      },
      { requiredKeys: ['messages'] },
    );
    fc.assert(fc.property(request, neverOtherwise), { numRuns: 500 });
  });

  function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
    let value: unknown = 'x';
    for (let level = 0; level < levels; level += 1) value = wrap(value);
    return value;
  }

  it.each([
    ['lists', (inner: unknown) => [inner]],
    ['objects', (inner: unknown) => ({ a: inner })],
  ])('refuses %s nested a million deep, quickly', (_name, wrap) => {
    const deep = nested(1_000_000, wrap);
    for (const request of [
      withField('metadata', deep),
      withContent(deep),
      withMessages(deep),
      { messages: deep },
    ]) {
      const refuse = (): void => {
        expect(refusalOf(request).message).toContain('64 levels');
      };
      expect(quickestMs(200, refuse)).toBeLessThan(200);
    }
  });

  it('draws the line at 64 levels', () => {
    const request = (levels: number) =>
      withField(
        'metadata',
        nested(levels, (inner) => ({ a: inner })),
      );
    expect(() => validateChatRequest(request(64))).not.toThrow();
    expect(() => validateChatRequest(request(65))).toThrow('nested deeper than 64 levels');
  });

  it('ends for what refers to itself or doubles at every level', () => {
    const circular: Record<string, unknown> = { messages: [hello] };
    circular.first = circular;
    circular.second = circular;
    expect(refusalOf(circular).message).toContain('64 levels');
    const doubled = nested(60, (inner) => ({ left: inner, right: inner }));
    expect(() => validateChatRequest(withField('metadata', doubled))).not.toThrow();
  });

  it('takes 100,000 keys and 100,000 parts without ado', () => {
    const keys = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key${index}`, {}]));
    const parts = Array.from({ length: 100_000 }, () => ({ type: 'text', text: 'x' }));
    const tookMs = quickestMs(3_000, () =>
      validateChatRequest({ ...keys, messages: [{ role: 'user', content: parts }] }),
    );
    console.info(`validation of 200,000 objects: ${tookMs.toFixed(0)} ms`);
    expect(tookMs).toBeLessThan(3_000);
  });
});

describe('the older form of calls', () => {
  const refused = (body: object): string | undefined => {
    try {
      validateChatRequest(body);
    } catch (error) {
      return (error as { param?: string }).param;
    }
    return undefined;
  };
  const assistant = (call: unknown): object => ({
    messages: [{ role: 'assistant', content: null, function_call: call }],
  });

  it.each([
    [assistant({ name: 'f', arguments: 5 }), 'messages[0].function_call.arguments'],
    [assistant({ name: 'f', arguments: {} }), 'messages[0].function_call.arguments'],
    [assistant({ arguments: '{}' }), 'messages[0].function_call.name'],
    [assistant('f'), 'messages[0].function_call.name'],
    [{ messages: [{ role: 'user', content: 'x' }], functions: [null] }, 'functions[0].name'],
    [{ messages: [{ role: 'user', content: 'x' }], functions: [{}] }, 'functions[0].name'],
  ])('is checked: %j', (body, param) => {
    expect(refused(body)).toBe(param);
  });

  it('passes where it is right', () => {
    expect(refused(assistant({ name: 'f', arguments: '{}' }))).toBeUndefined();
  });
});
