import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { validateChatRequest } from '../../chat/index.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import { droppedAiSdkFields, toAiSdkCallOptions, type AiSdkCallOptions } from './to-ai-sdk-call-options.js';
import type { AskedModel } from './to-ai-sdk-prompt.js';

const OPENAI: AskedModel = { specificationVersion: 'v3', provider: 'openai.chat', modelId: 'm' };
const CLAUDE: AskedModel = { specificationVersion: 'v3', provider: 'anthropic.messages', modelId: 'claude' };
const GOOGLE: AskedModel = {
  specificationVersion: 'v3',
  provider: 'google.generative-ai',
  modelId: 'gemini-3-pro',
};
const V2: AskedModel = { ...OPENAI, specificationVersion: 'v2' };
const PNG = 'iVBORw0KGgo=';

function callOf(request: object = {}, rest: Partial<ProviderCall> = {}): ProviderCall {
  return {
    upstreamModel: 'm',
    request: { model: 'auto', messages: [{ role: 'user', content: 'Hi' }], ...request },
    stream: false,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
    reasoning: false,
    ...rest,
  };
}

const build = (
  request: object = {},
  model: AskedModel = OPENAI,
  rest: Partial<ProviderCall> = {},
): AiSdkCallOptions => toAiSdkCallOptions(callOf(request, rest), model);
const promptOf = (messages: readonly object[], model: AskedModel = OPENAI): unknown =>
  build({ messages }, model).prompt;

function refusalOf(request: object, model: AskedModel = OPENAI): string | undefined {
  try {
    build(request, model);
  } catch (error) {
    if (!(error instanceof InvalidRequestError)) throw error;
    return error.param;
  }
  return 'not refused';
}

const toolCall = (id: string, args = '{}', rest: object = {}): object => ({
  id,
  type: 'function',
  function: { name: `f_${id}`, arguments: args },
  ...rest,
});
const result = (id: string, content: unknown = id): object => ({ role: 'tool', tool_call_id: id, content });

describe('the prompt for a model of the AI SDK', () => {
  it('puts system and developer messages first, wherever they stand, and leaves empty texts out', () => {
    expect(
      promptOf([
        { role: 'system', content: 'One' },
        { role: 'user', content: 'Hi' },
        { role: 'user', content: '  ' },
        { role: 'system', content: '' },
        { role: 'assistant', content: '' },
        {
          role: 'developer',
          content: [
            { type: 'text', text: 'T' },
            { type: 'text', text: 'wo' },
          ],
        },
      ]),
    ).toEqual([
      { role: 'system', content: 'One' },
      { role: 'system', content: 'Two' },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
    ]);
  });

  it('makes a user turn of system messages alone, and of nothing', () => {
    expect(promptOf([{ role: 'system', content: 'One' }])).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'One' }] },
    ]);
    expect(promptOf([{ role: 'user', content: '' }])).toEqual([
      { role: 'user', content: [{ type: 'text', text: '' }] },
    ]);
  });

  it('says pictures, files and sound, as base64 or as an address', () => {
    const content = [
      { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'low' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'a.pdf' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'mp3' } },
      { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } },
    ];
    const imageDetail = { imageDetail: 'low' };
    expect(promptOf([{ role: 'user', content }])).toEqual([
      {
        role: 'user',
        content: [
          {
            type: 'file',
            mediaType: 'image/png',
            data: PNG,
            providerOptions: { openai: imageDetail, azure: imageDetail },
          },
          { type: 'file', mediaType: 'image/*', data: new URL('https://example.com/a.png') },
          { type: 'file', mediaType: 'application/pdf', data: 'JVBERi0=', filename: 'a.pdf' },
          { type: 'file', mediaType: 'audio/mpeg', data: 'AAAA' },
          { type: 'file', mediaType: 'audio/wav', data: 'AAAA' },
        ],
      },
    ]);
  });

  it('refuses a file that is not in the request, and broken base64', () => {
    const user = (part: object): object => ({ messages: [{ role: 'user', content: [part] }] });
    expect(refusalOf(user({ type: 'file', file: { file_id: 'f' } }))).toBe('messages[0].content[0]');
    expect(refusalOf(user({ type: 'input_audio', input_audio: { data: '!', format: 'wav' } }))).toBe(
      'messages[0].content[0]',
    );
    expect(refusalOf(user({ type: 'image_url', image_url: { url: 'ftp://h/a.png' } }))).toBe(
      'messages[0].content[0]',
    );
  });

  it('puts the results of one turn into one message behind it, in the order of the calls', () => {
    const prompt = promptOf([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Wait.', tool_calls: [toolCall('a', '{"x":1}'), toolCall('b', '')] },
      result('b'),
      { role: 'user', content: 'Well?' },
      result('a', [
        { type: 'text', text: 'a' },
        { type: 'text', text: '!' },
      ]),
      // The same id in another turn, as some servers number them.
      { role: 'assistant', tool_calls: [toolCall('a')] },
      result('a', 'later'),
    ]);
    const toolResult = (id: string, value: string): object => ({
      type: 'tool-result',
      toolCallId: id,
      toolName: `f_${id}`,
      output: { type: 'text', value },
    });
    expect(prompt).toEqual([
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'Wait.' },
          { type: 'tool-call', toolCallId: 'a', toolName: 'f_a', input: { x: 1 } },
          { type: 'tool-call', toolCallId: 'b', toolName: 'f_b', input: {} },
        ],
      },
      { role: 'tool', content: [toolResult('a', 'a!'), toolResult('b', 'b')] },
      { role: 'user', content: [{ type: 'text', text: 'Well?' }] },
      {
        role: 'assistant',
        content: [{ type: 'tool-call', toolCallId: 'a', toolName: 'f_a', input: {} }],
      },
      { role: 'tool', content: [toolResult('a', 'later')] },
    ]);
  });

  it('says what a tool shows, in the words of each version', () => {
    const messages = [
      { role: 'assistant', tool_calls: [toolCall('a')] },
      result('a', [
        { type: 'text', text: 'See' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
      ]),
    ];
    const withUrl = [
      { role: 'assistant', tool_calls: [toolCall('a')] },
      result('a', [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }]),
    ];
    const outputOf = (list: readonly object[], model: AskedModel): unknown =>
      (promptOf(list, model) as { content: { output: unknown }[] }[]).at(-1)!.content[0]!.output;
    expect(outputOf(messages, OPENAI)).toEqual({
      type: 'content',
      value: [
        { type: 'text', text: 'See' },
        { type: 'image-data', mediaType: 'image/png', data: PNG },
      ],
    });
    expect(outputOf(messages, V2)).toEqual({
      type: 'content',
      value: [
        { type: 'text', text: 'See' },
        { type: 'media', mediaType: 'image/png', data: PNG },
      ],
    });
    expect(outputOf(withUrl, OPENAI)).toEqual({
      type: 'content',
      value: [{ type: 'image-url', url: 'https://example.com/a.png' }],
    });
    expect(refusalOf({ messages: withUrl }, V2)).toBe('messages[1].content[0]');
  });

  it.each([
    ['a result without its call', [result('x')], 'messages[0].tool_call_id'],
    ['a function message', [{ role: 'function', name: 'f', content: 'x' }], 'messages[0]'],
    [
      'a function call of old',
      [{ role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }],
      'messages[0].function_call',
    ],
    [
      'a custom call',
      [{ role: 'assistant', tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'f', input: '' } }] }],
      'messages[0].tool_calls[0]',
    ],
    [
      'broken arguments',
      [{ role: 'assistant', tool_calls: [toolCall('a', '{')] }],
      'messages[0].tool_calls[0].function.arguments',
    ],
    [
      'a picture in a system message',
      [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'https://h/a.png' } }] }],
      'messages[0].content[0]',
    ],
  ])('refuses %s', (_what, messages, param) => {
    expect(refusalOf({ messages })).toBe(param);
  });

  const CLAUDE_DETAILS = [
    { type: 'reasoning.text', text: 'Hm', signature: 's1', format: 'anthropic-claude-v1', index: 0 },
    { type: 'reasoning.encrypted', data: 'r1', format: 'anthropic-claude-v1', index: 2 },
  ];

  it("gives Claude's thinking back where it stood, and to nobody else", () => {
    const messages = [
      {
        role: 'assistant',
        content: 'Wait.',
        reasoning_content: 'Hm',
        reasoning_details: CLAUDE_DETAILS,
        tool_calls: [toolCall('a')],
      },
    ];
    const call = { type: 'tool-call', toolCallId: 'a', toolName: 'f_a', input: {} };
    const options = (fields: object): object => ({
      providerOptions: { anthropic: fields, bedrock: fields },
    });
    expect(promptOf(messages, CLAUDE)).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Hm', ...options({ signature: 's1' }) },
          { type: 'text', text: 'Wait.' },
          { type: 'reasoning', text: '', ...options({ redactedData: 'r1' }) },
          call,
        ],
      },
    ]);
    for (const model of [OPENAI, GOOGLE]) {
      expect(promptOf(messages, model)).toEqual([
        { role: 'assistant', content: [{ type: 'text', text: 'Wait.' }, call] },
      ]);
    }
  });

  it("gives Gemini's signatures back to thoughts, texts and calls", () => {
    const extra = (signature: string): object => ({
      extra_content: { google: { thought_signature: signature } },
    });
    const options = (thoughtSignature: string): object => ({
      providerOptions: { google: { thoughtSignature }, vertex: { thoughtSignature } },
    });
    expect(
      promptOf(
        [
          {
            role: 'assistant',
            content: 'Wait.',
            ...extra('text'),
            reasoning_details: [
              { type: 'reasoning.text', text: 'Hm', signature: 'st', format: 'google-gemini-v1', index: 0 },
            ],
            tool_calls: [toolCall('a', '{}', extra('call'))],
          },
        ],
        GOOGLE,
      ),
    ).toEqual([
      {
        role: 'assistant',
        content: [
          { type: 'reasoning', text: 'Hm', ...options('st') },
          { type: 'text', text: 'Wait.', ...options('text') },
          { type: 'tool-call', toolCallId: 'a', toolName: 'f_a', input: {}, ...options('call') },
        ],
      },
    ]);
  });

  it('gives unsigned thinking back as it is, and refusals as what was said', () => {
    expect(promptOf([{ role: 'assistant', content: null, refusal: 'No.', reasoning_content: 'Hm' }])).toEqual(
      [
        {
          role: 'assistant',
          content: [
            { type: 'reasoning', text: 'Hm' },
            { type: 'text', text: 'No.' },
          ],
        },
      ],
    );
  });

  it("passes Anthropic's cache marks on", () => {
    const mark = { cache_control: { type: 'ephemeral', ttl: '1h' } };
    const providerOptions = { anthropic: { cacheControl: { type: 'ephemeral', ttl: '1h' } } };
    const options = build(
      {
        messages: [
          { role: 'system', content: [{ type: 'text', text: 'S', ...mark }] },
          { role: 'user', content: [{ type: 'text', text: 'U', ...mark }] },
        ],
        tools: [{ type: 'function', function: { name: 'f' }, ...mark }],
      },
      CLAUDE,
    );
    expect(options.prompt).toEqual([
      { role: 'system', content: 'S', providerOptions },
      { role: 'user', content: [{ type: 'text', text: 'U', providerOptions }] },
    ]);
    expect(options.tools).toMatchObject([{ name: 'f', providerOptions }]);
  });
});

describe('the call options for a model of the AI SDK', () => {
  it('has no key for what the request does not say', () => {
    expect(build({ temperature: null, stop: null, tools: null, response_format: null })).toEqual({
      prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }],
    });
  });

  it("says the settings, and prefers the router's limit to the client's", () => {
    const request = {
      temperature: 0,
      top_p: 0.5,
      presence_penalty: 1,
      frequency_penalty: -1,
      seed: 3,
      stop: ['a', ''],
      max_completion_tokens: 90,
    };
    expect(build(request)).toMatchObject({
      temperature: 0,
      topP: 0.5,
      presencePenalty: 1,
      frequencyPenalty: -1,
      seed: 3,
      stopSequences: ['a'],
      maxOutputTokens: 90,
    });
    expect(build(request, OPENAI, { maxOutputTokens: 40 }).maxOutputTokens).toBe(40);
  });

  const SCHEMA = { type: 'object', properties: { city: { type: 'string' } } };

  it('says tools, strict where the version has the word', () => {
    const tools = [
      {
        type: 'function',
        function: { name: 'f', description: 'D', parameters: SCHEMA, strict: true },
      },
      { type: 'function', function: { name: 'g' } },
    ];
    const said = { type: 'function', name: 'f', description: 'D', inputSchema: SCHEMA };
    const bare = { type: 'function', name: 'g', inputSchema: { type: 'object', properties: {} } };
    expect(build({ tools }).tools).toEqual([{ ...said, strict: true }, bare]);
    expect(build({ tools }, V2).tools).toEqual([said, bare]);
  });

  it.each([
    ['auto', { type: 'auto' }],
    ['none', { type: 'none' }],
    ['required', { type: 'required' }],
    [
      { type: 'function', function: { name: 'f' } },
      { type: 'tool', toolName: 'f' },
    ],
    [
      { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [{ function: { name: 'f' } }] } },
      { type: 'required' },
    ],
  ])('says tool_choice %j', (choice, said) => {
    const tools = ['f', 'g'].map((name) => ({ type: 'function', function: { name } }));
    const options = build({ tools, tool_choice: choice });
    expect(options.toolChoice).toEqual(said);
    expect(options.tools).toHaveLength(typeof choice === 'object' && 'allowed_tools' in choice ? 1 : 2);
    expect(build({ tool_choice: choice })).not.toHaveProperty('toolChoice');
  });

  it('says response_format', () => {
    const format = (responseFormat: object): unknown =>
      build({ response_format: responseFormat }).responseFormat;
    expect(
      format({ type: 'json_schema', json_schema: { name: 'place', description: 'D', schema: SCHEMA } }),
    ).toEqual({ type: 'json', schema: SCHEMA, name: 'place', description: 'D' });
    expect(format({ type: 'json_schema', json_schema: { name: 'place' } })).toEqual({ type: 'json' });
    expect(format({ type: 'json_object' })).toEqual({ type: 'json' });
    expect(format({ type: 'text' })).toBeUndefined();
  });

  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['top_logprobs', { top_logprobs: 1 }],
    ['logit_bias', { logit_bias: { 1: 1 } }],
    ['modalities', { modalities: ['text', 'audio'] }],
    ['web_search_options', { web_search_options: {} }],
    ['functions', { functions: [{ name: 'f' }] }],
    ['tools[0]', { tools: [{ type: 'custom', custom: { name: 'f' } }] }],
  ])('refuses %s', (param, request) => {
    expect(refusalOf(request)).toBe(param);
  });

  describe("in a provider's own options", () => {
    const asked = (provider: string, request: object, modelId = 'm'): unknown =>
      build(request, { ...OPENAI, provider }, { reasoning: true, upstreamModel: modelId }).providerOptions;

    it.each([
      ['openai.chat', 'minimal', { openai: { reasoningEffort: 'minimal' } }],
      ['azure.chat', 'high', { azure: { reasoningEffort: 'high' }, openai: { reasoningEffort: 'high' } }],
      ['acme.chat', 'low', { acme: { reasoningEffort: 'low' } }],
      ['xai.chat', 'minimal', { xai: { reasoningEffort: 'low' } }],
      ['xai.chat', 'medium', { xai: { reasoningEffort: 'high' } }],
      ['groq.chat', 'xhigh', { groq: { reasoningEffort: 'high' } }],
      ['anthropic.messages', 'high', undefined],
      ['amazon-bedrock', 'high', undefined],
      ['', 'high', undefined],
    ])('%s: reasoning_effort %s', (provider, effort, options) => {
      expect(asked(provider, { reasoning_effort: effort })).toEqual(options);
    });

    it('Google: a budget, or a level from Gemini 3 on', () => {
      const budget = { thinkingConfig: { thinkingBudget: 1024 } };
      const level = { thinkingConfig: { thinkingLevel: 'low' } };
      const request = { reasoning_effort: 'low' };
      expect(asked('google.generative-ai', request, 'gemini-2.5-flash')).toEqual({
        google: budget,
        vertex: budget,
      });
      expect(asked('google.vertex.chat', request, 'gemini-3-flash')).toEqual({
        google: level,
        vertex: level,
      });
    });

    it('says no effort to a model that does not think', () => {
      expect(build({ reasoning_effort: 'high' })).not.toHaveProperty('providerOptions');
    });

    it('says user, and strict of a schema, where they are known', () => {
      const format = (strict: object): object => ({
        response_format: { type: 'json_schema', json_schema: { name: 'a', schema: SCHEMA, ...strict } },
      });
      const request = { user: 'u', ...format({ strict: true }) };
      expect(asked('openai.responses', request)).toEqual({ openai: { user: 'u', strictJsonSchema: true } });
      expect(asked('acme.chat', request)).toEqual({ acme: { user: 'u', strictJsonSchema: true } });
      expect(asked('mistral.chat', request)).toBeUndefined();
      // The AI SDK's own default is true, OpenAI's is not.
      expect(asked('acme.chat', format({}))).toEqual({ acme: { strictJsonSchema: false } });
    });

    it('names the hints that were left out', () => {
      const request = {
        user: 'u',
        store: true,
        temperature: 0.5,
        top_p: 0.5,
        reasoning_effort: 'high',
      };
      const dropped = (provider: string): string[] => {
        const call = callOf(request, { reasoning: true });
        return droppedAiSdkFields(call, toAiSdkCallOptions(call, { ...OPENAI, provider }));
      };
      expect(dropped('openai.chat')).toEqual(['store']);
      expect(dropped('google.generative-ai')).toEqual(['user', 'store']);
      expect(dropped('anthropic.messages')).toEqual(['user', 'store', 'reasoning_effort']);
    });
  });

  it('throws nothing but InvalidRequestError on whatever the validation lets pass', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('', ' ', `data:image/png;base64,${PNG}`, 'https://h/a'),
    );
    const part = fc.oneof(
      fc.record({ type: fc.constant('text'), text }),
      fc.record({ type: fc.constant('refusal'), refusal: text }),
      fc.record({ type: fc.constant('image_url'), image_url: fc.record({ url: text, detail: text }) }),
      fc.record({ type: fc.constant('input_audio'), input_audio: fc.record({ data: text, format: text }) }),
      fc.record({ type: fc.constant('file'), file: fc.record({ file_data: text, filename: text }) }),
    );
    const content = fc.oneof(text, fc.array(part, { maxLength: 3 }));
    const id = fc.constantFrom('a', 'b');
    const call = fc.record({
      id,
      type: fc.oneof({ weight: 9, arbitrary: fc.constant('function') }, fc.constant('custom')),
      function: fc.record({
        name: text,
        arguments: fc.oneof(
          fc.dictionary(text, text).map((args) => JSON.stringify(args)),
          fc.json(),
          text,
        ),
      }),
      custom: fc.record({ name: text, input: text }),
      extra_content: fc.jsonValue(),
    });
    const words = fc.oneof(text, fc.array(fc.record({ type: fc.constant('text'), text }), { maxLength: 3 }));
    const message = fc.oneof(
      fc.record({ role: fc.constantFrom('system', 'developer', 'user'), content: words }),
      fc.record({ role: fc.constant('user'), content }),
      fc.record(
        {
          role: fc.constant('assistant'),
          content: words,
          tool_calls: fc.array(call, { maxLength: 2 }),
          reasoning_content: fc.jsonValue(),
          reasoning_details: fc.jsonValue(),
          extra_content: fc.jsonValue(),
        },
        { requiredKeys: ['role', 'content'] },
      ),
      fc.record({ role: fc.constant('tool'), content: words, tool_call_id: id }),
      { weight: 1, arbitrary: fc.record({ role: fc.constantFrom('system', 'tool', 'function'), content }) },
    );
    let passed = 0;
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(OPENAI, V2, CLAUDE, GOOGLE),
        (messages, model) => {
          try {
            const request = validateChatRequest({ messages });
            const { prompt } = toAiSdkCallOptions(callOf(request), model);
            passed += 1;
            expect(prompt.length).toBeGreaterThan(0);
            // Every result is behind the turn that holds its call.
            prompt.forEach((turn, index) => {
              if (turn.role === 'tool') expect(prompt[index - 1]!.role).toBe('assistant');
            });
          } catch (error) {
            if (!(error instanceof InvalidRequestError)) throw error;
          }
        },
      ),
      { numRuns: 1_000 },
    );
    expect(passed).toBeGreaterThan(50);
  });
});

describe('what is handed to a model of the AI SDK', () => {
  it('has top_k where it is a number of tokens', () => {
    expect(build({ top_k: 40 })).toHaveProperty('topK', 40);
    for (const topK of [0, -1, 1.5, Number.NaN, '40', null, {}]) {
      expect(build({ top_k: topK })).not.toHaveProperty('topK');
    }
    expect(build()).not.toHaveProperty('topK');
  });

  it('shares no schema with the request: a provider that writes in it spoils no other attempt', () => {
    const parameters = { type: 'object', properties: { city: { type: 'string' } } };
    const request = {
      tools: [{ type: 'function', function: { name: 'f', parameters } }],
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: parameters } },
    };
    const { tools, responseFormat } = build(request);
    const [offered] = tools ?? [];
    const schemas = [
      offered?.type === 'function' ? offered.inputSchema : undefined,
      responseFormat?.type === 'json' ? responseFormat.schema : undefined,
    ];
    for (const schema of schemas) {
      expect(schema).toEqual(parameters);
      expect(schema).not.toBe(parameters);
      expect(schema?.properties).not.toBe(parameters.properties);
    }
  });

  it('takes a schema that cannot be copied as it is', () => {
    const parameters = { type: 'object', parse: () => undefined };
    const [offered] =
      build({ tools: [{ type: 'function', function: { name: 'f', parameters } }] }).tools ?? [];
    expect(offered).toHaveProperty('inputSchema', parameters);
  });
});
