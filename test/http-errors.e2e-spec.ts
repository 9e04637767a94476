import type { Server } from 'node:http';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { expectErrorResponse } from './support/openai-error.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const QUESTION = {
  model: 'auto',
  messages: [{ role: 'user' as const, content: 'What is the capital of France?' }],
};
const TOOL = { type: 'function' as const, function: { name: 'look_up', parameters: { type: 'object' } } };

describe.each(PLATFORMS)('errors on %s', (platform) => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const part of opened.splice(0).reverse()) await part.close();
  });

  async function openUpstream(): Promise<ScriptedUpstream> {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    opened.push(upstream);
    return upstream;
  }

  /** Two models at two providers, one the other's fallback. */
  async function open(
    options: LlmRouterOptions = {},
  ): Promise<{ first: ScriptedUpstream; second: ScriptedUpstream; router: RouterApp }> {
    const [first, second] = [await openUpstream(), await openUpstream()];
    const router = await createRouterApp({
      platform,
      options: {
        providers: {
          first: { api: 'openai', baseUrl: first.baseUrl, apiKey: 'test-key' },
          second: { api: 'openai', baseUrl: second.baseUrl, apiKey: 'test-key' },
        },
        models: {
          alpha: {
            provider: 'first',
            capabilities: ['streaming', 'tools'],
            contextWindow: 4_000,
            quality: 0.4,
          },
          beta: { provider: 'second', capabilities: ['streaming'], contextWindow: 1_000, quality: 0.8 },
        },
        routingRules: { simple_queries: { primary: 'alpha', fallback: 'beta' } },
        surfaces: { legal: { qualityFloor: 0.7 } },
        ...options,
      },
    });
    opened.push(router);
    return { first, second, router };
  }

  it.each([false, true])(
    'every attempt rate-limited, no wait fits the deadline: 429 with the smallest at once (stream: %s)',
    async (stream) => {
      const { first, second, router } = await open();
      first.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 7 });
      second.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 3 });
      const hasty = { 'x-llm-deadline-ms': '2000' };
      const response = await router.postJson(CHAT, { ...QUESTION, stream }, hasty);
      await expectErrorResponse(response, {
        status: 429,
        code: 'rate_limit_exceeded',
        type: 'rate_limit_error',
      });
      expect(response.headers.get('retry-after')).toBe('3');
      expect(response.headers.get('retry-after-ms')).toBe('3000');
      expect(response.headers.get('x-should-retry')).not.toBe('false');
      expect(first.requestCount + second.requestCount).toBe(2);
      await expect(
        router.client.chat.completions.create({ ...QUESTION, stream }, { headers: hasty }),
      ).rejects.toBeInstanceOf(OpenAI.RateLimitError);
      // Both were heard: neither is asked again before its time.
      expect(first.requestCount + second.requestCount).toBe(2);
    },
  );

  it('one attempt rate-limited, one failing: 502, not 429', async () => {
    const { first, second, router } = await open();
    first.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    second.failAlways({ kind: 'status', status: 500 });
    await expectErrorResponse(await router.postJson(CHAT, QUESTION), {
      status: 502,
      code: 'all_attempts_failed',
    });
  });

  it.each([
    ['500', { kind: 'status', status: 500 }],
    ['529', { kind: 'status', status: 529 }],
    ['a refused key of ours', { kind: 'status', status: 401 }],
    ['a refused connection', { kind: 'refused' }],
    ['a cut answer', { kind: 'cut', afterChunks: 0 }],
  ] as const)('every attempt ends in %s: 502 that no SDK repeats', async (_name, fault) => {
    const { first, second, router } = await open();
    first.failAlways(fault);
    second.failAlways(fault);
    const response = await router.postJson(CHAT, QUESTION);
    const message = await expectErrorResponse(response, {
      status: 502,
      code: 'all_attempts_failed',
      type: 'server_error',
      param: null,
    });
    expect(message).toContain('alpha at first');
    expect(message).toContain('beta at second');
    expect(response.headers.get('x-should-retry')).toBe('false');
    expect(response.headers.get('x-llm-decision-id')).toMatch(/^dec_/);

    const before = first.requestCount + second.requestCount;
    const eager = new OpenAI({ apiKey: 'any', baseURL: `${router.url}/v1`, maxRetries: 2 });
    await expect(eager.chat.completions.create(QUESTION)).rejects.toBeInstanceOf(OpenAI.InternalServerError);
    // Each is called twice, and no more; a key that was refused a moment ago is not sent again.
    const isCalled = fault.kind !== 'refused' && !(fault.kind === 'status' && fault.status === 401);
    expect(first.requestCount + second.requestCount - before).toBe(isCalled ? 4 : 0);
  });

  it.each([false, true])(
    'a client’s deadline: 504 that no SDK repeats, upstream ended (stream: %s)',
    async (stream) => {
      const { first, router } = await open({
        routingRules: { simple_queries: { primary: 'alpha' } },
        surfaces: {},
      });
      first.failAlways({ kind: 'stalled' });
      const response = await router.postJson(CHAT, { ...QUESTION, stream }, { 'x-llm-deadline-ms': '150' });
      await expectErrorResponse(response, {
        status: 504,
        code: 'deadline_exceeded',
        type: 'server_error',
        message: /150/,
      });
      expect(response.headers.get('x-should-retry')).toBe('false');
      await first.whenAborted(1);

      const eager = new OpenAI({
        apiKey: 'any',
        baseURL: `${router.url}/v1`,
        maxRetries: 2,
        defaultHeaders: { 'x-llm-deadline-ms': '100' },
      });
      await expect(eager.chat.completions.create(QUESTION)).rejects.toMatchObject({
        status: 504,
        code: 'deadline_exceeded',
      });
      expect(first.requestCount).toBe(2);
    },
  );

  it('a client’s deadline cannot be longer than the application’s', async () => {
    const { first, router } = await open({
      routingRules: { simple_queries: { primary: 'alpha' } },
      surfaces: {},
      execution: { deadlineMs: 150 },
    });
    first.failAlways({ kind: 'stalled' });
    const response = await router.postJson(CHAT, QUESTION, { 'x-llm-deadline-ms': '600000' });
    await expectErrorResponse(response, { status: 504, code: 'deadline_exceeded', message: /150/ });
    const explained = await router.postJson('/router/explain', QUESTION, { 'x-llm-deadline-ms': '9999999' });
    expect(await explained.json()).toMatchObject({ plan: { deadlineMs: 150 } });
    const shorter = await router.postJson('/router/explain', QUESTION, { 'x-llm-deadline-ms': '40' });
    expect(await shorter.json()).toMatchObject({ plan: { deadlineMs: 40 } });
  });

  it('no model that may and can: 400 with every reason', async () => {
    const { first, second, router } = await open();
    const response = await router.postJson(
      CHAT,
      { ...QUESTION, tools: [TOOL] },
      { 'x-llm-surface': 'legal' },
    );
    const message = await expectErrorResponse(response, {
      status: 400,
      code: 'no_eligible_model',
      type: 'invalid_request_error',
    });
    expect(message).toMatch(/alpha: [^;]*quality/i);
    expect(message).toMatch(/beta: [^;]*tools/i);
    expect(first.requestCount + second.requestCount).toBe(0);
    await expect(
      router.client.chat.completions.create(
        { ...QUESTION, tools: [TOOL] },
        { headers: { 'x-llm-surface': 'legal' } },
      ),
    ).rejects.toBeInstanceOf(OpenAI.BadRequestError);
  });

  it('longer than every window: 400 context_length_exceeded, nothing called', async () => {
    const { first, second, router } = await open();
    const long = [{ role: 'user' as const, content: 'word '.repeat(20_000) }];
    await expectErrorResponse(await router.postJson(CHAT, { messages: long }), {
      status: 400,
      code: 'context_length_exceeded',
      type: 'invalid_request_error',
    });
    expect(first.requestCount + second.requestCount).toBe(0);
  });

  it('a model nobody knows: 404 as the official client expects it', async () => {
    const { router } = await open();
    await expect(
      router.client.chat.completions.create({ ...QUESTION, model: 'gpt-97' }),
    ).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(
      router.client.chat.completions.create({ ...QUESTION, model: 'gpt-97' }),
    ).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
  });

  it('keys and surfaces: the official client’s classes', async () => {
    const { router } = await open({ http: { apiKeys: [{ key: 'key-legal', surfaces: ['legal'] }] } });
    await expect(router.client.chat.completions.create(QUESTION)).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    const client = new OpenAI({ apiKey: 'key-legal', baseURL: `${router.url}/v1`, maxRetries: 0 });
    await expect(
      client.chat.completions.create(QUESTION, { headers: { 'x-llm-surface': 'support' } }),
    ).rejects.toBeInstanceOf(OpenAI.PermissionDeniedError);
    await expect(client.chat.completions.create({ ...QUESTION, temperature: 9 })).rejects.toMatchObject({
      status: 400,
      param: 'temperature',
    });
  });

  it('too many under way: 503 with a wait', async () => {
    const { first, router } = await open({ limits: { requestsInFlight: 1 } });
    first.failAlways({ kind: 'stalled' });
    const leave = new AbortController();
    const held = router.client.chat.completions
      .create(QUESTION, { signal: leave.signal })
      .catch(() => 'left');
    await first.whenRequests(1);
    const response = await router.postJson(CHAT, QUESTION);
    await expectErrorResponse(response, { status: 503, code: 'overloaded', type: 'server_error' });
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    leave.abort();
    expect(await held).toBe('left');
    await first.whenAborted(1);
    // The client's pool has opened a spare connection, for which `close` would wait four seconds.
    (router.app.getHttpServer() as Server).closeAllConnections();
  });

  it('after the first byte: an error event, no [DONE], and the official client raises', async () => {
    const { first, second, router } = await open();
    first.setReply(() => ({ text: 'one two three four five six seven eight' }));
    first.failAlways({ kind: 'cut', afterChunks: 2 });
    const text = await (await router.postJson(CHAT, { ...QUESTION, stream: true })).text();
    const events = text.split('\n\n').filter((event) => event.startsWith('data: '));
    expect(events.length).toBeGreaterThan(1);
    expect(JSON.parse(events.at(-1)!.slice(6))).toMatchObject({
      error: { code: 'stream_interrupted', param: null },
    });
    expect(text).not.toContain('[DONE]');
    expect(second.requestCount).toBe(0);

    const stream = await router.client.chat.completions.create({ ...QUESTION, stream: true });
    const read = async (): Promise<void> => {
      for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk');
    };
    await expect(read()).rejects.toBeInstanceOf(OpenAI.APIError);
  });
});
