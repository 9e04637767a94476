import type { Server } from 'node:http';
import type OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamReply,
  type UpstreamRequest,
} from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';
import { readWholeStream, type WholeStream } from './support/sse-stream.js';
import { exchangesOf } from './support/upstream-exchanges.js';

const MODELS = {
  openai: 'gpt-4o-mini',
  anthropic: 'claude-haiku-4-5',
  gemini: 'gemini-2.5-flash',
} as const;
type Wire = keyof typeof MODELS;
const WIRES = Object.keys(MODELS) as Wire[];
const CHAT = '/v1/chat/completions';
type Json = Readonly<Record<string, unknown>>;

const TEXT = 'It rains in Paris.';
const QUESTION = { role: 'user', content: 'Weather in Paris?' };
const WEATHER_CALL = {
  id: 'call_1',
  type: 'function',
  function: { name: 'weather', arguments: '{"city":"Paris"}' },
};
const PARAMETERS = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const WEATHER_TOOL = { type: 'function', function: { name: 'weather', parameters: PARAMETERS } };
const CLOCK_TOOL = { type: 'function', function: { name: 'clock', description: 'The time.' } };
const toolMessage = (id: string, content: unknown) => ({ role: 'tool', tool_call_id: id, content });

/** A round trip that clients have behind them, with the assistant's turn as one of them plays it back. */
const historyWith = (assistant: Json) => [
  QUESTION,
  { role: 'assistant', tool_calls: [WEATHER_CALL], ...assistant },
  toolMessage('call_1', 'rain'),
];

/** What a case holds each wire's request to. */
type ByWire = Readonly<Record<Wire, (body: Json) => void>>;

/** A habit of some client, with what must come of it. */
interface Habit {
  readonly name: string;
  /** The body but for `model` and `stream`. */
  readonly body: Json;
  readonly headers?: Readonly<Record<string, string>>;
  readonly reply?: UpstreamReply;
  readonly upstream: ByWire;
  /** @defaultValue the text and `stop` */
  readonly answer?: (message: Json, finish: string) => void;
}

const same = (check: (body: Json) => void): ByWire => ({ openai: check, anthropic: check, gemini: check });
const partsOf = (contents: unknown): unknown => (contents as Json[]).map(({ role, parts }) => [role, parts]);
const turnsOf = (messages: unknown): unknown =>
  (messages as Json[]).map(({ role, content }) => [role, content]);

/** A tool turn on each wire, whatever stood beside its calls in the client's words. */
const plainRoundTrip = (openAiTurn: Json): ByWire => ({
  openai: ({ messages }) => {
    expect(messages).toEqual([QUESTION, openAiTurn, toolMessage('call_1', 'rain')]);
  },
  anthropic: ({ messages }) => {
    expect(turnsOf(messages)).toEqual([
      ['user', [{ type: 'text', text: QUESTION.content }]],
      ['assistant', [{ type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Paris' } }]],
      ['user', [{ type: 'tool_result', tool_use_id: 'call_1', content: 'rain' }]],
    ]);
  },
  gemini: ({ contents }) => {
    expect(partsOf(contents)).toEqual([
      ['user', [{ text: QUESTION.content }]],
      ['model', [{ functionCall: { name: 'weather', args: { city: 'Paris' } } }]],
      ['user', [{ functionResponse: { name: 'weather', response: { output: 'rain' } } }]],
    ]);
  },
});

const roundTrip = (name: string, assistant: Json, onWire: Json = assistant): Habit => ({
  name: `history: ${name}`,
  body: { messages: historyWith(assistant), tools: [WEATHER_TOOL] },
  upstream: plainRoundTrip({ role: 'assistant', tool_calls: [WEATHER_CALL], ...onWire }),
});

const HISTORIES: readonly Habit[] = [
  roundTrip('`content: null` beside tool calls (openai, AI SDK, agents)', { content: null }),
  roundTrip('`content: ""` beside tool calls (LangChain, LlamaIndex)', { content: '' }),
  roundTrip('no `content` beside tool calls', {}),
  roundTrip('`refusal: null` and all else of a message echoed back (openai)', {
    content: null,
    refusal: null,
    annotations: [],
    audio: null,
    function_call: null,
  }),
  {
    name: 'history: a refusal echoed back is something that was said',
    body: {
      messages: [
        QUESTION,
        { role: 'assistant', content: null, refusal: 'I may not say.' },
        { role: 'user', content: 'Why?' },
      ],
    },
    upstream: {
      openai: ({ messages }) => {
        expect(messages).toMatchObject([{}, { content: null, refusal: 'I may not say.' }, {}]);
      },
      anthropic: ({ messages }) => {
        expect(turnsOf(messages)).toEqual([
          ['user', [{ type: 'text', text: QUESTION.content }]],
          ['assistant', [{ type: 'text', text: 'I may not say.' }]],
          ['user', [{ type: 'text', text: 'Why?' }]],
        ]);
      },
      gemini: ({ contents }) => {
        expect(partsOf(contents)).toEqual([
          ['user', [{ text: QUESTION.content }]],
          ['model', [{ text: 'I may not say.' }]],
          ['user', [{ text: 'Why?' }]],
        ]);
      },
    },
  },
  ...[[], null].map((calls): Habit => ({
    name: `history: \`tool_calls: ${JSON.stringify(calls)}\` beside words (answers of vLLM echoed back)`,
    body: {
      messages: [QUESTION, { role: 'assistant', content: 'Rain.', tool_calls: calls }, QUESTION],
    },
    upstream: {
      // OpenAI refuses an empty list, and null.
      openai: ({ messages }) => {
        expect(messages).toEqual([QUESTION, { role: 'assistant', content: 'Rain.' }, QUESTION]);
      },
      anthropic: ({ messages }) => {
        expect(turnsOf(messages)).toMatchObject([
          ['user', {}],
          ['assistant', [{ type: 'text', text: 'Rain.' }]],
          ['user', {}],
        ]);
      },
      gemini: ({ contents }) => {
        expect(partsOf(contents)).toMatchObject([
          ['user', {}],
          ['model', [{ text: 'Rain.' }]],
          ['user', {}],
        ]);
      },
    },
  })),
  {
    name: 'history: tool results in another order than the calls, as text, parts, a JSON list and nothing',
    body: {
      messages: [
        QUESTION,
        {
          role: 'assistant',
          content: null,
          tool_calls: ['Paris', 'Lyon', 'Nice', 'Metz'].map((city, index) => ({
            id: `call_${index}`,
            type: 'function',
            function: { name: 'weather', arguments: JSON.stringify({ city }) },
          })),
        },
        toolMessage('call_2', '["sun","wind"]'),
        toolMessage('call_0', 'rain — not JSON'),
        toolMessage('call_3', ''),
        toolMessage('call_1', [
          { type: 'text', text: 'so' },
          { type: 'text', text: 'so' },
        ]),
      ],
      tools: [WEATHER_TOOL],
    },
    upstream: {
      openai: ({ messages }) => {
        const ids = (messages as Json[]).slice(2).map(({ tool_call_id: id }) => id);
        expect(ids).toEqual(['call_2', 'call_0', 'call_3', 'call_1']);
      },
      anthropic: ({ messages }) => {
        // One turn for all of them, or the service finds calls without results.
        expect((messages as Json[]).map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
        expect((messages as Json[]).at(-1)?.content).toEqual([
          { type: 'tool_result', tool_use_id: 'call_2', content: '["sun","wind"]' },
          { type: 'tool_result', tool_use_id: 'call_0', content: 'rain — not JSON' },
          { type: 'tool_result', tool_use_id: 'call_3' },
          {
            type: 'tool_result',
            tool_use_id: 'call_1',
            content: [
              { type: 'text', text: 'so' },
              { type: 'text', text: 'so' },
            ],
          },
        ]);
      },
      gemini: ({ contents }) => {
        const responses = ((contents as Json[]).at(-1)!.parts as Json[]).map(
          ({ functionResponse }) => (functionResponse as Json).response,
        );
        expect(responses).toEqual([
          { output: 'rain — not JSON' },
          { output: 'soso' },
          { output: ['sun', 'wind'] },
          { output: '' },
        ]);
      },
    },
  },
];

const toolOf = (definition: Json): Json => ({
  type: 'function',
  function: { name: 'weather', ...definition },
});

/** How each wire has one tool's parameters. */
const sendsTool = (tool: Json, input: Json, gemini: Json | undefined): ByWire => ({
  openai: ({ tools }) => {
    expect(tools).toEqual([tool]);
  },
  anthropic: ({ tools }) => {
    expect(tools).toEqual([{ name: 'weather', input_schema: input }]);
  },
  gemini: ({ tools }) => {
    expect(tools).toEqual([
      {
        functionDeclarations: [
          { name: 'weather', ...(gemini === undefined ? {} : { parametersJsonSchema: gemini }) },
        ],
      },
    ]);
  },
});

const calls =
  (...expected: readonly Json[]) =>
  (message: Json, finish: string): void => {
    expect(finish).toBe('tool_calls');
    expect(message.content ?? null).toBeNull();
    const called = message.tool_calls as Json[];
    expect(called.map(({ function: callee }) => callee)).toEqual(expected);
    expect(new Set(called.map(({ id }) => id)).size).toBe(expected.length);
  };

const CALL_REPLY: UpstreamReply = { toolCalls: [{ name: 'weather', arguments: { city: 'Paris' } }] };
const callsWeather = calls({ name: 'weather', arguments: '{"city":"Paris"}' });

const TOOLS: readonly Habit[] = [
  ...[{ strict: true }, { strict: false }, { strict: null }, {}].map((strictness): Habit => {
    const tool = toolOf({ parameters: PARAMETERS, ...strictness });
    return {
      name: `a tool with \`strict\` as ${JSON.stringify(strictness)}`,
      body: { messages: [QUESTION], tools: [tool] },
      reply: CALL_REPLY,
      upstream: sendsTool(tool, PARAMETERS, PARAMETERS),
      answer: callsWeather,
    };
  }),
  ...[
    {},
    { parameters: {} },
    { parameters: { type: 'object', properties: {} } },
    {
      parameters: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        properties: {},
        required: [],
        additionalProperties: false,
      },
      strict: true,
    },
  ].map((definition): Habit => ({
    name: `a tool without arguments, as ${JSON.stringify(definition)}`,
    body: { messages: [QUESTION], tools: [toolOf(definition)] },
    reply: { toolCalls: [{ name: 'weather', arguments: {} }] },
    upstream: {
      openai: ({ tools }) => {
        expect(tools).toEqual([toolOf(definition)]);
      },
      anthropic: ({ tools }) => {
        expect(tools).toMatchObject([{ name: 'weather', input_schema: { type: 'object' } }]);
      },
      gemini: ({ tools }) => {
        expect(tools).toMatchObject([{ functionDeclarations: [{ name: 'weather' }] }]);
      },
    },
    answer: calls({ name: 'weather', arguments: '{}' }),
  })),
  {
    name: '`tool_choice` forced by name among several (instructor)',
    body: {
      messages: [QUESTION],
      tools: [CLOCK_TOOL, WEATHER_TOOL],
      tool_choice: { type: 'function', function: { name: 'weather' } },
    },
    reply: CALL_REPLY,
    upstream: {
      openai: ({ tool_choice: choice }) => {
        expect(choice).toEqual({ type: 'function', function: { name: 'weather' } });
      },
      anthropic: ({ tool_choice: choice }) => {
        expect(choice).toEqual({ type: 'tool', name: 'weather' });
      },
      gemini: ({ toolConfig }) => {
        expect(toolConfig).toEqual({
          functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['weather'] },
        });
      },
    },
    answer: callsWeather,
  },
  {
    name: '`tool_choice: "required"` with `parallel_tool_calls: false`',
    body: {
      messages: [QUESTION],
      tools: [WEATHER_TOOL],
      tool_choice: 'required',
      parallel_tool_calls: false,
    },
    reply: CALL_REPLY,
    upstream: {
      openai: (body) => {
        expect(body).toMatchObject({ tool_choice: 'required', parallel_tool_calls: false });
      },
      anthropic: ({ tool_choice: choice }) => {
        expect(choice).toEqual({ type: 'any', disable_parallel_tool_use: true });
      },
      gemini: ({ toolConfig }) => {
        expect(toolConfig).toMatchObject({ functionCallingConfig: { mode: 'ANY' } });
      },
    },
    answer: callsWeather,
  },
  {
    name: '`tool_choice: "none"`',
    body: { messages: [QUESTION], tools: [WEATHER_TOOL], tool_choice: 'none' },
    upstream: {
      openai: ({ tool_choice: choice }) => {
        expect(choice).toBe('none');
      },
      anthropic: ({ tool_choice: choice }) => {
        expect(choice).toEqual({ type: 'none' });
      },
      gemini: ({ toolConfig }) => {
        expect(toolConfig).toEqual({ functionCallingConfig: { mode: 'NONE' } });
      },
    },
  },
  {
    name: 'parallel calls come one by one, each with its own id',
    body: { messages: [QUESTION], tools: [WEATHER_TOOL, CLOCK_TOOL] },
    reply: {
      toolCalls: [
        { name: 'weather', arguments: { city: 'Paris' } },
        { name: 'clock', arguments: {} },
        { name: 'weather', arguments: { city: 'Paris' } },
      ],
    },
    upstream: same(() => undefined),
    answer: calls(
      { name: 'weather', arguments: '{"city":"Paris"}' },
      { name: 'clock', arguments: '{}' },
      { name: 'weather', arguments: '{"city":"Paris"}' },
    ),
  },
];

const PLACE = {
  type: 'object',
  properties: { city: { type: 'string' }, people: { type: 'integer' } },
  required: ['city', 'people'],
};

const FIELDS: readonly Habit[] = [
  {
    name: '`response_format: { type: "json_object", schema }` (instructor)',
    body: { messages: [QUESTION], response_format: { type: 'json_object', schema: PLACE } },
    reply: { text: '{"city":"Paris","people":2}' },
    upstream: {
      openai: ({ response_format: format }) => {
        expect(format).toEqual({ type: 'json_schema', json_schema: { name: 'answer', schema: PLACE } });
      },
      anthropic: ({ output_config: config }) => {
        expect(config).toMatchObject({
          format: { type: 'json_schema', schema: { properties: PLACE.properties, required: PLACE.required } },
        });
      },
      gemini: ({ generationConfig }) => {
        expect(generationConfig).toMatchObject({
          responseMimeType: 'application/json',
          responseJsonSchema: { properties: PLACE.properties, required: PLACE.required },
        });
      },
    },
    answer: ({ content }, finish) => {
      expect(JSON.parse(String(content))).toEqual({ city: 'Paris', people: 2 });
      expect(finish).toBe('stop');
    },
  },
  {
    name: '`response_format: { type: "text" }`',
    body: { messages: [QUESTION], response_format: { type: 'text' } },
    upstream: {
      openai: ({ response_format: format }) => {
        expect(format).toEqual({ type: 'text' });
      },
      anthropic: (body) => {
        expect(body).not.toHaveProperty('output_config');
      },
      gemini: (body) => {
        expect(body).not.toHaveProperty('generationConfig.responseMimeType');
      },
    },
  },
  {
    name: '`store: false`, `metadata`, `service_tier`, `prompt_cache_key` (pi-ai)',
    body: {
      messages: [QUESTION],
      store: false,
      metadata: { job: '7' },
      service_tier: 'auto',
      prompt_cache_key: 'k7',
    },
    upstream: {
      openai: (body) => {
        expect(body).toMatchObject({
          store: false,
          metadata: { job: '7' },
          service_tier: 'auto',
          prompt_cache_key: 'k7',
        });
      },
      anthropic: (body) => {
        for (const field of ['store', 'metadata', 'prompt_cache_key']) expect(body).not.toHaveProperty(field);
      },
      gemini: (body) => {
        expect(Object.keys(body)).toEqual(['contents']);
      },
    },
  },
  ...(
    [
      [{ max_tokens: 40 }, { max_tokens: 40 }],
      [{ max_completion_tokens: 41 }, { max_completion_tokens: 41 }],
      // OpenAI refuses the two together.
      [{ max_tokens: 40, max_completion_tokens: 42 }, { max_completion_tokens: 42 }],
      [{ max_tokens: 43, max_completion_tokens: null }, { max_tokens: 43 }],
    ] as const
  ).map(([limits, onOpenAi]): Habit => {
    const [limit] = Object.values(onOpenAi);
    return {
      name: `an output limit as ${JSON.stringify(limits)}`,
      body: { messages: [QUESTION], ...limits },
      upstream: {
        openai: ({ max_tokens: old, max_completion_tokens: now }) => {
          expect({ max_tokens: old, max_completion_tokens: now }).toEqual({
            max_tokens: undefined,
            max_completion_tokens: undefined,
            ...onOpenAi,
          });
        },
        anthropic: ({ max_tokens: most }) => {
          expect(most).toBe(limit);
        },
        gemini: ({ generationConfig }) => {
          expect(generationConfig).toEqual({ maxOutputTokens: limit });
        },
      },
    };
  }),
  {
    name: 'developer and system messages, also in mid-conversation',
    body: {
      messages: [
        { role: 'developer', content: 'Be brief.' },
        QUESTION,
        { role: 'system', content: [{ type: 'text', text: 'Be kind.' }] },
        { role: 'user', content: 'Now?' },
      ],
    },
    upstream: {
      openai: ({ messages }) => {
        expect((messages as Json[]).map(({ role }) => role)).toEqual(['developer', 'user', 'system', 'user']);
      },
      anthropic: ({ system, messages }) => {
        expect(system).toBe('Be brief.\n\nBe kind.');
        expect(turnsOf(messages)).toEqual([
          [
            'user',
            [
              { type: 'text', text: QUESTION.content },
              { type: 'text', text: 'Now?' },
            ],
          ],
        ]);
      },
      gemini: ({ systemInstruction, contents }) => {
        expect(systemInstruction).toEqual({ parts: [{ text: 'Be brief.' }, { text: 'Be kind.' }] });
        expect(partsOf(contents)).toEqual([['user', [{ text: QUESTION.content }, { text: 'Now?' }]]]);
      },
    },
  },
  {
    name: '`temperature: 0.1` with `top_p: 1` (LlamaIndex)',
    body: { messages: [QUESTION], temperature: 0.1, top_p: 1 },
    upstream: {
      openai: (body) => {
        expect(body).toMatchObject({ temperature: 0.1, top_p: 1 });
      },
      anthropic: (body) => {
        expect(body).toMatchObject({ temperature: 0.1 });
        expect(body).not.toHaveProperty('top_p');
      },
      gemini: ({ generationConfig }) => {
        expect(generationConfig).toEqual({ temperature: 0.1, topP: 1 });
      },
    },
  },
  {
    name: 'everything that is left out sent as null',
    body: {
      messages: [{ ...QUESTION, name: null }],
      ...Object.fromEntries(
        `frequency_penalty functions function_call logit_bias logprobs max_completion_tokens max_tokens metadata
        modalities n parallel_tool_calls presence_penalty reasoning_effort response_format seed service_tier stop store
        stream_options temperature tool_choice tools top_logprobs top_p user`
          .split(/\s+/)
          .map((name) => [name, null]),
      ),
    },
    upstream: {
      openai: ({ messages }) => {
        expect(messages).toMatchObject([QUESTION]);
      },
      anthropic: (body) => {
        expect(Object.keys(body).sort()).toEqual(['max_tokens', 'messages', 'model', 'stream']);
      },
      gemini: (body) => {
        expect(Object.keys(body)).toEqual(['contents']);
      },
    },
  },
  {
    name: 'unknown fields: as they are to OpenAI’s shape, nowhere else',
    body: {
      messages: [{ ...QUESTION, name: 'ann', custom: { a: 1 } }],
      top_k: 4,
      repetition_penalty: 1.1,
      guided_json: { type: 'object' },
      chat_template_kwargs: { thinking: false },
    },
    upstream: {
      openai: (body) => {
        expect(body).toMatchObject({
          messages: [{ ...QUESTION, name: 'ann', custom: { a: 1 } }],
          top_k: 4,
          repetition_penalty: 1.1,
          guided_json: { type: 'object' },
          chat_template_kwargs: { thinking: false },
        });
      },
      anthropic: (body) => {
        expect(JSON.stringify(body)).not.toMatch(/custom|repetition|guided|chat_template/);
      },
      gemini: (body) => {
        expect(JSON.stringify(body)).not.toMatch(/custom|repetition|guided|chat_template/);
      },
    },
  },
  {
    name: 'the SDKs’ own headers: harmless, and kept from the provider',
    body: { messages: [QUESTION] },
    headers: {
      authorization: 'Bearer client-key',
      'accept-encoding': 'gzip, deflate, br',
      'user-agent': 'OpenAI/JS 6.49.0',
      'x-stainless-retry-count': '2',
      'x-stainless-timeout': '1',
      'x-stainless-helper-method': 'stream',
      'x-stainless-lang': 'js',
      'openai-organization': 'org-client',
      'openai-project': 'proj-client',
      'openai-beta': 'assistants=v2',
      'x-api-key': 'client-key',
      'x-goog-api-key': 'client-key',
      'anthropic-beta': 'none-such',
      cookie: 'session=client-key',
    },
    upstream: same(() => undefined),
  },
];

describe.each(PLATFORMS)('what clients put on the wire, on %s', (platform) => {
  describe.each(WIRES)('over the %s wire', (wire) => {
    let upstream: ScriptedUpstream;
    let router: RouterApp;

    beforeAll(async () => {
      // Compatible servers know fields that OpenAI does not.
      upstream = await createScriptedUpstream({ api: wire, allowUnknownFields: wire === 'openai' });
      router = await createRouterApp({
        platform,
        options: {
          providers: { upstream: { api: wire, baseUrl: upstream.baseUrl, apiKey: 'our-key' } },
          models: { [MODELS[wire]]: { provider: 'upstream' } },
          routingRules: { simple_queries: { primary: MODELS[wire] } },
        },
      });
    });

    beforeEach(() => {
      upstream.setReply(() => ({ text: TEXT }));
    });

    afterAll(async () => {
      (router.app.getHttpServer() as Server).closeAllConnections();
      await router.close();
      await upstream.close();
    });

    const lastRequest = (): UpstreamRequest => upstream.requests.at(-1)!;

    describe.each([...HISTORIES, ...TOOLS, ...FIELDS].map((habit) => [habit.name, habit] as const))(
      '%s',
      (_name, { body, headers, reply, upstream: expected, answer }) => {
        const holds =
          answer ??
          ((message, finish): void => {
            expect(message).toMatchObject({ role: 'assistant', content: TEXT });
            expect(finish).toBe('stop');
          });

        const expectUpstream = (): void => {
          const request = lastRequest();
          expected[wire](request.body);
          expect(request.model).toBe(MODELS[wire]);
          expect(exchangesOf(request).every(({ result }) => result !== undefined)).toBe(true);
          const names = Object.keys(request.headers).join(' ');
          expect(names).not.toMatch(/stainless|openai-|cookie|beta/);
          expect(JSON.stringify(request.headers)).not.toContain('client');
        };

        it('whole', async () => {
          if (reply !== undefined) upstream.setReply(() => reply);
          const response = await router.postJson(CHAT, { model: 'auto', ...body }, headers);
          const completion = (await response.json()) as OpenAI.ChatCompletion;
          expect({ status: response.status, completion }).toMatchObject({
            status: 200,
            completion: {
              object: 'chat.completion',
              choices: [{ index: 0, logprobs: null, message: { role: 'assistant', refusal: null } }],
              usage: { total_tokens: expect.any(Number) as number },
            },
          });
          const [choice] = completion.choices;
          holds(choice!.message as unknown as Json, choice!.finish_reason);
          expectUpstream();
        });

        it('streamed', async () => {
          if (reply !== undefined) upstream.setReply(() => reply);
          const response = await router.postJson(CHAT, { model: 'auto', ...body, stream: true }, headers);
          const stream = await readWholeStream(response);
          expect(stream.usage).toBeUndefined();
          holds(messageOf(stream), stream.finish!);
          expectUpstream();
        });
      },
    );

    describe('`stream_options`', () => {
      it.each([
        ['left out', undefined, false],
        ['null', null, false],
        ['{}', {}, false],
        ['{ include_usage: false } (multi-llm-ts)', { include_usage: false }, false],
        ['{ include_usage: null }', { include_usage: null }, false],
        ['{ include_usage: true } (AI SDK, LangChain, agents)', { include_usage: true }, true],
      ])('%s', async (_name, options, isTold) => {
        const usage = { promptTokens: 9, completionTokens: 4 };
        upstream.setReply(() => ({ text: TEXT, usage }));
        const response = await router.postJson(CHAT, {
          messages: [QUESTION],
          stream: true,
          ...(options === undefined ? {} : { stream_options: options }),
        });
        const stream = await readWholeStream(response);
        expect(stream.text).toBe(TEXT);
        if (isTold) {
          expect(stream.usage).toMatchObject({ prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 });
        } else {
          expect(stream.usage).toBeUndefined();
        }
        // It is asked of the provider always.
        if (wire === 'openai') {
          expect(lastRequest().body.stream_options).toEqual({ include_usage: true });
        }
      });
    });
  });
});

/** A stream's answer as the message it would have been. */
function messageOf({ text, toolCalls }: WholeStream): Json {
  return {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map(({ id, name, arguments: input }) => ({
            id,
            type: 'function',
            function: { name, arguments: input },
          })),
        }),
  };
}
