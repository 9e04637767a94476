import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRESET_NAMES, type PresetName, PROVIDER_PRESETS } from '../../catalog/index.js';
import type { ChatRequest } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import { toPresetRequest } from './to-preset-request.js';

type Messages = ChatRequest['messages'];

function bodyOf(name: PresetName, request: object = {}, rest: Partial<ProviderCall> = {}): Body {
  const call: ProviderCall = {
    upstreamModel: 'm',
    request: { model: 'auto', messages: [{ role: 'user', content: 'Hi' }], ...request },
    stream: false,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
    reasoning: false,
    ...rest,
  };
  return toPresetRequest(call, PROVIDER_PRESETS[name]);
}

type Body = Readonly<Record<string, unknown>>;

const NOW = { type: 'function', function: { name: 'now' } };
const thinking = { reasoning: true };

const messagesOf = (
  name: PresetName,
  messages: readonly unknown[],
  rest: Partial<ProviderCall> = {},
): unknown => bodyOf(name, { messages: messages as Messages }, rest).messages;

describe.each(PRESET_NAMES)('a request to %s', (name) => {
  it('has the name of the model there, and nothing that was not asked for', () => {
    expect(bodyOf(name)).toEqual({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], stream: false });
  });

  it('says the output limit once', () => {
    const field = PROVIDER_PRESETS[name].quirks.outputLimitField;
    for (const limit of [{ max_tokens: 9 }, { max_completion_tokens: 9 }, { max_tokens: null }]) {
      const body = bodyOf(name, limit, { maxOutputTokens: 7 });
      expect(Object.entries(body).filter(([key]) => key.startsWith('max_'))).toEqual([[field, 7]]);
    }
    expect(bodyOf(name, { max_tokens: 1, max_completion_tokens: 9 })[field]).toBe(9);
  });

  it('calls the developer `system`', () => {
    expect(messagesOf(name, [{ role: 'developer', content: 'Be brief' }])).toEqual([
      { role: 'system', content: 'Be brief' },
    ]);
  });

  it('hands on fields nobody here knows', () => {
    expect(bodyOf(name, { some_new_field: { a: 1 } })).toMatchObject({ some_new_field: { a: 1 } });
  });

  it('asks for the usage of a stream where it has to be asked for', () => {
    const body = bodyOf(name, { stream_options: { include_usage: false } }, { stream: true });
    expect(body.stream_options).toEqual(
      PROVIDER_PRESETS[name].quirks.streamUsage === 'option' ? { include_usage: true } : undefined,
    );
    expect(bodyOf(name, { stream_options: { include_usage: true } })).not.toHaveProperty('stream_options');
  });

  it('forces a tool call of a thinking model only where that is heeded or thinking can be switched off', () => {
    const { quirks, unsupportedParameters } = PROVIDER_PRESETS[name];
    const rules = quirks.forcedToolChoice ?? [];
    for (const choice of ['required', { type: 'function', function: { name: 'now' } }]) {
      const build = (): Body => bodyOf(name, { tools: [NOW], tool_choice: choice }, thinking);
      const fields = rules.length === 0 ? {} : rules.find(({ models }) => models.test('m'))?.fields;
      if (fields === null || unsupportedParameters.includes('tools'))
        expect(build).toThrow(InvalidRequestError);
      else expect(build()).toMatchObject({ ...fields, tool_choice: expect.anything() as unknown });
    }
  });

  it('has no field that is null, and no choice among no tools', () => {
    const idle = { stop: null, seed: null, tools: [], tool_choice: 'none', parallel_tool_calls: true };
    expect(bodyOf(name, idle)).toEqual(bodyOf(name));
  });

  it('refuses what the provider lacks, and leaves it out where it says nothing', () => {
    const used: Readonly<Record<string, object>> = {
      custom_tools: { tools: [{ type: 'custom', custom: { name: 'shell' } }] },
      frequency_penalty: { frequency_penalty: 0.5 },
      functions: { functions: [{ name: 'f' }] },
      logit_bias: { logit_bias: { 50256: -100 } },
      logprobs: { logprobs: true, top_logprobs: 2 },
      audio_output: { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'mp3' } },
      n: { n: 2 },
      parallel_tool_calls: { parallel_tool_calls: false, tools: [NOW] },
      presence_penalty: { presence_penalty: -1 },
      seed: { seed: 0 },
      stop: { stop: 'END' },
      temperature: { temperature: 0 },
      tools: { tools: [NOW] },
      top_p: { top_p: 0.5 },
      verbosity: { verbosity: 'low' },
      web_search_options: { web_search_options: {} },
    };
    const idle: Readonly<Record<string, object>> = {
      frequency_penalty: { frequency_penalty: 0 },
      logit_bias: { logit_bias: {} },
      logprobs: { logprobs: false },
      audio_output: { modalities: ['text'] },
      n: { n: 1 },
      presence_penalty: { presence_penalty: 0 },
      stop: { stop: [] },
      temperature: { temperature: 1 },
      top_p: { top_p: 1 },
      verbosity: { verbosity: 'medium' },
    };
    const { unsupportedParameters, unsupportedWhenThinking } = PROVIDER_PRESETS[name];
    expect(() => bodyOf(name, { parallel_tool_calls: false })).not.toThrow();
    for (const [parameter, request] of Object.entries(used)) {
      const lacks = (each: string): boolean => unsupportedParameters.some((lacking) => lacking === each);
      if (lacks(parameter) || ('tools' in request && lacks('tools'))) {
        expect(() => bodyOf(name, request), parameter).toThrow(InvalidRequestError);
      } else {
        expect(() => bodyOf(name, request), parameter).not.toThrow();
      }
    }
    for (const parameter of [...unsupportedParameters, ...unsupportedWhenThinking]) {
      expect(bodyOf(name, idle[parameter] ?? {}), parameter).toEqual(bodyOf(name));
    }
  });

  it('gives every offered function its parameters, but for those without tools', () => {
    const body = (): Body => bodyOf(name, { tools: [NOW], tool_choice: 'auto' });
    if (name === 'perplexity') {
      expect(body).toThrow(InvalidRequestError);
      return;
    }
    expect(body()).toMatchObject({
      tools: [{ type: 'function', function: { name: 'now', parameters: { type: 'object' } } }],
      tool_choice: 'auto',
    });
  });

  it('turns a refusal of earlier into words, and leaves out the thinking of other makers', () => {
    const messages = [
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: null,
        refusal: 'I cannot.',
        extra_content: { google: { thought_signature: 's' } },
      },
      { role: 'user', content: 'Why?' },
    ];
    const [, answer] = messagesOf(name, messages) as [unknown, Body];
    expect(answer).toEqual({ role: 'assistant', content: 'I cannot.' });
  });

  it('leaves thought signatures out of tool calls, and everything else in', () => {
    const call = { id: 'AbC123xyZ', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    const messages = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'So', tool_calls: [{ ...call, extra_content: { google: {} } }] },
      { role: 'tool', tool_call_id: 'AbC123xyZ', content: [{ type: 'text', text: 'done' }] },
    ];
    expect(messagesOf(name, messages)).toEqual([
      messages[0],
      { ...messages[1], tool_calls: [call] },
      messages[2],
    ]);
  });

  it('throws nothing on a history of odd shapes', () => {
    const odd = fc.record(
      {
        role: fc.constantFrom('system', 'developer', 'assistant', 'tool', 'function', '__proto__'),
        content: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())),
        refusal: fc.jsonValue(),
        tool_calls: fc.oneof(fc.jsonValue(), fc.array(fc.record({ id: fc.jsonValue() }))),
        tool_call_id: fc.jsonValue(),
        reasoning_content: fc.jsonValue(),
        reasoning_details: fc.jsonValue(),
      },
      { requiredKeys: ['role'] },
    );
    fc.assert(
      fc.property(fc.array(odd, { maxLength: 5 }), fc.boolean(), (messages, reasoning) => {
        const sent = messagesOf(name, messages, { reasoning });
        expect(Array.isArray(sent)).toBe(true);
        expect(JSON.stringify(messagesOf(name, messages, { reasoning }))).toBe(JSON.stringify(sent));
      }),
    );
  });

  it('leaves what a client sent as it was', () => {
    const request = {
      messages: [
        { role: 'developer', content: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }] },
        { role: 'assistant', content: 'y', reasoning_content: 'hm', refusal: null },
        { role: 'user', content: 'z' },
      ],
      response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } },
    };
    const before = JSON.stringify(request);
    bodyOf(name, request, thinking);
    expect(JSON.stringify(request)).toBe(before);
  });
});

describe('Mistral', () => {
  it('gets its own words', () => {
    expect(
      bodyOf(
        'mistral',
        {
          seed: 7,
          tools: [NOW],
          tool_choice: 'required',
          parallel_tool_calls: false,
          user: 'u',
          store: false,
          service_tier: 'auto',
          safety_identifier: 's',
          metadata: { a: 'b' },
          prompt_cache_key: 'k',
          stream_options: { include_usage: true },
        },
        { stream: true },
      ),
    ).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'Hi' }],
      random_seed: 7,
      tools: [
        { type: 'function', function: { name: 'now', parameters: { type: 'object', properties: {} } } },
      ],
      tool_choice: 'any',
      parallel_tool_calls: false,
      metadata: { a: 'b' },
      prompt_cache_key: 'k',
      stream: true,
    });
  });

  it('gets ids it takes, the same in calls and results', () => {
    const call = (id: string): object => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } });
    const [, asked, first, second] = messagesOf('mistral', [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: null, tool_calls: [call('call_1'), call('D681PevKs')] },
      { role: 'tool', tool_call_id: 'D681PevKs', content: 'two' },
      { role: 'tool', tool_call_id: 'call_1', content: 'one' },
    ]) as [unknown, { tool_calls: { id: string }[] }, { tool_call_id: string }, { tool_call_id: string }];
    const [one, two] = asked.tool_calls.map(({ id }) => id);
    expect(two).toBe('D681PevKs');
    expect(one).toMatch(/^[a-zA-Z0-9]{9}$/);
    expect([first.tool_call_id, second.tool_call_id]).toEqual([two, one]);
  });

  it('gets no field of a message it does not know', () => {
    const messages = [
      { role: 'system', content: 'Be brief', name: 's' },
      { role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: {} }], name: 'u' },
      {
        role: 'assistant',
        content: 'Yo',
        refusal: null,
        annotations: [],
        audio: null,
        reasoning_content: 'hm',
        reasoning_details: [{}],
      },
      { role: 'user', content: 'Again' },
    ];
    expect(messagesOf('mistral', messages)).toEqual([
      { role: 'system', content: 'Be brief' },
      { role: 'user', content: [{ type: 'text', text: 'Hi' }] },
      { role: 'assistant', content: 'Yo' },
      { role: 'user', content: 'Again' },
    ]);
  });

  it('gets the thinking of earlier turns where it came from, with a model that thinks', () => {
    const answer = { role: 'assistant', content: 'Yo', reasoning_content: 'hm' };
    const messages = [{ role: 'user', content: 'Hi' }, answer, { role: 'user', content: 'Why?' }];
    const part = { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] };
    expect(messagesOf('mistral', messages, thinking)).toMatchObject([
      {},
      { role: 'assistant', content: [part, { type: 'text', text: 'Yo' }] },
      {},
    ]);
    const own = { ...answer, content: [part, { type: 'text', text: 'Yo' }] };
    expect(messagesOf('mistral', [messages[0], own, messages[2]], thinking)).toMatchObject([
      {},
      { content: own.content },
      {},
    ]);
  });

  it('is told to go on with a final assistant turn, and with no other', () => {
    const begun = [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Yo' },
    ];
    expect(messagesOf('mistral', begun)).toMatchObject([{}, { content: 'Yo', prefix: true }]);
    expect(messagesOf('moonshot', begun)).toMatchObject([{}, { content: 'Yo', partial: true }]);
    expect(messagesOf('deepseek', begun)).toEqual(begun);
    const [, earlier] = messagesOf('mistral', [...begun, { role: 'user', content: '?' }]) as Body[];
    expect(earlier).not.toHaveProperty('prefix');
  });
});

describe('the thinking of earlier turns', () => {
  const call = { id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } };
  const history = (extra: object): unknown[] => [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: null, tool_calls: [call], ...extra },
    { role: 'tool', tool_call_id: 'a', content: 'done' },
    { role: 'assistant', content: 'Yes' },
    { role: 'user', content: 'Why?' },
  ];
  const turnsOf = (name: PresetName, extra: object, rest: Partial<ProviderCall>): unknown[] =>
    (messagesOf(name, history(extra), rest) as Body[])
      .filter(({ role }) => role === 'assistant')
      .map(({ reasoning_content, reasoning, reasoning_details }) => ({
        reasoning_content,
        reasoning,
        reasoning_details,
      }));

  it.each<[PresetName, object, object]>([
    ['deepseek', { reasoning_content: 'hm' }, { reasoning_content: '' }],
    ['moonshot', { reasoning_content: 'hm' }, {}],
    ['zai', { reasoning_content: 'hm' }, {}],
    ['fireworks', { reasoning_content: 'hm' }, {}],
    ['ollama', { reasoning: 'hm' }, {}],
    ['vllm', { reasoning: 'hm', reasoning_content: 'hm' }, {}],
    ['openrouter', { reasoning: 'hm', reasoning_details: [{ text: 'hm' }] }, {}],
    ['groq', {}, {}],
    ['xai', {}, {}],
    ['cerebras', {}, {}],
  ])('goes back to %s as %j', (name, first, second) => {
    for (const field of ['reasoning_content', 'reasoning']) {
      const extra = { [field]: 'hm', reasoning_details: [{ text: 'hm' }] };
      expect(turnsOf(name, extra, thinking)).toEqual([first, second]);
    }
  });

  it('goes to OpenRouter in the formats it knows, and not in that of Bedrock', () => {
    const claude = { type: 'reasoning.text', text: 'a', signature: 's', format: 'anthropic-claude-v1' };
    const bedrock = { ...claude, format: 'bedrock-converse-v1' };
    const of = (...reasoning_details: unknown[]): unknown =>
      turnsOf('openrouter', { reasoning_details }, thinking)[0];
    expect(of(bedrock, claude, { text: 'hm' }, 'x')).toHaveProperty('reasoning_details', [
      claude,
      { text: 'hm' },
      'x',
    ]);
    expect(of(bedrock)).toEqual({});
  });

  it.each<[PresetName, object, object]>([
    ['deepseek', { reasoning_content: '' }, { reasoning_content: '' }],
    ['moonshot', { reasoning_content: '.' }, {}],
    ['zai', {}, {}],
  ])('is made up for %s where it is lost', (name, first, second) => {
    expect(turnsOf(name, {}, thinking)).toEqual([first, second]);
    expect(turnsOf(name, {}, {})).toEqual([{}, {}]);
  });
});

describe('the effort', () => {
  it.each<[PresetName, string, string, object, boolean?]>([
    ['groq', 'openai/gpt-oss-120b', 'minimal', { reasoning_effort: 'low' }],
    ['groq', 'openai/gpt-oss-120b', 'high', { reasoning_effort: 'high' }],
    ['groq', 'qwen/qwen3-32b', 'high', {}],
    ['groq', 'qwen/qwen3-32b', 'none', { reasoning_effort: 'none' }],
    ['groq', 'llama-3.3-70b-versatile', 'high', {}],
    ['mistral', 'mistral-small-latest', 'low', { reasoning_effort: 'high' }, true],
    ['mistral', 'mistral-small-latest', 'none', { reasoning_effort: 'none' }, true],
    ['mistral', 'mistral-small-2506', 'high', {}],
    ['mistral', 'magistral-medium-latest', 'high', {}, true],
    ['xai', 'grok-4.3', 'minimal', { reasoning_effort: 'low' }],
    ['xai', 'grok-4.20-0309-reasoning', 'high', {}],
    ['xai', 'grok-4-1-fast-reasoning', 'high', {}],
    ['xai', 'grok-build-0.1', 'high', {}],
    ['deepseek', 'deepseek-v4-pro', 'medium', { reasoning_effort: 'medium' }],
    ['deepseek', 'deepseek-v4-pro', 'none', { thinking: { type: 'disabled' } }],
    ['moonshot', 'kimi-k2.6', 'none', { thinking: { type: 'disabled' } }],
    ['moonshot', 'kimi-k3', 'none', {}],
    ['zai', 'glm-5.3', 'xhigh', { reasoning_effort: 'max' }],
    ['openrouter', 'any/model', 'minimal', { reasoning_effort: 'minimal' }],
    ['groq', 'openai/gpt-oss-120b', '__proto__', { reasoning_effort: '__proto__' }],
  ])('to %s, %s: %s is said as %j', (name, upstreamModel, effort, expected, reasoning = false) => {
    const { reasoning_effort, thinking: switched } = bodyOf(
      name,
      { reasoning_effort: effort },
      { upstreamModel, reasoning },
    );
    expect({ reasoning_effort, thinking: switched }).toEqual({
      reasoning_effort: undefined,
      thinking: undefined,
      ...expected,
    });
  });
});

describe('a JSON schema', () => {
  const schema = { type: 'object', properties: { city: { type: 'string' } } };
  const format = { type: 'json_schema', json_schema: { name: 'a', description: 'A city.', schema } };

  it('is put into words where there is no json_schema', () => {
    const body = bodyOf('deepseek', { response_format: format });
    expect(body.response_format).toEqual({ type: 'json_object' });
    const [system, user] = body.messages as [{ role: string; content: string }, unknown];
    expect(system.role).toBe('system');
    expect(system.content).toContain(JSON.stringify(schema));
    expect(system.content).toContain('A city.');
    expect(user).toEqual({ role: 'user', content: 'Hi' });
  });

  it('joins the system message that is there', () => {
    for (const content of ['Be brief', [{ type: 'text', text: 'Be brief' }]]) {
      const messages = [
        { role: 'developer', content },
        { role: 'user', content: 'Hi' },
      ];
      const [system, ...rest] = bodyOf('zai', { messages, response_format: format }).messages as Body[];
      expect(JSON.stringify(system)).toMatch(/Be brief.*JSON schema/);
      expect(rest).toEqual([{ role: 'user', content: 'Hi' }]);
    }
  });

  it('stays what it is where there is one, in whichever words it came', () => {
    expect(bodyOf('groq', { response_format: format }).response_format).toEqual(format);
    expect(bodyOf('groq', { response_format: { type: 'json_object', schema } }).response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'answer', schema },
    });
    for (const name of ['groq', 'deepseek'] as const) {
      const plain = { response_format: { type: 'json_object' } };
      expect(bodyOf(name, plain)).toEqual({ ...bodyOf(name), ...plain });
    }
  });
});

describe('other habits', () => {
  it('cuts the tools down to those allowed, as only OpenAI knows `allowed_tools`', () => {
    const request = {
      tools: [NOW, { type: 'function', function: { name: 'then', parameters: {} } }],
      tool_choice: {
        type: 'allowed_tools',
        allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'now' } }] },
      },
    };
    const { tools, tool_choice } = bodyOf('mistral', request);
    expect(tools).toMatchObject([{ function: { name: 'now' } }]);
    expect(tool_choice).toBe('any');
    expect(bodyOf('openrouter', request)).toMatchObject({ tool_choice: request.tool_choice });
  });

  it('sends Groq its own service tiers alone', () => {
    expect(bodyOf('groq', { service_tier: 'flex' })).toHaveProperty('service_tier', 'flex');
    expect(bodyOf('groq', { service_tier: 'priority' })).not.toHaveProperty('service_tier');
    expect(bodyOf('xai', { service_tier: 'priority' })).toHaveProperty('service_tier', 'priority');
  });

  it('sends Groq no names and no thinking', () => {
    const messages = [
      { role: 'user', content: 'Hi', name: 'u' },
      { role: 'assistant', content: 'Yo', reasoning_content: 'hm', annotations: [] },
      { role: 'user', content: 'Why?' },
    ];
    expect(JSON.stringify(messagesOf('groq', messages, thinking))).not.toMatch(/name|hm|annotations/);
  });

  it('keeps the marks of the cache for OpenRouter', () => {
    const mark = { cache_control: { type: 'ephemeral' } };
    const request = {
      messages: [{ role: 'user', content: [{ type: 'text', text: 'x', ...mark }] }],
      tools: [{ ...NOW, ...mark }],
    };
    expect(JSON.stringify(bodyOf('openrouter', request)).match(/ephemeral/g)).toHaveLength(2);
    expect(JSON.stringify(bodyOf('together', request))).not.toContain('cache_control');
  });

  it('puts the conversation into strict turns for Perplexity', () => {
    const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
    expect(
      messagesOf('perplexity', [
        { role: 'user', content: 'One' },
        { role: 'user', content: [image] },
        { role: 'system', content: 'Be brief' },
        { role: 'assistant', content: 'Yes' },
        { role: 'developer', content: 'Be kind' },
        { role: 'user', content: 'Two' },
        { role: 'user', content: 'Three' },
      ]),
    ).toEqual([
      { role: 'system', content: 'Be brief\n\nBe kind' },
      { role: 'user', content: [{ type: 'text', text: 'One' }, image] },
      { role: 'assistant', content: 'Yes' },
      { role: 'user', content: 'Two\n\nThree' },
    ]);
  });

  it('lets what only thinking models refuse decide by the provider', () => {
    expect(bodyOf('moonshot', { temperature: 1, n: 1 }, thinking)).toEqual(bodyOf('moonshot'));
    expect(bodyOf('moonshot', { temperature: 0.5 }, thinking)).toHaveProperty('temperature', 0.5);
  });
});

describe('a forced tool call beside thinking', () => {
  const named = { type: 'function', function: { name: 'now' } };
  const off = { thinking: { type: 'disabled' } };
  const bodyFor = (name: PresetName, upstreamModel: string, request: object, rest = thinking): Body =>
    bodyOf(name, { tools: [NOW], ...request }, { ...rest, upstreamModel });

  it.each([
    ['deepseek', 'deepseek-v4-flash', 'required'],
    ['deepseek', 'deepseek-v4-pro', named],
    ['moonshot', 'kimi-k2.5', 'required'],
    ['moonshot', 'kimi-k2.6', named],
  ] as const)('at %s with %s switches thinking off', (name, model, choice) => {
    const body = bodyFor(name, model, { tool_choice: choice, reasoning_effort: 'high' });
    expect(body).toMatchObject({ ...off, tool_choice: choice });
    expect(body).not.toHaveProperty('reasoning_effort');
    // The client's own field says the contrary.
    expect(bodyFor(name, model, { tool_choice: choice, thinking: { type: 'enabled' } })).toMatchObject(off);
    const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [NOW] } };
    expect(bodyFor(name, model, { tool_choice: allowed })).toMatchObject({ ...off, tool_choice: 'required' });
  });

  it.each(['kimi-k2-thinking', 'kimi-k2.7-code', 'kimi-k3'])('is refused for %s', (model) => {
    for (const choice of ['required', named]) {
      expect(() => bodyFor('moonshot', model, { tool_choice: choice })).toThrow(
        expect.objectContaining({ name: 'InvalidRequestError', param: 'tool_choice' }),
      );
      const plain = bodyFor('moonshot', model, { tool_choice: choice }, { reasoning: false });
      expect(plain).toHaveProperty('tool_choice', choice);
      expect(plain).not.toHaveProperty('thinking');
    }
  });

  it('leaves thinking alone where nothing is forced', () => {
    for (const choice of ['auto', 'none', null, undefined]) {
      const request = { tool_choice: choice, reasoning_effort: 'high' };
      for (const [name, model] of [
        ['deepseek', 'deepseek-v4-pro'],
        ['moonshot', 'kimi-k2-thinking'],
      ] as const) {
        const body = bodyFor(name, model, request);
        expect(body).toHaveProperty('reasoning_effort', 'high');
        expect(body).not.toHaveProperty('thinking');
      }
    }
    expect(bodyFor('deepseek', 'deepseek-v4-pro', { tools: [], tool_choice: 'required' })).not.toHaveProperty(
      'thinking',
    );
  });
});
