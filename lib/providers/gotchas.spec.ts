import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk } from '../chat/chat-types.js';
import { validateChatRequest } from '../chat/validate-chat-request.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { ProviderError } from '../errors/provider-error.js';
import { adapterFor, type ProviderApi } from './adapter-registry.js';
import type { AnthropicRequest } from './anthropic/anthropic-wire.js';
import { ToolUseIds } from './anthropic/tool-use-ids.js';
import type { BedrockRequest } from './bedrock/bedrock-wire.js';
import { catchError } from './conformance/translate.spec-support.js';
import type { GeminiRequest } from './gemini/gemini-wire.js';
import type { ProviderCall, TranslatedAnswer, WireEvent } from './provider-adapter.js';
import { ServerSentEventReader } from './server-sent-event-reader.js';

/*
 * Where wire formats differ so that a translation goes wrong unseen: a test for each such place that no other spec
 * holds. Each was learnt from recorded traffic, from what other gateways test, or from their public issues.
 */

type Json = Record<string, unknown>;

const BUDGET_CLAUDE = 'claude-sonnet-4-0';
const ADAPTIVE_CLAUDE = 'claude-opus-4-8';
const GEMINI_2 = 'gemini-2.5-flash';
const GEMINI_3 = 'gemini-3-pro-preview';
const BEDROCK_CLAUDE = 'anthropic.claude-sonnet-4-20250514-v1:0';

function callOf(request: object, rest: Partial<ProviderCall> = {}): ProviderCall {
  return {
    upstreamModel: 'm',
    request: validateChatRequest({ messages: [{ role: 'user', content: 'Hi' }], ...request }),
    stream: false,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
    reasoning: false,
    ...rest,
  };
}

const bodyFor = (api: ProviderApi, request: object, rest: Partial<ProviderCall> = {}): unknown =>
  adapterFor(api).buildRequest(callOf(request, rest)).body;
const toAnthropic = (request: object, rest: Partial<ProviderCall> = {}): AnthropicRequest =>
  bodyFor('anthropic', request, { upstreamModel: BUDGET_CLAUDE, ...rest }) as AnthropicRequest;
const toGemini = (request: object, rest: Partial<ProviderCall> = {}): GeminiRequest =>
  bodyFor('gemini', request, { upstreamModel: GEMINI_2, ...rest }) as GeminiRequest;
const toBedrock = (request: object, rest: Partial<ProviderCall> = {}): BedrockRequest =>
  bodyFor('bedrock', request, { upstreamModel: BEDROCK_CLAUDE, ...rest }) as BedrockRequest;

const answerFrom = (api: ProviderApi, body: unknown): TranslatedAnswer =>
  adapterFor(api).parseAnswer(body, callOf({}));
const choiceFrom = (api: ProviderApi, body: unknown): TranslatedAnswer['completion']['choices'][number] =>
  answerFrom(api, body).completion.choices[0]!;

function streamFrom(api: ProviderApi, payloads: readonly (object | string)[]): ChatCompletionChunk[] {
  const translator = adapterFor(api).createStreamTranslator(callOf({}, { stream: true }));
  const events = payloads.map((payload): WireEvent => ({
    data: typeof payload === 'string' ? payload : JSON.stringify(payload),
  }));
  return [...events.flatMap((event) => translator.push(event)), ...translator.end()];
}

const toolDeltasOf = (chunks: readonly ChatCompletionChunk[]) =>
  chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? []));
const finishesOf = (chunks: readonly ChatCompletionChunk[]): unknown[] =>
  chunks.flatMap(({ choices }) => choices.map(({ finish_reason: finish }) => finish));
const textOf = (chunks: readonly ChatCompletionChunk[]): string =>
  chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');

const toolCall = (id: string, rest: object = {}): object => ({
  id,
  type: 'function',
  function: { name: 'f', arguments: '{}' },
  ...rest,
});
const calls = (...ids: string[]): object => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => toolCall(id)),
});
const result = (id: string, content: unknown = `of ${id}`): object => ({
  role: 'tool',
  tool_call_id: id,
  content,
});
const user = (content: unknown): object => ({ role: 'user', content });
const tool = (name: string, rest: object = {}): object => ({ type: 'function', function: { name, ...rest } });
const TOOLS = [tool('f', { parameters: { type: 'object', properties: {} } })];

describe('a request to Anthropic', () => {
  describe('tool calls', () => {
    const idsIn = (body: AnthropicRequest): unknown =>
      body.messages.map(({ content }) =>
        content.flatMap((block) =>
          block.type === 'tool_use' ? [block.id] : block.type === 'tool_result' ? [block.tool_use_id] : [],
        ),
      );

    it('have an id that no other has, though the server that made them counts anew in each answer', () => {
      const body = toAnthropic({
        messages: [
          user('Go'),
          calls('call_0', 'f.1'),
          result('f.1'),
          result('call_0'),
          calls('call_0', 'call_0_2'),
          result('call_0'),
          result('call_0_2'),
          calls('f.1'),
          result('f.1'),
        ],
      });
      expect(idsIn(body)).toEqual([
        [],
        ['call_0', 'f_1'],
        ['f_1', 'call_0'],
        ['call_0_3', 'call_0_2'],
        ['call_0_3', 'call_0_2'],
        ['f_1_2'],
        ['f_1_2'],
      ]);
    });

    it('with the same id in one turn keep their results apart, and a result too many does no harm', () => {
      const body = toAnthropic({
        messages: [user('Go'), calls('a', 'a'), result('a'), result('a'), result('a'), result('unknown.1')],
      });
      expect(idsIn(body)).toEqual([[], ['a', 'a_2'], ['a', 'a_2', 'a_2', 'unknown_1']]);
    });

    it.each([64, Number.POSITIVE_INFINITY])(
      'get their ids in no time, however many are alike (%s)',
      (most) => {
        const many = Array.from({ length: 100_000 }, (_none, index) =>
          index % 2 === 0 ? 'same.id' : 'same_id',
        );
        const ids = new ToolUseIds(many, most);
        const startedAt = performance.now();
        const made = many.map((id) => ids.ofCall(id));
        expect(new Set(made).size).toBe(many.length);
        expect(many.map((id) => ids.ofResult(id))).toEqual(made);
        // Counting on from one each time would take minutes.
        expect(performance.now() - startedAt).toBeLessThan(8_000);
      },
    );

    it('need no type: Mistral leaves it out, and clients with it', () => {
      const messages = [user('Go'), { role: 'assistant', tool_calls: [toolCall('a', { type: undefined })] }];
      expect(toAnthropic({ messages }).messages[1]).toMatchObject({
        content: [{ type: 'tool_use', id: 'a' }],
      });
      expect(toGemini({ messages }).contents[1]).toMatchObject({ parts: [{ functionCall: { name: 'f' } }] });
      expect(toBedrock({ messages }).messages[1]).toMatchObject({ content: [{ toolUse: { name: 'f' } }] });
      expect(bodyFor('openai', { messages })).toMatchObject({
        messages: [{}, { tool_calls: [{ type: 'function' }] }],
      });
    });

    it.each(['', '  ', '{}'])('without arguments, written %j, have an empty object', (args) => {
      const called = toolCall('a', { function: { name: 'f', arguments: args } });
      const messages = [user('Go'), { role: 'assistant', content: null, tool_calls: [called] }];
      expect(toAnthropic({ messages }).messages[1]?.content).toMatchObject([{ input: {} }]);
      expect(toGemini({ messages }).contents[1]?.parts).toMatchObject([{ functionCall: { args: {} } }]);
    });

    it.each(['{"a":', 'null', '"text"', '[1]', '7'])('with %s for arguments are a 400 of ours', (args) => {
      const called = toolCall('a', { function: { name: 'f', arguments: args } });
      const messages = [user('Go'), { role: 'assistant', content: null, tool_calls: [called] }];
      for (const api of ['anthropic', 'gemini', 'bedrock'] as const) {
        const error = catchError(() => bodyFor(api, { messages }));
        expect(error).toBeInstanceOf(InvalidRequestError);
        expect(error).toMatchObject({ status: 400, param: 'messages[1].tool_calls[0].function.arguments' });
      }
    });

    it('without a result, and results without a call, are left to Anthropic to refuse', () => {
      expect(idsIn(toAnthropic({ messages: [user('Go'), calls('a', 'b'), result('b'), user('?')] }))).toEqual(
        [[], ['a', 'b'], ['b']],
      );
      expect(idsIn(toAnthropic({ messages: [result('lost')] }))).toEqual([['lost']]);
    });
  });

  describe('texts', () => {
    it.each(['', ' \n\t'])('of %j alone leave no empty block anywhere', (blank) => {
      const parts = [{ type: 'text', text: blank }];
      const body = toAnthropic({
        messages: [
          { role: 'system', content: blank },
          { role: 'developer', content: parts },
          user(blank),
          user('Go'),
          { role: 'assistant', content: blank, tool_calls: [toolCall('a')] },
          result('a', parts),
          { role: 'assistant', content: parts },
        ],
      });
      expect(body).not.toHaveProperty('system');
      expect(body.messages).toEqual([
        { role: 'user', content: [{ type: 'text', text: 'Go' }] },
        { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'f', input: {} }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a' }] },
      ]);
    });

    it('lose white space at the end of a final assistant turn, and nowhere else', () => {
      const said = (text: string): object => ({ role: 'assistant', content: text });
      const { messages } = toAnthropic({
        messages: [user('A \n'), said(' B \n'), user('C '), said(' D \n')],
      });
      expect(messages.flatMap<unknown>(({ content }) => content)).toEqual(
        ['A \n', ' B \n', 'C ', ' D'].map((text) => ({ type: 'text', text })),
      );
    });

    it('of one role in a row become one turn, an assistant’s too, with the calls behind the words', () => {
      const { messages } = toAnthropic({
        messages: [
          user('A'),
          calls('a'),
          { role: 'assistant', content: 'Wait' },
          result('a'),
          user([{ type: 'text', text: 'B' }]),
        ],
      });
      expect(messages.map(({ role, content }) => [role, content.map(({ type }) => type)])).toEqual([
        ['user', ['text']],
        ['assistant', ['text', 'tool_use']],
        ['user', ['tool_result', 'text']],
      ]);
    });
  });

  describe('cache marks', () => {
    const mark = (ttl: string): object => ({ cache_control: { type: 'ephemeral', ttl } });
    const marksIn = (value: unknown): string[] =>
      [...JSON.stringify(value).matchAll(/"ttl":"(\w+)"/g)].map(([, ttl]) => ttl!);
    const text = (ttl: string): object => ({ type: 'text', text: ttl, ...mark(ttl) });
    const marked = (count: number): object => ({
      tools: [{ ...tool('f'), ...mark('t') }],
      messages: [
        { role: 'system', content: [text('s')] },
        user([text('u1'), { type: 'text', text: 'plain' }]),
        calls('a'),
        result('a', [text('r')]),
        ...Array.from({ length: count }, (_none, index) => user([text(`u${index + 2}`)])),
      ],
    });

    it('go along up to four, wherever they stand', () => {
      const { tools, system, messages } = toAnthropic(marked(0));
      expect(marksIn([tools, system, messages])).toEqual(['t', 's', 'u1', 'r']);
    });

    it('over four lose the earliest, and nothing else is changed', () => {
      const { tools, system, messages } = toAnthropic(marked(2));
      expect(marksIn([tools, system, messages])).toEqual(['u1', 'r', 'u2', 'u3']);
      expect(system).toBe('s');
      const more = toAnthropic(marked(5));
      expect(marksIn([more.tools, more.system, more.messages])).toEqual(['u3', 'u4', 'u5', 'u6']);
      const unmarked = JSON.parse(
        JSON.stringify(marked(5)).replaceAll(/,"cache_control":\{[^}]*\}/g, ''),
      ) as object;
      expect(JSON.parse(JSON.stringify(more).replaceAll(/,"cache_control":\{[^}]*\}/g, ''))).toEqual(
        toAnthropic(unmarked),
      );
    });

    it('are as many at Bedrock and at Vertex AI', () => {
      const bedrock = toBedrock(marked(5));
      expect(JSON.stringify(bedrock).match(/cachePoint/g)).toHaveLength(4);
      expect(bedrock.messages.at(-1)?.content.at(-1)).toHaveProperty('cachePoint');
      expect(JSON.stringify(toBedrock(marked(0))).match(/cachePoint/g)).toHaveLength(3);
      const vertex = bodyFor('vertex', marked(5), { upstreamModel: 'claude-sonnet-4@20250514' });
      expect(JSON.stringify(vertex).match(/cache_control/g)).toHaveLength(4);
    });

    it.each(['ephemeral', null, 7, ['x']])('of a wrong type (%j) are no marks', (cacheControl) => {
      const part = { type: 'text', text: 'x', cache_control: cacheControl };
      expect(toAnthropic({ messages: [user([part])] }).messages[0]?.content).toEqual([
        { type: 'text', text: 'x' },
      ]);
    });
  });

  describe('the one who asks', () => {
    it.each([
      ['user-7', 'user-7'],
      ['x'.repeat(256), 'x'.repeat(256)],
      ['x'.repeat(257), undefined],
      ['ann@example.com', undefined],
      ['+49 (30) 1234-567', undefined],
      ['0301234567', undefined],
      ['', undefined],
    ])('%s is named by %s', (name, expected) => {
      expect(toAnthropic({ user: name }).metadata?.user_id).toBe(expected);
    });
  });

  describe('settings', () => {
    it.each([
      [{ temperature: 2 }, { temperature: 1 }],
      [{ temperature: 1.01 }, { temperature: 1 }],
      [{ temperature: 0 }, { temperature: 0 }],
      [{ temperature: 0.1, top_p: 1 }, { temperature: 0.1 }],
      [{ top_p: 1 }, { top_p: 1 }],
      [
        { temperature: 0.1, top_p: 0.9 },
        { temperature: 0.1, top_p: 0.9 },
      ],
      [{ seed: 7, presence_penalty: 1, frequency_penalty: 1, logit_bias: {}, logprobs: false, n: 1 }, {}],
      [{ stop: ' ' }, {}],
      [{ stop: ['', '\n\n', ' END'] }, { stop_sequences: [' END'] }],
      [{ stop: 'END' }, { stop_sequences: ['END'] }],
      [{ stop: null, tool_choice: 'required', parallel_tool_calls: false }, {}],
      [{ store: false, service_tier: 'auto' }, {}],
    ])('%j go out as %j', (request, expected) => {
      const { model, max_tokens: most, messages, stream, ...rest } = toAnthropic(request);
      expect(rest).toEqual(expected);
      expect([model, most, stream, messages.length]).toEqual([BUDGET_CLAUDE, 4096, false, 1]);
    });

    it.each(['claude-opus-4-1', 'claude-sonnet-4-5', 'claude-haiku-4-5'])(
      '%s gets one of temperature and top_p',
      (upstreamModel) => {
        const body = toAnthropic({ temperature: 0.1, top_p: 0.9 }, { upstreamModel });
        expect(body.temperature).toBe(0.1);
        expect(body).not.toHaveProperty('top_p');
        expect(toAnthropic({ top_p: 0.9 }, { upstreamModel }).top_p).toBe(0.9);
      },
    );

    it('version and key are headers, and no beta is asked for', () => {
      const adapter = adapterFor('anthropic');
      expect(adapter.buildRequest(callOf({})).headers).toEqual({ 'anthropic-version': '2023-06-01' });
      expect(adapter.authHeaders('k')).toEqual({ 'x-api-key': 'k' });
    });
  });

  describe('a tool’s schema', () => {
    it.each([
      [undefined, { type: 'object', properties: {} }],
      [null, { type: 'object', properties: {} }],
      [{}, { type: 'object' }],
      [{ properties: { a: {} } }, { type: 'object', properties: { a: {} } }],
      [
        { type: 'object', additionalProperties: false, $defs: { x: {} } },
        { type: 'object', additionalProperties: false, $defs: { x: {} } },
      ],
    ])('%j is %j', (parameters, expected) => {
      expect(toAnthropic({ tools: [tool('f', { parameters, strict: true })] }).tools).toEqual([
        { name: 'f', input_schema: expected },
      ]);
    });

    it('takes a long name along as it is', () => {
      const name = `mcp__${'n'.repeat(90)}`;
      expect(toAnthropic({ tools: [tool(name)] }).tools?.[0]?.name).toBe(name);
    });
  });

  describe('thinking', () => {
    const thinking = { reasoning: true };
    const adaptive = { reasoning: true, upstreamModel: ADAPTIVE_CLAUDE };

    it.each(['minimal', 'low', 'medium', 'high', 'xhigh', 'max', 'an effort yet to come'])(
      'with effort %s has a budget that Anthropic takes, whatever the limit',
      (effort) => {
        for (const limit of [undefined, 1, 1024, 1535, 1536, 2000, 5000, 64_000]) {
          for (const modelMaxOutputTokens of [undefined, 1000, 8192]) {
            const body = toAnthropic(
              { reasoning_effort: effort, ...(limit === undefined ? {} : { max_tokens: limit }) },
              { ...thinking, modelMaxOutputTokens },
            );
            const budget = body.thinking?.type === 'enabled' ? body.thinking.budget_tokens : undefined;
            if (limit !== undefined) expect(body.max_tokens).toBe(limit);
            if (budget !== undefined) {
              expect(budget).toBeGreaterThanOrEqual(1024);
              expect(budget).toBeLessThan(body.max_tokens);
            }
            expect(budget === undefined).toBe(body.max_tokens < 1536);
          }
        }
      },
    );

    it('stands beside no sampling parameter', () => {
      const request = { reasoning_effort: 'high', temperature: 0.3, top_p: 0.9 };
      for (const rest of [thinking, adaptive]) {
        const body = toAnthropic(request, rest);
        expect(body.thinking).toBeDefined();
        expect(body).not.toHaveProperty('temperature');
        expect(body).not.toHaveProperty('top_p');
      }
    });

    it.each(['required', { type: 'function', function: { name: 'f' } }])(
      'gives way to a tool that is forced (%j), and not to one that may be called',
      (choice) => {
        const request = { reasoning_effort: 'high', tools: TOOLS };
        for (const rest of [thinking, adaptive]) {
          expect(toAnthropic({ ...request, tool_choice: choice }, rest)).not.toHaveProperty('thinking');
          for (const free of ['auto', 'none', undefined]) {
            expect(toAnthropic({ ...request, tool_choice: free }, rest).thinking).toBeDefined();
          }
        }
      },
    );

    it.each([
      ['claude-opus-4-6', 'xhigh', 'high'],
      ['claude-opus-4-6', 'minimal', 'low'],
      ['claude-opus-4-6', 'max', 'max'],
      ['claude-opus-4-8', 'xhigh', 'xhigh'],
      ['claude-sonnet-4-6', 'medium', 'medium'],
    ])('%s knows the effort %s as %s', (upstreamModel, effort, expected) => {
      expect(toAnthropic({ reasoning_effort: effort }, { ...thinking, upstreamModel }).output_config).toEqual(
        {
          effort: expected,
        },
      );
    });
  });

  describe('thinking of earlier turns', () => {
    const FORMAT = 'anthropic-claude-v1';
    // Not to be touched: white space, odd letters and what looks like an escape are part of what is signed.
    const SIGNATURE = 'EqQB+/=\n "\\u00e4" \u{1F642} ';
    const signed = (index: number, rest: object = {}): object => ({
      type: 'reasoning.text',
      text: ' hm\n',
      signature: SIGNATURE,
      format: FORMAT,
      index,
      ...rest,
    });
    const redacted = (index: number, rest: object = {}): object => ({
      type: 'reasoning.encrypted',
      data: 'c2VjcmV0',
      format: FORMAT,
      index,
      ...rest,
    });
    const THOUGHT = { type: 'thinking', thinking: ' hm\n', signature: SIGNATURE };
    const REDACTED = { type: 'redacted_thinking', data: 'c2VjcmV0' };
    const USE = { type: 'tool_use', id: 'a', name: 'f', input: {} };
    const words = (text: string): object => ({ type: 'text', text });

    const models: readonly (readonly [string, Partial<ProviderCall>])[] = [
      ['a budget', { reasoning: true, upstreamModel: BUDGET_CLAUDE }],
      ['adaptive thinking', { reasoning: true, upstreamModel: ADAPTIVE_CLAUDE }],
    ];
    const request = (turn: object, after: readonly object[] = [result('a')]): object => ({
      reasoning_effort: 'high',
      tools: TOOLS,
      messages: [user('Go'), { role: 'assistant', ...turn }, ...after],
    });
    const called = (details: unknown, content: string | null = null): object => ({
      content,
      tool_calls: [toolCall('a')],
      reasoning_details: details,
    });
    const turnIn = (body: AnthropicRequest): unknown => body.messages[1]?.content;

    describe.each(models)('of a model with %s', (_name, rest) => {
      it('stands before the call, to the byte', () => {
        const body = toAnthropic(request(called([signed(0)])), rest);
        expect(body.thinking).toBeDefined();
        expect(turnIn(body)).toEqual([THOUGHT, USE]);
      });

      it('keeps its place among words, calls and what is redacted', () => {
        const turn = called([redacted(2), signed(0), signed(3)], 'Well');
        expect(turnIn(toAnthropic(request(turn), rest))).toEqual([
          THOUGHT,
          words('Well'),
          REDACTED,
          THOUGHT,
          USE,
        ]);
      });

      it('begins a turn by what is redacted as well', () => {
        const body = toAnthropic(request(called([redacted(0)])), rest);
        expect(body.thinking).toBeDefined();
        expect(turnIn(body)).toEqual([REDACTED, USE]);
      });

      it.each([
        ['an empty text', { text: '' }],
        ['no text', { text: undefined }],
        ['a text of the wrong type', { text: 7 }],
      ])('counts by its signature alone, with %s', (_what, more) => {
        expect(turnIn(toAnthropic(request(called([signed(0, more)])), rest))).toEqual([
          { ...THOUGHT, thinking: '' },
          USE,
        ]);
      });

      it('is put together from the pieces of a stream', () => {
        const pieces = [
          { type: 'reasoning.text', text: ' h', format: FORMAT, index: 0 },
          { type: 'reasoning.text', text: 'm\n', format: FORMAT, index: 0 },
          { type: 'reasoning.text', signature: SIGNATURE, format: FORMAT, index: 0 },
          { type: 'reasoning.encrypted', data: 'c2Vj', format: FORMAT, index: 1 },
          { type: 'reasoning.encrypted', data: 'cmV0', format: FORMAT, index: 1 },
        ];
        expect(turnIn(toAnthropic(request(called(pieces)), rest))).toEqual([THOUGHT, REDACTED, USE]);
      });

      it('without an index has the place it has in the list', () => {
        const details = [signed(0, { index: undefined }), redacted(0, { index: 'one' })];
        expect(turnIn(toAnthropic(request(called(details)), rest))).toEqual([THOUGHT, REDACTED, USE]);
      });

      it.each<[string, unknown]>([
        ['no signature', [signed(0, { signature: undefined })]],
        ['an empty signature', [signed(0, { signature: '' })]],
        ['a signature of the wrong type', [signed(0, { signature: { a: 1 } })]],
        ['no data', [redacted(0, { data: undefined })]],
        ['empty data', [redacted(0, { data: '' })]],
        [
          'another maker’s format',
          [signed(0, { format: 'openai-responses-v1' }), redacted(0, { format: 'x' })],
        ],
        ['no format', [signed(0, { format: undefined })]],
        ['a kind nobody knows', [signed(0, { type: 'reasoning.summary' }), signed(0, { type: 7 })]],
        ['no list', { 0: signed(0) }],
        ['a text', 'hm'],
        ['null', null],
        ['entries that are none', [null, 7, 'x', [signed(0)]]],
      ])('is left out with %s', (_what, details) => {
        const body = toAnthropic(request(called(details, 'Well')), rest);
        expect(turnIn(body)).toEqual([words('Well'), USE]);
        // A budget wants the turn to begin with it; adaptive thinking does without.
        expect(body.thinking).toEqual(
          rest.upstreamModel === ADAPTIVE_CLAUDE ? { type: 'adaptive' } : undefined,
        );
      });

      it.each([Number.MAX_SAFE_INTEGER, 1e300, -1, 0.5])('survives the index %d', (index) => {
        const body = toAnthropic(request(called([signed(index), signed(0)])), rest);
        const content = turnIn(body) as { type: string }[];
        expect(content.at(-1)?.type).toBe('tool_use');
        expect(content.filter(({ type }) => type === 'tool_use')).toHaveLength(1);
      });

      it('is left out where the call does not think', () => {
        const turn = called([signed(0), redacted(1)], 'Well');
        for (const off of [
          { reasoning_effort: 'none' },
          { reasoning_effort: null },
          { tool_choice: 'required' },
          { max_tokens: 1 },
        ]) {
          const body = toAnthropic({ ...request(turn), ...off }, rest);
          if (body.thinking !== undefined) {
            // Adaptive thinking has no least budget.
            expect([off, rest.upstreamModel]).toEqual([{ max_tokens: 1 }, ADAPTIVE_CLAUDE]);
            continue;
          }
          expect(turnIn(body)).toEqual([words('Well'), USE]);
        }
        expect(turnIn(toAnthropic(request(turn), { ...rest, reasoning: false }))).toEqual([
          words('Well'),
          USE,
        ]);
      });

      it('never ends a turn: one of thinking alone is left out, and the turns about it are one', () => {
        const alone = { content: '', reasoning_details: [signed(0), redacted(1)] };
        const body = toAnthropic(request(alone, [user('And?')]), rest);
        expect(body.thinking).toBeDefined();
        expect(body.messages).toEqual([{ role: 'user', content: [words('Go'), words('And?')] }]);
        // Behind words nothing can have followed it, unless it was made up.
        const behind = { content: 'Well', reasoning_details: [signed(0), signed(5)] };
        expect(turnIn(toAnthropic(request(behind, [user('And?')]), rest))).toEqual([THOUGHT, words('Well')]);
        // The message that goes on from it may come apart from it.
        const apart = request(alone, [calls('a'), result('a')]);
        expect(turnIn(toAnthropic(apart, rest))).toEqual([THOUGHT, REDACTED, USE]);
      });
    });

    it('never ends a turn at Bedrock either', () => {
      const alone = { content: '', reasoning_details: [signed(0)] };
      const claude = { reasoning: true, upstreamModel: BEDROCK_CLAUDE };
      const body = toBedrock(request(alone, [user('And?')]), claude);
      expect(body.messages).toEqual([{ role: 'user', content: [{ text: 'Go' }, { text: 'And?' }] }]);
      const kept = toBedrock(request(called([signed(0)])), claude);
      expect(kept.messages[1]?.content[0]).toEqual({
        reasoningContent: { reasoningText: { text: ' hm\n', signature: SIGNATURE } },
      });
    });

    it('comes back from a whole answer and from a stream as it was given', () => {
      const blocks = [THOUGHT, REDACTED, words('Well'), { ...THOUGHT, thinking: '' }, USE];
      const whole = answerFrom('anthropic', { type: 'message', content: blocks, stop_reason: 'tool_use' });
      const { message } = whole.completion.choices[0]!;
      expect(turnIn(toAnthropic(request(message), models[0]![1]))).toEqual(blocks);

      const chunks = streamFrom('anthropic', [
        { type: 'message_start', message: { id: 'm', usage: { input_tokens: 1 } } },
        {
          type: 'content_block_start',
          index: 0,
          content_block: { type: 'thinking', thinking: '', signature: '' },
        },
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: ' h' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'm\n' } },
        { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: SIGNATURE } },
        { type: 'content_block_stop', index: 0 },
        { type: 'content_block_start', index: 1, content_block: REDACTED },
        { type: 'content_block_stop', index: 1 },
        { type: 'content_block_start', index: 2, content_block: { type: 'text', text: 'We' } },
        { type: 'content_block_delta', index: 2, delta: { type: 'text_delta', text: 'll' } },
        { type: 'content_block_stop', index: 2 },
        { type: 'content_block_start', index: 3, content_block: { type: 'thinking', thinking: '' } },
        { type: 'content_block_delta', index: 3, delta: { type: 'signature_delta', signature: SIGNATURE } },
        { type: 'content_block_stop', index: 3 },
        { type: 'content_block_start', index: 4, content_block: { ...USE, input: {} } },
        { type: 'content_block_stop', index: 4 },
        { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 1 } },
        { type: 'message_stop' },
      ]);
      const details = chunks.flatMap(({ choices }) => {
        const delta = choices[0]?.delta as { reasoning_details?: object[] } | undefined;
        return delta?.reasoning_details ?? [];
      });
      const streamed = { content: textOf(chunks), tool_calls: [toolCall('a')], reasoning_details: details };
      expect(turnIn(toAnthropic(request(streamed), models[0]![1]))).toEqual(blocks);
      expect(JSON.stringify(chunks)).not.toContain('"content":" h');
    });

    it.each(['openai', 'gemini', 'vertex', 'groq', 'mistral'] as const)('reaches %s never', (api) => {
      const upstreamModel = api === 'gemini' || api === 'vertex' ? GEMINI_3 : 'm';
      const body = bodyFor(api, request(called([signed(0), redacted(1)])), {
        reasoning: true,
        upstreamModel,
      });
      expect(JSON.stringify(body)).not.toMatch(/c2VjcmV0|EqQB|reasoning_details/);
    });
  });

  it('of a fetched picture and of one in the request', () => {
    const image = (url: string): object => ({ type: 'image_url', image_url: { url, detail: 'high' } });
    // The bytes say PNG, whatever is declared.
    const png = Buffer.from('\x89PNG\r\n\x1a\n0000', 'latin1').toString('base64');
    expect(
      toAnthropic({ messages: [user([image(`data:image/jpeg;base64,${png}`), image('https://a.test/x')])] })
        .messages[0]?.content,
    ).toEqual([
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
      { type: 'image', source: { type: 'url', url: 'https://a.test/x' } },
    ]);
    expect(
      catchError(() => toAnthropic({ messages: [user([image('data:image/tiff;base64,AAAA')])] })),
    ).toMatchObject({ status: 400, param: 'messages[0].content[0]' });
  });
});

describe('an answer of Anthropic', () => {
  const start = {
    type: 'message_start',
    message: { id: 'm', usage: { input_tokens: 10, output_tokens: 1 } },
  };
  const stop = { type: 'message_stop' };

  it('counts what the last event of the stream says, input too, and adds nothing up', () => {
    const chunks = streamFrom('anthropic', [
      start,
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: { input_tokens: 12, cache_read_input_tokens: 5, output_tokens: 7 },
      },
      stop,
    ]);
    expect(chunks.at(-1)?.usage).toMatchObject({
      prompt_tokens: 17,
      completion_tokens: 7,
      total_tokens: 24,
      prompt_tokens_details: { cached_tokens: 5 },
    });
  });

  it('may have text in the event that only begins a block', () => {
    const chunks = streamFrom('anthropic', [
      start,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'He' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'y' } },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: {} },
      stop,
    ]);
    expect(textOf(chunks)).toBe('Hey');
  });

  it('reads the same after each kind of block that is not for the client', () => {
    const foreign = [
      'server_tool_use',
      'web_search_tool_result',
      'web_fetch_tool_result',
      'code_execution_tool_result',
      'bash_code_execution_tool_result',
      'mcp_tool_use',
      'mcp_tool_result',
      'container_upload',
      'fallback',
      'compaction',
    ].map((type) => ({ type, id: 'x', name: 'x', input: { a: 1 }, content: [{ type: 'text', text: 'no' }] }));
    const content = [...foreign, { type: 'text', text: 'A' }, ...foreign, { type: 'text', text: 'B' }];
    expect(choiceFrom('anthropic', { type: 'message', content, stop_reason: 'end_turn' })).toMatchObject({
      finish_reason: 'stop',
      message: { content: 'AB' },
    });
  });

  it.each([
    ['invalid_request_error', 400, 'invalid_request'],
    ['authentication_error', 401, 'authentication'],
    ['billing_error', 402, 'billing'],
    ['permission_error', 403, 'permission'],
    ['not_found_error', 404, 'not_found'],
    ['request_too_large', 413, 'request_too_large'],
    ['rate_limit_error', 429, 'rate_limited'],
    ['api_error', 500, 'server_error'],
    ['timeout_error', 504, 'server_error'],
    ['overloaded_error', 529, 'overloaded'],
  ])('that is the error %s within a stream stands for status %i', (type, status, kind) => {
    const event = { type: 'error', error: { type, message: 'x' } };
    for (const payloads of [[event], [start, event]]) {
      const error = catchError(() => streamFrom('anthropic', payloads));
      expect(error).toBeInstanceOf(ProviderError);
      expect(error).toMatchObject({ status, kind, providerCode: type });
    }
  });
});

describe('a request to Gemini', () => {
  it('knows the roles user and model alone', () => {
    const { contents } = toGemini({
      messages: [
        { role: 'system', content: 'S' },
        user('A'),
        { role: 'developer', content: 'D' },
        { role: 'assistant', content: 'B' },
        { role: 'assistant', content: null, tool_calls: [toolCall('a')] },
        result('a'),
        user('C'),
      ],
    });
    expect(contents.map(({ role }) => role)).toEqual(['user', 'model', 'user']);
  });

  it('of nothing but blanks does not throw', () => {
    for (const api of ['gemini', 'anthropic'] as const) {
      const upstreamModel = api === 'gemini' ? GEMINI_2 : BUDGET_CLAUDE;
      for (const content of ['', [], [{ type: 'text', text: '' }]]) {
        expect(() => bodyFor(api, { messages: [user(content)] }, { upstreamModel })).not.toThrow();
      }
    }
    const { contents } = toGemini({ messages: [{ role: 'developer', content: 'S' }, user('')] });
    expect(contents).toEqual([{ role: 'user', parts: [{ text: 'S' }] }]);
  });

  it('gives Gemma its system text before the first user turn, wherever it stood', () => {
    const gemma = { upstreamModel: 'gemma-3-27b-it' };
    const system = { role: 'system', content: 'S' };
    expect(toGemini({ messages: [{ role: 'assistant', content: 'A' }, user('U'), system] }, gemma)).toEqual({
      contents: [
        { role: 'model', parts: [{ text: 'A' }] },
        { role: 'user', parts: [{ text: 'S' }, { text: 'U' }] },
      ],
    });
    expect(toGemini({ messages: [{ role: 'assistant', content: 'A' }, system] }, gemma).contents[0]).toEqual({
      role: 'user',
      parts: [{ text: 'S' }],
    });
  });

  describe('function responses', () => {
    const responsesIn = (body: GeminiRequest): unknown =>
      body.contents.flatMap(({ parts }) => parts.flatMap(({ functionResponse }) => functionResponse ?? []));
    const named = (id: string, name: string): object => toolCall(id, { function: { name, arguments: '{}' } });

    it('name the call of their round where ids come back in each', () => {
      const turn = (...list: object[]): object => ({ role: 'assistant', content: null, tool_calls: list });
      const messages = [
        user('Go'),
        turn(named('call_0', 'one'), named('call_1', 'two')),
        result('call_1', 'second'),
        result('call_0', 'first'),
        turn(named('call_0', 'three')),
        result('call_0', 'third'),
      ];
      expect(responsesIn(toGemini({ messages }))).toEqual([
        { name: 'one', response: { output: 'first' } },
        { name: 'two', response: { output: 'second' } },
        { name: 'three', response: { output: 'third' } },
      ]);
    });

    it.each([
      ['sunny', { output: 'sunny' }],
      ['', { output: '' }],
      ['{"a":1}', { a: 1 }],
      [' {"a":1}\n', { a: 1 }],
      ['[1,2]', { output: [1, 2] }],
      ['{"a":', { output: '{"a":' }],
      ['7', { output: '7' }],
      ['null', { output: 'null' }],
      ['"x"', { output: '"x"' }],
    ])('%j becomes the object %j', (content, response) => {
      const messages = [user('Go'), calls('a'), result('a', content)];
      expect(responsesIn(toGemini({ messages }))).toEqual([{ name: 'f', response }]);
    });

    it('have ids where the model knows them: Gemini 3, not 2.5, and never at Vertex AI', () => {
      const messages = [user('Go'), calls('a'), result('a')];
      const idsIn = (body: unknown): unknown => JSON.stringify(body).match(/"id":"a"/g)?.length ?? 0;
      expect(idsIn(toGemini({ messages }, { upstreamModel: GEMINI_3 }))).toBe(2);
      expect(idsIn(toGemini({ messages }))).toBe(0);
      expect(idsIn(bodyFor('vertex', { messages }, { upstreamModel: GEMINI_3 }))).toBe(0);
    });
  });

  describe('thought signatures', () => {
    const answer = (...parts: object[]): object => ({
      candidates: [{ content: { role: 'model', parts }, finishReason: 'STOP' }],
    });
    const call = { functionCall: { name: 'f', args: {} } };
    const replayed = (body: object, upstreamModel = GEMINI_3): unknown => {
      const { message } = choiceFrom('gemini', body);
      const results = (message.tool_calls ?? []).map(({ id }) => result(id));
      const { contents } = toGemini({ messages: [user('Go'), message, ...results] }, { upstreamModel });
      return contents[1]?.parts.map(({ text, functionCall, thoughtSignature }) => [
        text ?? functionCall?.name,
        thoughtSignature,
      ]);
    };

    it.each<[string, object[], unknown]>([
      [
        'the first of parallel calls alone',
        [{ ...call, thoughtSignature: 's1' }, call],
        [
          ['f', 's1'],
          ['f', undefined],
        ],
      ],
      [
        'each call that has one',
        [
          { ...call, thoughtSignature: 's1' },
          { ...call, thoughtSignature: 's2' },
        ],
        [
          ['f', 's1'],
          ['f', 's2'],
        ],
      ],
      ['a text', [{ text: 'Well', thoughtSignature: 's1' }], [['Well', 's1']]],
      [
        'an empty text at the end',
        [{ text: 'Well' }, { text: '', thoughtSignature: 's1' }],
        [['Well', 's1']],
      ],
      [
        'an empty text alone, beside a call',
        [
          { text: '', thoughtSignature: 's1' },
          { ...call, thoughtSignature: 's2' },
        ],
        [
          ['', 's1'],
          ['f', 's2'],
        ],
      ],
      [
        'nothing that is a thought',
        [{ text: 'hm', thought: true, thoughtSignature: 's1' }, { text: 'A' }],
        [['A', undefined]],
      ],
    ])('go back on %s', (_name, parts, expected) => {
      expect(replayed(answer(...parts))).toEqual(expected);
    });

    it('come through a stream, on the call and on the empty text that ends it', () => {
      const chunks = streamFrom('gemini', [
        answer({ text: 'Well' }),
        answer({ ...call, thoughtSignature: 's1' }),
        answer({ text: '', thoughtSignature: 's2' }),
      ]);
      expect(toolDeltasOf(chunks)[0]).toMatchObject({
        extra_content: { google: { thought_signature: 's1' } },
      });
      const deltas = chunks.map(({ choices }) => choices[0]?.delta);
      expect(deltas).toContainEqual({ extra_content: { google: { thought_signature: 's2' } } });
    });

    it.each([undefined, null, '', 7, {}])('of a wrong kind (%j) are lost ones', (signature) => {
      const extra = { extra_content: { google: { thought_signature: signature } } };
      const messages = [
        user('Go'),
        { ...calls('x'), tool_calls: [toolCall('x', extra)], ...extra },
        result('x'),
      ];
      expect(toGemini({ messages }, { upstreamModel: GEMINI_3 }).contents[1]?.parts).toMatchObject([
        { thoughtSignature: 'skip_thought_signature_validator' },
      ]);
      expect(JSON.stringify(toGemini({ messages }).contents)).not.toContain('thoughtSignature');
    });
  });

  describe('limits', () => {
    it.each([
      [{ max_tokens: 7 }, 7],
      [{ max_completion_tokens: 9 }, 9],
      [{ max_tokens: 7, max_completion_tokens: 9 }, 9],
    ])('%j: %i tokens, thinking in them', (limits, expected) => {
      expect(toGemini(limits).generationConfig).toEqual({ maxOutputTokens: expected });
    });

    it('that thinking has used up leave an empty answer that says so', () => {
      const usageMetadata = { promptTokenCount: 3, thoughtsTokenCount: 20, totalTokenCount: 23 };
      for (const candidate of [{ finishReason: 'MAX_TOKENS' }, { content: {}, finishReason: 'MAX_TOKENS' }]) {
        const body = { candidates: [candidate], usageMetadata };
        const { completion, usage } = answerFrom('gemini', body);
        expect(completion.choices).toMatchObject([{ finish_reason: 'length', message: { content: '' } }]);
        expect(usage).toMatchObject({ completionTokens: 20, reasoningTokens: 20 });
        const chunks = streamFrom('gemini', [body]);
        expect(finishesOf(chunks)).toContain('length');
        expect(chunks[0]?.choices[0]?.delta).toMatchObject({ role: 'assistant' });
      }
    });

    it('of stop sequences are Google’s to hold', () => {
      const stop = ['a', 'b', 'c', 'd', 'e', 'f', ''];
      expect(toGemini({ stop }).generationConfig?.stopSequences).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    });
  });

  it.each([
    ['gemini-3-flash-preview', 'minimal', 'MINIMAL'],
    ['gemini-3-flash-preview', 'none', 'MINIMAL'],
    ['gemini-3-flash-preview', 'low', 'LOW'],
    ['gemini-3-flash-preview', 'high', 'HIGH'],
    ['gemini-3-flash-preview', 'xhigh', 'HIGH'],
    ['gemini-3-pro-preview', 'minimal', 'LOW'],
    ['gemini-3-pro-preview', 'high', 'HIGH'],
  ])('%s thinks at effort %s on the level %s', (upstreamModel, effort, level) => {
    const body = toGemini({ reasoning_effort: effort }, { upstreamModel, reasoning: true });
    expect(body.generationConfig?.thinkingConfig).toEqual({ thinkingLevel: level });
  });

  it('says a function’s schema in JSON Schema, and none where there is none', () => {
    const parameters = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'object',
      title: 'T',
      properties: { a: { $ref: '#/$defs/x' }, b: { type: ['string', 'null'], format: 'email' } },
      additionalProperties: false,
      $defs: { x: { const: 'v' } },
    };
    const [declared] = toGemini({ tools: [tool('f', { parameters, strict: true })] }).tools ?? [];
    const [declaration] = declared?.functionDeclarations ?? [];
    expect(declaration).not.toHaveProperty('parameters');
    expect(JSON.stringify(declaration)).not.toMatch(/"const"|"strict"/);
    // `$schema`, `title` and `additionalProperties` are refused in `parameters` alone.
    expect(declaration?.parametersJsonSchema).toMatchObject({
      additionalProperties: false,
      properties: { a: { $ref: '#/$defs/x' } },
      $defs: { x: { type: 'string', enum: ['v'] } },
    });
    const [bare] = toGemini({ tools: [tool('g', { parameters: null })] }).tools ?? [];
    expect(bare).toEqual({ functionDeclarations: [{ name: 'g' }] });
  });
});

describe('an answer of Gemini', () => {
  const candidate = (parts: unknown, finishReason?: string): object => ({
    candidates: [{ content: { role: 'model', parts }, finishReason }],
  });

  it.each<readonly [string, string]>([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ...[
      'SAFETY',
      'RECITATION',
      'BLOCKLIST',
      'PROHIBITED_CONTENT',
      'SPII',
      'IMAGE_SAFETY',
      'MODEL_ARMOR',
      'LANGUAGE',
    ].map((name) => [name, 'content_filter'] as const),
    ['MALFORMED_FUNCTION_CALL', 'stop'],
    ['UNEXPECTED_TOOL_CALL', 'stop'],
    ['SOMETHING_NEW', 'stop'],
  ])('that ends by %s ends by %s, streamed or not', (reason, expected) => {
    expect(choiceFrom('gemini', candidate([{ text: 'A' }], reason)).finish_reason).toBe(expected);
    expect(finishesOf(streamFrom('gemini', [candidate([{ text: 'A' }], reason)])).at(-1)).toBe(expected);
  });

  it.each([
    ['no parts', {}],
    ['empty parts', { parts: [] }],
    ['a signature alone', { parts: [{ thoughtSignature: 's' }] }],
    ['an empty text', { parts: [{ text: '' }] }],
    [
      'parts of other kinds',
      { parts: [{ executableCode: {} }, { codeExecutionResult: {} }, { inlineData: {} }] },
    ],
    ['parts that are none', { parts: [null, 7, 'x'] }],
  ])('with %s in it is empty', (_name, content) => {
    const body = { candidates: [{ content, finishReason: 'STOP' }] };
    expect(choiceFrom('gemini', body)).toMatchObject({ finish_reason: 'stop', message: { content: '' } });
    expect(textOf(streamFrom('gemini', [body]))).toBe('');
  });

  it('gives calls ids that no later answer repeats', () => {
    const body = candidate([{ functionCall: { name: 'f' } }, { functionCall: { name: 'f' } }], 'STOP');
    const ids = [1, 2, 3].flatMap(() => [
      ...(choiceFrom('gemini', body).message.tool_calls ?? []).map(({ id }) => id),
      ...toolDeltasOf(streamFrom('gemini', [body])).map(({ id }) => id),
    ]);
    expect(new Set(ids).size).toBe(12);
    expect(ids.every((id) => /^[a-zA-Z0-9_-]{1,40}$/.test(id ?? ''))).toBe(true);
  });

  it('may tell its usage before the end, and again: the last total counts', () => {
    const usage = (candidatesTokenCount?: number): object => ({
      usageMetadata: { promptTokenCount: 4, candidatesTokenCount, totalTokenCount: 99 },
    });
    const chunks = streamFrom('gemini', [
      { ...candidate([{ text: 'A' }]), ...usage() },
      { ...candidate([{ text: 'B' }]), ...usage(2) },
      candidate([{ text: '' }], 'STOP'),
    ]);
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 });
  });

  it('that is an error says how long to wait, within a stream too', () => {
    const error = {
      code: 429,
      status: 'RESOURCE_EXHAUSTED',
      message: 'Quota',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '21s' }],
    };
    for (const body of [{ error }, [{ error }]]) {
      expect(adapterFor('gemini').parseError({ status: 429, headers: {}, body })).toMatchObject({
        kind: 'rate_limited',
        retryAfterMs: 21_000,
      });
      expect(catchError(() => streamFrom('gemini', [body]))).toMatchObject({
        kind: 'rate_limited',
        retryAfterMs: 21_000,
      });
    }
  });
});

describe('upstreams of OpenAI’s shape', () => {
  const chunk = (delta: unknown, finish: unknown = null, rest: object = {}): object => ({
    id: 'c',
    created: 5,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finish }],
    ...rest,
  });
  const message = (said: object, finish: unknown = 'stop', rest: object = {}): object => ({
    id: 'c',
    choices: [{ index: 0, message: { role: 'assistant', content: null, ...said }, finish_reason: finish }],
    ...rest,
  });
  const failure = (api: ProviderApi, status: number, body: unknown): ProviderError =>
    adapterFor(api).parseError({ status, headers: {}, body });

  it('Mistral: content in parts, whole and in chunks; calls without a type; usage unasked', () => {
    const parts = [
      { type: 'thinking', thinking: [{ type: 'text', text: 'hm' }] },
      { type: 'text', text: 'A' },
    ];
    const bare = { id: 'D681PevKs', function: { name: 'f', arguments: '{}' } };
    expect(
      choiceFrom('mistral', message({ content: parts, tool_calls: [bare] }, 'tool_calls')),
    ).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: 'A', reasoning_content: 'hm', tool_calls: [{ ...bare, type: 'function' }] },
    });
    const chunks = streamFrom('mistral', [
      chunk({ role: 'assistant', content: [parts[0]] }, null, { p: 'abc' }),
      chunk({ content: [parts[1]] }),
      chunk({ content: 'B' }, 'model_length', { usage: { prompt_tokens: 3, completion_tokens: 2 } }),
      '[DONE]',
    ]);
    expect(textOf(chunks)).toBe('AB');
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ reasoning_content: 'hm' });
    expect(finishesOf(chunks).filter((finish) => finish !== null)).toEqual(['length']);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 5 } });
  });

  it('Groq: a call that the model got wrong is no fault of the caller’s', () => {
    const error = {
      type: 'invalid_request_error',
      code: 'tool_use_failed',
      message: 'x',
      failed_generation: 'y',
    };
    expect(failure('groq', 400, { error })).toMatchObject({ kind: 'bad_response', status: 400 });
    expect(failure('groq', 400, { error: { ...error, code: 'json_validate_failed' } }).kind).toBe(
      'bad_response',
    );
    const translator = adapterFor('groq').createStreamTranslator(callOf({}, { stream: true }));
    const data = JSON.stringify({ error: { ...error, status_code: 400 } });
    expect(catchError(() => translator.push({ event: 'error', data }))).toMatchObject({
      kind: 'bad_response',
    });
    // Of all other 400 the caller is to know.
    expect(failure('groq', 400, { error: { ...error, code: 'other' } }).kind).toBe('invalid_request');
  });

  it('Groq: a whole call in one delta and an empty one after it is one call', () => {
    const whole = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"a":1}' } };
    const chunks = streamFrom('groq', [
      chunk({ role: 'assistant', reasoning: 'hm', channel: 'analysis' }, null, { x_groq: { id: 'r' } }),
      chunk({ tool_calls: [whole] }),
      chunk({ tool_calls: [{ index: 0, function: { arguments: '' } }] }),
      chunk({}, 'tool_calls', { x_groq: { id: 'r', usage: { prompt_tokens: 1 } } }),
      '[DONE]',
    ]);
    expect(toolDeltasOf(chunks)).toEqual([whole]);
    expect(chunks[0]?.choices[0]?.delta).toMatchObject({ reasoning_content: 'hm' });
  });

  it.each([
    ['OpenRouter', 'openrouter', 429, { error: { code: 429, message: 'x', metadata: {} } }, 'rate_limited'],
    ['OpenRouter', 'openrouter', 402, { error: { code: 402, message: 'x' } }, 'billing'],
    [
      'xAI',
      'xai',
      400,
      { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: x' },
      'authentication',
    ],
    ['xAI', 'xai', 404, { code: 'Some requested entity was not found', error: 'No such model' }, 'not_found'],
    ['Mistral', 'mistral', 401, { detail: 'Invalid' }, 'authentication'],
    ['Mistral', 'mistral', 422, { detail: [{ loc: ['body'], msg: 'x' }] }, 'invalid_request'],
    ['Azure', 'azure-openai', 401, { error: { code: '401', message: 'x' } }, 'authentication'],
    [
      'DeepSeek',
      'deepseek',
      400,
      { error: { message: 'No tool output found for tool call a.' } },
      'invalid_request',
    ],
    ['vLLM', 'vllm', 400, { object: 'error', message: 'x', code: 400 }, 'invalid_request'],
    ['a proxy', 'openai-compatible', 502, '<html>Bad Gateway</html>', 'server_error'],
  ] as const)('%s (%s) %i %j is %s', (_name, api, status, body, kind) => {
    const error = failure(api, status, body);
    expect(error.kind).toBe(kind);
    expect(error.status).toBe(status);
  });

  it('vLLM: null for what is not there, and fields of its own', () => {
    const nothing = { tool_calls: null, function_call: null, annotations: null, audio: null, refusal: null };
    const whole = message({ content: 'A', ...nothing }, 'stop', { prompt_token_ids: null, usage: null });
    expect(choiceFrom('vllm', whole)).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: 'A', refusal: null },
    });
    expect(choiceFrom('vllm', whole).message).not.toHaveProperty('tool_calls');
    const chunks = streamFrom('vllm', [
      chunk({ role: 'assistant', content: '', ...nothing }),
      chunk({ content: 'A', ...nothing }, null, { usage: { prompt_tokens: 2, completion_tokens: 1 } }),
      chunk({ content: '', ...nothing }, 'stop', { usage: { prompt_tokens: 2, completion_tokens: 3 } }),
    ]);
    expect(textOf(chunks)).toBe('A');
    expect(chunks.at(-1)?.usage).toMatchObject({ completion_tokens: 3, total_tokens: 5 });
    expect(JSON.stringify(chunks)).not.toMatch(/"tool_calls"|"function_call"/);
  });

  it.each(['', null, undefined, 'eos', 'SomethingNew'])(
    'a finish reason of %j is an end at [DONE]',
    (finish) => {
      const chunks = streamFrom('openai-compatible', [chunk({ content: 'A' }), chunk({}, finish), '[DONE]']);
      expect(finishesOf(chunks)).toEqual([null, 'stop']);
    },
  );

  it('usage: details in part, null at first, and the last total', () => {
    const usage = {
      prompt_tokens: 4,
      completion_tokens: 2,
      prompt_tokens_details: null,
      completion_tokens_details: {},
    };
    const chunks = streamFrom('openai-compatible', [
      chunk({ content: 'A' }, null, { usage: null }),
      chunk({}, 'stop', { usage: {} }),
      { id: 'c', choices: [], usage },
      '[DONE]',
    ]);
    expect(chunks.at(-1)?.usage).toMatchObject({ prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 });
  });

  it('both names for thinking are one, and neither is content', () => {
    const said = { content: 'A', reasoning: 'hm', reasoning_content: 'hm' };
    expect(choiceFrom('openai-compatible', message(said)).message).toMatchObject({
      content: 'A',
      reasoning_content: 'hm',
    });
    const [first] = streamFrom('openai-compatible', [chunk(said, 'stop'), '[DONE]']);
    expect(first?.choices[0]?.delta).toMatchObject({ content: 'A', reasoning_content: 'hm' });
  });

  it('calls of two choices do not mix', () => {
    const of = (index: number, name: string): object => ({
      id: 'c',
      choices: [
        {
          index,
          delta: { tool_calls: [{ index: 0, id: name, function: { name, arguments: '{}' } }] },
          finish_reason: 'stop',
        },
      ],
    });
    const chunks = streamFrom('openai-compatible', [of(0, 'one'), of(1, 'two'), '[DONE]']);
    const seen = chunks.flatMap(({ choices }) =>
      choices.flatMap(({ index, delta }) =>
        (delta.tool_calls ?? []).map(({ index: at, id }) => [index, at, id]),
      ),
    );
    expect(seen).toEqual([
      [0, 0, 'one'],
      [1, 0, 'two'],
    ]);
  });
});

describe('our own wire', () => {
  /** The same answer from every kind of upstream: words, and a call without arguments. */
  const STREAMS: Partial<Record<ProviderApi, readonly (object | string)[]>> = {
    'openai-compatible': [
      { choices: [{ delta: { content: 'A' } }] },
      { choices: [{ delta: { tool_calls: [{ id: 'x', function: { name: 'f' } }] } }] },
      { choices: [{ delta: {}, finish_reason: 'tool_calls' }] },
      { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } },
      '[DONE]',
    ],
    anthropic: [
      { type: 'message_start', message: { id: 'm', model: 'c', usage: { input_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'A' } },
      { type: 'content_block_start', index: 3, content_block: { type: 'tool_use', id: 'x', name: 'f' } },
      { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 2 } },
      { type: 'message_stop' },
    ],
    gemini: [
      { candidates: [{ content: { parts: [{ text: 'A' }] } }] },
      {
        candidates: [
          { content: { parts: [{ functionCall: { id: 'x', name: 'f' } }] }, finishReason: 'STOP' },
        ],
      },
      { usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 2 } },
    ],
  };

  it.each(Object.entries(STREAMS) as [ProviderApi, readonly object[]][])(
    'is the same from %s: role first, one id, calls named once, the end once, usage apart',
    (api, payloads) => {
      const chunks = streamFrom(api, payloads);
      expect(
        new Set(chunks.map(({ id, created, model, object }) => `${id} ${created} ${model} ${object}`)).size,
      ).toBe(1);
      expect(chunks[0]?.id).not.toBe('');
      expect(chunks[0]).toHaveProperty('object', 'chat.completion.chunk');
      const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
      expect(deltas.map(({ role }) => role)).toEqual(['assistant', ...deltas.slice(1).map(() => undefined)]);
      const [first, ...rest] = toolDeltasOf(chunks);
      expect(first).toMatchObject({ index: 0, id: 'x', type: 'function', function: { name: 'f' } });
      for (const delta of rest) {
        expect(delta.index).toBe(0);
        expect(delta).not.toHaveProperty('id');
        expect(delta.function).not.toHaveProperty('name');
      }
      expect([first, ...rest].map((delta) => delta?.function?.arguments ?? '').join('')).toBe('{}');
      const finishes = finishesOf(chunks);
      expect(finishes).toEqual([...finishes.slice(0, -1).map(() => null), 'tool_calls']);
      expect(
        chunks.flatMap(({ choices }) => choices.map(({ logprobs }) => logprobs)).every((it) => it === null),
      ).toBe(true);
      expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2 } });
      expect(chunks.slice(0, -1).every((chunk) => !('usage' in chunk) || chunk.usage === undefined)).toBe(
        true,
      );
    },
  );

  it.each<[ProviderApi, Json]>([
    ['openai-compatible', { choices: [{ message: { content: 'A' } }] }],
    ['anthropic', { type: 'message', content: [{ type: 'text', text: 'A' }] }],
    ['gemini', { candidates: [{ content: { parts: [{ text: 'A' }] } }] }],
  ])('has what the schema wants in a whole answer of %s', (api, body) => {
    const { completion } = answerFrom(api, body);
    expect(completion).toMatchObject({
      object: 'chat.completion',
      choices: [
        {
          index: 0,
          finish_reason: 'stop',
          logprobs: null,
          message: { role: 'assistant', content: 'A', refusal: null },
        },
      ],
    });
    expect(completion.id).not.toBe('');
    expect(completion.created).toBeGreaterThan(1_700_000_000);
  });
});

describe('server-sent events of an upstream', () => {
  function read(bytes: Uint8Array, at: number): WireEvent[] {
    const events: WireEvent[] = [];
    const reader = new ServerSentEventReader((event) => events.push(event));
    for (let start = 0; start < bytes.length; start += at) reader.feed(bytes.subarray(start, start + at));
    reader.end();
    return events;
  }

  const FRAMINGS: Readonly<Record<string, string>> = {
    'line feeds': 'event: e\ndata: {"ä":\ndata: "🙂"}\n\ndata: 2\n\n',
    'carriage returns and line feeds': 'event: e\r\ndata: {"ä":\r\ndata: "🙂"}\r\n\r\ndata: 2\r\n\r\n',
    'carriage returns alone': 'event: e\rdata: {"ä":\rdata: "🙂"}\r\rdata: 2\r\r',
    'no space after the colon': 'event:e\ndata:{"ä":\ndata:"🙂"}\n\ndata:2\n\n',
    'no blank line at the end': 'event: e\ndata: {"ä":\ndata: "🙂"}\n\ndata: 2',
    'comments and other fields':
      ': OPENROUTER PROCESSING\n\n:\nid: 1\nevent: e\ndata: {"ä":\n: x\nretry: 5\ndata: "🙂"}\n\n\n\ndata: 2\n\n',
    'a byte order mark': '\uFEFFevent: e\ndata: {"ä":\ndata: "🙂"}\n\ndata: 2\n\n',
  };

  it.each(Object.entries(FRAMINGS))('with %s are the same, cut anywhere', (_name, text) => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 1; at <= bytes.length; at += 1) {
      expect(read(bytes, at)).toEqual([
        { event: 'e', data: '{"ä":\n"🙂"}' },
        { event: undefined, data: '2' },
      ]);
    }
  });

  it.each(['openai', 'openai-compatible', 'anthropic', 'gemini'] as const)(
    'that are none are an error of %s, not a wait',
    (api) => {
      expect(catchError(() => streamFrom(api, []))).toMatchObject({ kind: 'stream_cut' });
      expect(catchError(() => streamFrom(api, ['{"broken']))).toMatchObject({ kind: 'bad_response' });
      expect(catchError(() => streamFrom(api, ['7']))).toMatchObject({ kind: 'bad_response' });
    },
  );
});
