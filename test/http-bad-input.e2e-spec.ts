import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KpiReport } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { type ExpectedError, expectErrorResponse } from './support/openai-error.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const USER = { role: 'user', content: 'What is the capital of France?' };
const INVALID = { status: 400, code: 'invalid_request', type: 'invalid_request_error' } as const;

function withMessage(message: unknown): object {
  return { messages: [USER, message] };
}

function withTool(tool: unknown): object {
  return { tools: [tool] };
}

function nested(depth: number): string {
  return `{"messages":[{"role":"user","content":"x"}],"metadata":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
}

/** What is laid over a good body, and the field the error must name. */
const WRONG_FIELDS: readonly (readonly [string, object, string])[] = [
  ['model a number', { model: 5 }, 'model'],
  ['model an object', { model: { name: 'gpt-4o-mini' } }, 'model'],
  ['model empty', { model: '' }, 'model'],
  ['model blank', { model: '  ' }, 'model'],
  ['model endless', { model: 'm'.repeat(257) }, 'model'],
  ['messages missing', { messages: undefined }, 'messages'],
  ['messages null', { messages: null }, 'messages'],
  ['messages a string', { messages: 'hello' }, 'messages'],
  ['messages an object', { messages: { 0: USER, length: 1 } }, 'messages'],
  ['messages empty', { messages: [] }, 'messages'],
  ['too many messages', { messages: Array.from({ length: 2_001 }, () => USER) }, 'messages'],
  ['a message that is a string', withMessage('hello'), 'messages[1]'],
  ['a message that is null', withMessage(null), 'messages[1]'],
  ['an unknown role', withMessage({ role: 'wizard', content: 'x' }), 'messages[1].role'],
  ['role __proto__', withMessage({ role: '__proto__', content: 'x' }), 'messages[1].role'],
  ['no role', withMessage({ content: 'x' }), 'messages[1].role'],
  ['content a number', withMessage({ role: 'user', content: 5 }), 'messages[1].content'],
  ['content missing', withMessage({ role: 'user' }), 'messages[1].content'],
  ['a part that is a number', withMessage({ role: 'user', content: [5] }), 'messages[1].content[0]'],
  [
    'a part of unknown type',
    withMessage({ role: 'user', content: [{ type: 'constructor', constructor: 'x' }] }),
    'messages[1].content[0].type',
  ],
  [
    'a text part without text',
    withMessage({ role: 'user', content: [{ type: 'text' }] }),
    'messages[1].content[0].text',
  ],
  [
    'an image part without url',
    withMessage({ role: 'user', content: [{ type: 'image_url', image_url: {} }] }),
    'messages[1].content[0].image_url.url',
  ],
  [
    'tool_calls of a user',
    withMessage({ role: 'user', content: 'x', tool_calls: [] }),
    'messages[1].tool_calls',
  ],
  ['tool_calls an object', withMessage({ role: 'assistant', tool_calls: {} }), 'messages[1].tool_calls'],
  [
    'a tool call without id',
    withMessage({ role: 'assistant', tool_calls: [{ type: 'function' }] }),
    'messages[1].tool_calls[0].id',
  ],
  [
    'tool call arguments as an object',
    withMessage({
      role: 'assistant',
      tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: {} } }],
    }),
    'messages[1].tool_calls[0].function.arguments',
  ],
  ['a tool answer without call', withMessage({ role: 'tool', content: 'x' }), 'messages[1].tool_call_id'],
  ['tools an object', { tools: {} }, 'tools'],
  [
    'too many tools',
    {
      tools: Array.from({ length: 129 }, (_, index) => ({
        type: 'function',
        function: { name: `f${index}` },
      })),
    },
    'tools',
  ],
  ['a tool that is a string', withTool('get_weather'), 'tools[0]'],
  ['a tool of unknown type', withTool({ type: 'constructor' }), 'tools[0].type'],
  ['a tool without function', withTool({ type: 'function' }), 'tools[0].function'],
  ['a tool without name', withTool({ type: 'function', function: {} }), 'tools[0].function.name'],
  [
    'tool parameters a string',
    withTool({ type: 'function', function: { name: 'f', parameters: 'city' } }),
    'tools[0].function.parameters',
  ],
  ['tool_choice unknown', { tool_choice: 'perhaps' }, 'tool_choice'],
  ['n zero', { n: 0 }, 'n'],
  ['n too large', { n: 5 }, 'n'],
  ['n a string', { n: '2' }, 'n'],
  ['max_tokens zero', { max_tokens: 0 }, 'max_tokens'],
  ['max_tokens a string', { max_tokens: '10' }, 'max_tokens'],
  ['max_completion_tokens a fraction', { max_completion_tokens: 1.5 }, 'max_completion_tokens'],
  ['temperature too high', { temperature: 2.1 }, 'temperature'],
  ['temperature a string', { temperature: 'hot' }, 'temperature'],
  ['top_p too high', { top_p: 1.1 }, 'top_p'],
  ['presence_penalty too low', { presence_penalty: -3 }, 'presence_penalty'],
  ['frequency_penalty a list', { frequency_penalty: [] }, 'frequency_penalty'],
  ['seed a fraction', { seed: 0.5 }, 'seed'],
  ['stream a string', { stream: 'true' }, 'stream'],
  ['stream a number', { stream: 1 }, 'stream'],
  ['stream_options a string', { stream: true, stream_options: 'x' }, 'stream_options'],
  [
    'include_usage a string',
    { stream: true, stream_options: { include_usage: 'yes' } },
    'stream_options.include_usage',
  ],
  ['logit_bias a string', { logit_bias: 'x' }, 'logit_bias'],
  ['metadata a number', { metadata: 5 }, 'metadata'],
  ['modalities a string', { modalities: 'text' }, 'modalities'],
  ['logprobs a number', { logprobs: 3 }, 'logprobs'],
  ['top_logprobs too large', { logprobs: true, top_logprobs: 21 }, 'top_logprobs'],
  ['parallel_tool_calls a string', { parallel_tool_calls: 'no' }, 'parallel_tool_calls'],
  ['store a string', { store: 'no' }, 'store'],
  ['user a number', { user: 7 }, 'user'],
  ['reasoning_effort a number', { reasoning_effort: 7 }, 'reasoning_effort'],
  ['stop a number', { stop: 7 }, 'stop'],
  ['stop a list of numbers', { stop: [7] }, 'stop'],
  ['response_format a string', { response_format: 'json' }, 'response_format'],
  ['response_format without type', { response_format: {} }, 'response_format'],
];

/** Bodies as they go over the wire. */
const WRONG_BODIES: readonly (readonly [string, string, Partial<ExpectedError>])[] = [
  ['malformed JSON', '{"messages": [', { message: /not valid JSON/ }],
  ['a word', 'hello', { message: /not valid JSON/ }],
  ['an empty body', '', { message: /JSON/ }],
  ['a JSON list', '[{"role":"user","content":"x"}]', { message: /JSON object/ }],
  ['a JSON string', '"x"', { message: /JSON object/ }],
  ['a JSON number', '5', { message: /JSON object/ }],
  ['JSON null', 'null', { message: /JSON object/ }],
  ['JSON true', 'true', { message: /JSON object/ }],
  ['an empty object', '{}', { param: 'messages' }],
  [
    'a key __proto__ instead of messages',
    '{"__proto__":{"messages":[{"role":"user","content":"x"}]}}',
    { param: 'messages' },
  ],
  ['nesting of 10,000', nested(10_000), { message: /nested deeper than 64/ }],
];

const UNKNOWN_MODELS = ['constructor', '__proto__', 'hasOwnProperty', 'toString', 'gpt-97'];

const WRONG_HEADERS: readonly (readonly [string, Record<string, string>, string])[] = [
  ['x-llm-surface: __proto__', { 'x-llm-surface': '__proto__' }, 'x-llm-surface'],
  ['x-llm-surface: constructor', { 'x-llm-surface': 'constructor' }, 'x-llm-surface'],
  ['an unknown surface', { 'x-llm-surface': 'suport' }, 'x-llm-surface'],
  ['an endless surface', { 'x-llm-surface': 's'.repeat(8_000) }, 'x-llm-surface'],
  ['an unknown workload', { 'x-llm-workload': 'urgent' }, 'x-llm-workload'],
  ['workload __proto__', { 'x-llm-workload': '__proto__' }, 'x-llm-workload'],
  ...['0', '-5', '1.5', '1e3', 'soon', '0x10', '99999999999'].map(
    (value) => [`a deadline of ${value}`, { 'x-llm-deadline-ms': value }, 'x-llm-deadline-ms'] as const,
  ),
];

const POST_ROUTES = ['/v1/chat/completions', '/router/explain'] as const;

describe.each(PLATFORMS)('bad input on %s', (platform) => {
  let upstream: ScriptedUpstream;
  let router: RouterApp;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
    router = await createRouterApp({
      platform,
      options: {
        providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
        surfaces: { support: {} },
      },
    });
  });

  // The point of it all: whatever was wrong, no provider has seen it.
  let seenBefore = 0;
  beforeEach(() => {
    seenBefore = upstream.requestCount;
  });
  afterEach(() => {
    expect(upstream.requestCount).toBe(seenBefore);
  });

  afterAll(async () => {
    await router.close();
    await upstream.close();
  });

  describe.each(POST_ROUTES)('POST %s refuses', (path) => {
    it.each(WRONG_FIELDS)('%s', async (_name, patch, param) => {
      const response = await router.postJson(path, { model: 'auto', messages: [USER], ...patch });
      await expectErrorResponse(response, { ...INVALID, param, message: new RegExp(`^.${escaped(param)}.`) });
    });

    it.each(WRONG_BODIES)('%s', async (_name, body, expected) => {
      await expectErrorResponse(await router.postJson(path, body), { ...INVALID, ...expected });
    });

    it.each(UNKNOWN_MODELS)('the unknown model %s', async (model) => {
      await expectErrorResponse(await router.postJson(path, { model, messages: [USER] }), {
        status: 404,
        code: 'model_not_found',
        param: 'model',
      });
    });

    it.each(WRONG_HEADERS)('%s', async (_name, headers, param) => {
      const response = await router.postJson(path, { messages: [USER] }, headers);
      await expectErrorResponse(response, { ...INVALID, param });
    });

    it.each([
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/jsonp',
      'text/plain; application/json',
    ])('the content type %s', async (contentType) => {
      const response = await router.postJson(path, { messages: [USER] }, { 'content-type': contentType });
      await expectErrorResponse(response, { ...INVALID, param: 'content-type' });
    });

    it('a body with no content type at all', async () => {
      const body = new TextEncoder().encode(JSON.stringify({ messages: [USER] }));
      const response = await router.fetch(path, { method: 'POST', body });
      await expectErrorResponse(response, { ...INVALID, param: 'content-type' });
    });

    it('a POST with neither body nor content type', async () => {
      await expectErrorResponse(await router.fetch(path, { method: 'POST' }), INVALID);
    });

    it('a compressed body', async () => {
      const response = await router.postJson(path, { messages: [USER] }, { 'content-encoding': 'gzip' });
      await expectErrorResponse(response, { ...INVALID, param: 'content-encoding' });
    });
  });

  it('names the surface that was meant', async () => {
    const response = await router.postJson(
      '/v1/chat/completions',
      { messages: [USER] },
      { 'x-llm-surface': 'suport' },
    );
    await expectErrorResponse(response, { ...INVALID, message: /support/ });
  });

  it('repeats nothing of a malformed body in its error', async () => {
    const response = await router.postJson('/v1/chat/completions', '{"canary-6021": oops');
    expect(await response.text()).not.toContain('canary-6021');
  });
});

describe.each(PLATFORMS)('refused requests on %s', (platform) => {
  it('are counted as refused, each once, with a decision id and without an attempt', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    const router = await createRouterApp({
      platform,
      options: {
        providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
        limits: { bodyBytes: 4_096 },
      },
    });
    try {
      const path = '/v1/chat/completions';
      const answers = [
        await router.postJson(path, '{"messages": ['),
        await router.postJson(path, ''),
        await router.postJson(path, '[]'),
        await router.postJson(path, { messages: [] }),
        await router.postJson(path, { messages: [USER], stream: 'yes' }),
        await router.postJson(path, { messages: [USER], temperature: 9, stream: true }),
        await router.postJson(path, { messages: [USER], model: 'constructor' }),
        await router.postJson(path, { messages: [USER] }, { 'x-llm-surface': '__proto__' }),
        await router.postJson(path, { messages: [USER] }, { 'x-llm-workload': 'urgent' }),
        await router.postJson(path, { messages: [USER] }, { 'x-llm-deadline-ms': 'soon' }),
        await router.postJson(path, { messages: [USER] }, { 'content-type': 'text/plain' }),
        await router.postJson(path, { messages: [{ role: 'user', content: 'x'.repeat(8_192) }] }),
      ];
      const decisions = new Set(answers.map((answer) => answer.headers.get('x-llm-decision-id')));
      const report = (await (await router.fetch('/router/kpis')).json()) as KpiReport;
      expect(report.total).toMatchObject({
        requests: answers.length,
        refused: answers.length,
        succeeded: 0,
        errors: 0,
        errorRate: 0,
      });
      expect(Object.keys(report.surfaces)).toEqual(['none']);
      expect(report.deployments).toEqual({});
      expect(decisions.size).toBe(answers.length);
      for (const decision of decisions) expect(decision).toMatch(/^dec_[0-9a-f]{32}$/);
      expect(upstream.requestCount).toBe(0);
    } finally {
      await router.close();
      await upstream.close();
    }
  });

  it('are not those whose client left in the middle of its body', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    const router = await createRouterApp({
      platform,
      options: {
        providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
      },
    });
    try {
      const server = router.app.getHttpServer() as Server;
      const arrived = once(server, 'request') as Promise<[IncomingMessage]>;
      const socket = connect(Number(new URL(router.url).port), '127.0.0.1');
      socket.write(
        'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
          'Content-Length: 1000\r\n\r\n{"messages":',
      );
      const [request] = await arrived;
      const gone = once(request, 'close').catch(() => 'gone');
      socket.destroy();
      await gone;
      const report = (await (await router.fetch('/router/kpis')).json()) as KpiReport;
      expect(report.total).toMatchObject({ requests: 1, clientLeft: 1, refused: 0, errors: 0 });
      expect(upstream.requestCount).toBe(0);
    } finally {
      await router.close();
      await upstream.close();
    }
  });
});

function escaped(text: string): string {
  return text.replace(/[[\].]/g, '\\$&');
}
