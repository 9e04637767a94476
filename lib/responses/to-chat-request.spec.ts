import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../chat/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { toChatRequest } from './to-chat-request.js';

const SHARED = new URL('../../../shared/', import.meta.url);
const hasShared = existsSync(new URL('fixtures/README.md', SHARED));

const INPUT = { input: 'Hello' };

/** The parameter that a refused body names. */
function refusal(body: unknown): string | undefined {
  try {
    toChatRequest(body);
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error;
    return error.param ?? 'the body';
  }
  return undefined;
}

describe('a Responses request as a chat request', () => {
  it('a text, with everything that is said beside it', () => {
    const schema = { type: 'object', properties: {} };
    const body = {
      model: 'auto',
      input: 'Hello',
      instructions: 'Be kind.',
      max_output_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      top_logprobs: 3,
      include: ['message.output_text.logprobs', 'reasoning.encrypted_content'],
      reasoning: { effort: 'low', summary: 'auto' },
      text: { format: { type: 'json_schema', name: 'place', schema, strict: true }, verbosity: 'low' },
      tools: [
        { type: 'function', name: 'weather', description: 'Of a city.', parameters: schema, strict: true },
        { type: 'function', name: 'now', parameters: null, strict: null },
        { type: 'custom', name: 'shell', format: { type: 'grammar', syntax: 'lark', definition: 'x' } },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
      user: 'u',
      safety_identifier: 's',
      prompt_cache_key: 'k',
      service_tier: 'flex',
      store: true,
      metadata: { a: 'b' },
      truncation: 'auto',
      background: false,
      previous_response_id: null,
      stream: true,
    };
    expect(toChatRequest(body)).toEqual({
      model: 'auto',
      messages: [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'Hello' },
      ],
      max_completion_tokens: 100,
      temperature: 0.5,
      top_p: 0.9,
      logprobs: true,
      top_logprobs: 3,
      reasoning_effort: 'low',
      response_format: { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } },
      verbosity: 'low',
      tools: [
        {
          type: 'function',
          function: { name: 'weather', description: 'Of a city.', parameters: schema, strict: true },
        },
        { type: 'function', function: { name: 'now' } },
        {
          type: 'custom',
          custom: {
            name: 'shell',
            format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } },
          },
        },
      ],
      tool_choice: 'required',
      parallel_tool_calls: false,
      user: 'u',
      safety_identifier: 's',
      prompt_cache_key: 'k',
      service_tier: 'flex',
      store: true,
      metadata: { a: 'b' },
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  it('leaves out what chat completions refuse: a choice without tools, metadata that is not stored', () => {
    expect(
      toChatRequest({
        ...INPUT,
        tools: [],
        tool_choice: 'auto',
        parallel_tool_calls: true,
        metadata: { a: 'b' },
      }),
    ).toEqual({ messages: [{ role: 'user', content: 'Hello' }], stream: false });
    expect(toChatRequest({ ...INPUT, top_logprobs: 3, text: { format: { type: 'text' } } })).toEqual({
      messages: [{ role: 'user', content: 'Hello' }],
      stream: false,
    });
  });

  it.each([
    ['none', 'none'],
    [
      { type: 'function', name: 'a' },
      { type: 'function', function: { name: 'a' } },
    ],
    [
      { type: 'custom', name: 'a' },
      { type: 'custom', custom: { name: 'a' } },
    ],
    [
      { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'a' }] },
      {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'a' } }] },
      },
    ],
  ])('tool_choice %j', (choice, expected) => {
    const tools = [{ type: 'function', name: 'a' }];
    const request = toChatRequest({ ...INPUT, tools, tool_choice: choice });
    expect(request.tool_choice).toEqual(expected);
    expect(() => validateChatRequest(request)).not.toThrow();
  });

  it('messages and their parts', () => {
    const { messages } = toChatRequest({
      input: [
        { role: 'developer', content: 'Be brief.' },
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'Look' },
            { type: 'input_image', image_url: 'https://example.org/a.png', detail: 'original' },
            { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' },
            { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA==' },
            { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } },
          ],
        },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
        { role: 'user', content: [{ type: 'input_text', text: 'Why?' }] },
      ],
    });
    expect(messages).toEqual([
      { role: 'developer', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image_url', image_url: { url: 'https://example.org/a.png', detail: 'high' } },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
          { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA==' } },
          { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } },
        ],
      },
      { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
      { role: 'user', content: 'Why?' },
    ]);
  });

  it('the items of one turn are one message, and a result ends it', () => {
    const call = (id: string) => ({
      type: 'function_call',
      call_id: id,
      name: 'f',
      arguments: '{}',
      id: `fc_${id}`,
    });
    const { messages } = toChatRequest({
      input: [
        { role: 'user', content: 'Go' },
        { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }] },
        call('1'),
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Let me see.' }] },
        call('2'),
        { type: 'function_call_output', call_id: '1', output: 'one' },
        { type: 'function_call_output', call_id: '2', output: [{ type: 'input_text', text: 'two' }] },
        { type: 'item_reference', id: 'rs_2' },
        { type: 'custom_tool_call', call_id: '3', name: 'shell', input: 'ls' },
        { type: 'custom_tool_call_output', call_id: '3', output: 'a b' },
        { type: 'reasoning', id: 'rs_3', summary: [{ type: 'summary_text', text: 'Said nothing.' }] },
        { role: 'user', content: 'On' },
      ],
    });
    const chatCall = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });
    expect(messages).toEqual([
      { role: 'user', content: 'Go' },
      {
        role: 'assistant',
        content: 'Let me see.',
        reasoning_content: 'Hm.',
        tool_calls: [chatCall('1'), chatCall('2')],
      },
      { role: 'tool', tool_call_id: '1', content: 'one' },
      { role: 'tool', tool_call_id: '2', content: 'two' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: '3', type: 'custom', custom: { name: 'shell', input: 'ls' } }],
      },
      { role: 'tool', tool_call_id: '3', content: 'a b' },
      { role: 'user', content: 'On' },
    ]);
  });

  it.each<[string, unknown]>([
    ['the body', 'text'],
    ['the body', []],
    ['the body', { ...INPUT, reasoning: JSON.parse('['.repeat(100) + ']'.repeat(100)) as unknown }],
    ['input', {}],
    ['input', { input: [] }],
    ['input', { input: 5 }],
    ['input', { input: Array.from({ length: 2_001 }, () => ({ role: 'user', content: 'x' })) }],
    ['input[0]', { input: [null] }],
    ['input[0].role', { input: [{ role: 'tool', content: 'x' }] }],
    ['input[0].content', { input: [{ role: 'user' }] }],
    ['input[0].content[0].type', { input: [{ role: 'system', content: [{ type: 'input_image' }] }] }],
    ['input[0].content[0].image_url', { input: [{ role: 'user', content: [{ type: 'input_image' }] }] }],
    [
      'input[0].content[0].file_id',
      { input: [{ role: 'user', content: [{ type: 'input_image', file_id: 'file-1' }] }] },
    ],
    [
      'input[0].content[0].file_url',
      { input: [{ role: 'user', content: [{ type: 'input_file', file_url: 'https://example.org' }] }] },
    ],
    ['input[0].content[0].file_data', { input: [{ role: 'user', content: [{ type: 'input_file' }] }] }],
    ['input[0].call_id', { input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }],
    ['input[0].arguments', { input: [{ type: 'function_call', call_id: '1', name: 'f', arguments: {} }] }],
    ['input[0].output', { input: [{ type: 'function_call_output', call_id: '1', output: {} }] }],
    ['input[0].type', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['input[0].type', { input: [{ type: 'web_search_call', id: 'ws_1' }] }],
    ['tools', { ...INPUT, tools: {} }],
    ...[
      'web_search',
      'file_search',
      'computer',
      'mcp',
      'code_interpreter',
      'image_generation',
      'local_shell',
      'namespace',
    ].map((type): [string, unknown] => ['tools[0].type', { ...INPUT, tools: [{ type }] }]),
    ['tools[0].name', { ...INPUT, tools: [{ type: 'function' }] }],
    ['tools[0].parameters', { ...INPUT, tools: [{ type: 'function', name: 'f', parameters: 'x' }] }],
    ['tool_choice', { ...INPUT, tool_choice: 'required' }],
    ['tool_choice', { ...INPUT, tool_choice: 'some' }],
    ['tool_choice.type', { ...INPUT, tool_choice: { type: 'web_search_preview' } }],
    ['tool_choice.mode', { ...INPUT, tool_choice: { type: 'allowed_tools' } }],
    ['text.format.type', { ...INPUT, text: { format: { type: 'xml' } } }],
    ['text.format.schema', { ...INPUT, text: { format: { type: 'json_schema', name: 'x' } } }],
    ['max_output_tokens', { ...INPUT, max_output_tokens: 0 }],
    ['temperature', { ...INPUT, temperature: 3 }],
    ['top_p', { ...INPUT, top_p: '1' }],
    ['top_logprobs', { ...INPUT, top_logprobs: 21 }],
    ['include', { ...INPUT, include: 'all' }],
    ['reasoning', { ...INPUT, reasoning: 'low' }],
    ['reasoning.effort', { ...INPUT, reasoning: { effort: 5 } }],
    ['metadata', { ...INPUT, metadata: { a: 5 } }],
    ['stream', { ...INPUT, stream: 'yes' }],
    ['service_tier', { ...INPUT, service_tier: 5 }],
    ['previous_response_id', { ...INPUT, previous_response_id: 'resp_1' }],
    ['conversation', { ...INPUT, conversation: 'conv_1' }],
    ['prompt', { ...INPUT, prompt: { id: 'pmpt_1' } }],
    ['background', { ...INPUT, background: true }],
    ['moderation', { ...INPUT, moderation: { model: 'omni-moderation-latest' } }],
  ])('refuses %s', (param, body) => {
    expect(refusal(body)).toBe(param);
  });

  const mostly = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
    fc.oneof({ weight: 9, arbitrary: right }, { weight: 1, arbitrary: fc.jsonValue() });
  const anyPart = fc.record(
    {
      type: fc.constantFrom('input_text', 'output_text', 'refusal', 'input_image', 'input_file', 'other', 7),
      text: mostly(fc.string()),
      refusal: fc.string(),
      image_url: fc.oneof(fc.string(), fc.constant(null)),
      file_data: fc.string(),
    },
    { requiredKeys: ['type'] },
  );
  const anyItem = fc.record(
    {
      type: fc.constantFrom(
        'message',
        'reasoning',
        'function_call',
        'function_call_output',
        'custom_tool_call',
        'custom_tool_call_output',
        'item_reference',
        undefined,
      ),
      role: fc.constantFrom('user', 'assistant', 'system', 'developer'),
      content: fc.oneof(fc.string(), fc.array(anyPart)),
      call_id: mostly(fc.string()),
      name: fc.string(),
      arguments: fc.string(),
      input: fc.string(),
      output: fc.oneof(fc.string(), fc.array(anyPart)),
      summary: fc.oneof(fc.array(fc.record({ type: fc.string(), text: fc.string() })), fc.jsonValue()),
      encrypted_content: fc.oneof(fc.string(), fc.base64String(), fc.jsonValue()),
    },
    { requiredKeys: ['type', 'role', 'content'] },
  );

  it('whatever comes converts to a valid chat request or is refused by a typed error (property)', () => {
    let converted = 0;
    const body = fc.record(
      {
        input: mostly(fc.oneof(fc.string(), fc.array(anyItem, { maxLength: 6 }))),
        instructions: fc.oneof(fc.string(), fc.constant(null)),
        tools: fc.array(fc.record({ type: fc.constantFrom('function', 'custom'), name: fc.string() })),
        tool_choice: mostly(fc.constantFrom('auto', 'none', 'required', null)),
        text: mostly(fc.constant({ format: { type: 'json_object' } })),
        reasoning: mostly(fc.constant({ effort: 'low' })),
        temperature: mostly(fc.double({ min: 0, max: 2, noNaN: true })),
        metadata: mostly(fc.dictionary(fc.string(), fc.string())),
        stream: fc.boolean(),
      },
      { requiredKeys: ['input'] },
    );
    fc.assert(
      fc.property(
        fc.oneof({ weight: 9, arbitrary: body }, { weight: 1, arbitrary: fc.jsonValue() }),
        (value) => {
          if (refusal(value) !== undefined) return;
          validateChatRequest(toChatRequest(value));
          converted += 1;
        },
      ),
      { numRuns: 2_000 },
    );
    expect(converted).toBeGreaterThan(100);
  });
});

interface Recording {
  readonly id: string;
  readonly request: { readonly body?: unknown };
}

describe.skipIf(!hasShared)('recorded requests (skipped where ../shared is absent)', () => {
  it('convert, or are refused for what the router does not do', () => {
    const folder = new URL('fixtures/openai/', SHARED);
    const bodies = readdirSync(folder)
      .filter((name) => name.startsWith('responses.'))
      .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Recording)
      .filter(({ request }) => request.body !== null && request.body !== undefined);
    const counts: Record<string, number> = {};
    for (const { request } of bodies) {
      const param = refusal(request.body);
      if (param === undefined) validateChatRequest(toChatRequest(request.body));
      const reason = (param ?? 'converted').replace(/\d+/g, 'i');
      counts[reason] = (counts[reason] ?? 0) + 1;
    }
    console.info(`recorded requests of the Responses API (${bodies.length}):`, counts);
    // Built-in tools and their items; a file by its address; a temperature that OpenAI refused too; what needs stored
    // responses; a moderation beside the answer.
    expect(counts).toEqual({
      converted: 28,
      'tools[i].type': 9,
      'input[i].type': 2,
      'input[i].output[i].file_url': 1,
      temperature: 1,
      conversation: 1,
      background: 1,
      moderation: 1,
    });
  });
});
