import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV2, LanguageModelV3 } from '@ai-sdk/provider';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  type AiSdkLanguageModel,
  checkLlmRouterOptions,
  ConfigurationError,
  type LlmRouterOptions,
  RouterService,
} from 'nestjs-llm-router';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamRequest,
} from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll, readStream } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const KEY = 'sk-secret-of-the-ai-sdk-0123456789';
const CAPABILITIES = ['streaming', 'tools', 'json_schema', 'vision', 'documents', 'audio'] as const;
const MESSAGES = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const CALL = { model: 'simple_queries', messages: MESSAGES };
/** OpenAI marks them as deprecated, and every client sends them. */
const OLD_FIELDS: object = { seed: 7, max_tokens: 50, user: 'u-1' };
const ENDLESS = Array.from({ length: 500 }, (_, index) => `word${index}`).join(' ');

/** Providers of the AI SDK as an application makes them. */
const PROVIDERS = {
  '@ai-sdk/openai-compatible': (baseURL: string, apiKey = KEY) => {
    const provider = createOpenAICompatible({
      name: 'acme',
      baseURL,
      apiKey,
      includeUsage: true,
      supportsStructuredOutputs: true,
    });
    return (modelId: string): AiSdkLanguageModel => provider(modelId);
  },
  '@ai-sdk/openai': (baseURL: string, apiKey = KEY) => {
    const provider = createOpenAI({ baseURL, apiKey });
    return (modelId: string): AiSdkLanguageModel => provider.chat(modelId);
  },
} as const;

const NAMES = Object.keys(PROVIDERS) as (keyof typeof PROVIDERS)[];

function optionsOf(
  languageModel: (modelId: string) => AiSdkLanguageModel,
  fallbackUrl: string,
): LlmRouterOptions {
  return {
    providers: {
      acme: { api: 'ai-sdk', languageModel },
      other: { api: 'anthropic', baseUrl: fallbackUrl, apiKey: 'k2' },
    },
    models: {
      first: {
        provider: 'acme',
        upstreamModel: 'first-v1',
        contextWindow: 100_000,
        capabilities: [...CAPABILITIES],
        price: { inputPer1M: 2, outputPer1M: 8 },
      },
      second: { provider: 'other', contextWindow: 100_000, capabilities: [...CAPABILITIES] },
    },
    // Nothing may look like slowness here.
    routingRules: { simple_queries: { primary: 'first', fallback: 'second', maxLatencyMs: 30_000 } },
  };
}

describe.each(NAMES)('%s as a provider', (name) => {
  let upstream: ScriptedUpstream;
  let fallback: ScriptedUpstream;
  let bench: FaultBench;
  let router: RouterService;
  const made: string[] = [];

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai', requireKey: KEY });
    fallback = await createScriptedUpstream({ api: 'anthropic', reply: () => ({ text: 'The other one.' }) });
    const languageModel = PROVIDERS[name](upstream.baseUrl);
    bench = await createFaultBench({
      platform: 'express',
      options: optionsOf((modelId) => {
        made.push(modelId);
        return languageModel(modelId);
      }, fallback.baseUrl),
    });
    router = bench.app.get(RouterService);
  });

  beforeEach(() => {
    bench.clear();
    upstream.setReply(() => ({
      text: 'Paris it is.',
      usage: { promptTokens: 120, completionTokens: 30, cachedTokens: 20 },
    }));
    upstream.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: Infinity });
  });

  afterEach(async () => {
    await Promise.all([upstream.heal(), fallback.heal()]);
    await bench.expectQuiet(upstream, fallback);
    // A fault of one test must not steer the next.
    bench.engine.signals.forget();
  });

  afterAll(async () => {
    await bench.close();
    await Promise.all([upstream.close(), fallback.close()]);
    // One for each name, however many requests there were.
    expect(made).toEqual(['first-v1']);
  });

  it('answers, with usage and its price', async () => {
    const { completion } = await chat();
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'first-v1',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Paris it is.' }, finish_reason: 'stop' }],
      usage: {
        prompt_tokens: 120,
        completion_tokens: 30,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 20 },
      },
    });
    expect(bench.attempts[0]).toMatchObject({
      outcome: 'succeeded',
      provider: 'acme',
      usageSource: 'reported',
      usage: { promptTokens: 120, completionTokens: 30, cachedTokens: 20 },
    });
    // 100 fresh and 20 cached tokens at 2 dollars a million, and 30 at 8.
    expect(bench.attempts[0]!.costUsd).toBeCloseTo((120 * 2 + 30 * 8) / 1e6, 10);
  });

  it('streams, with usage at the end', async () => {
    const chunks = await readAll(router.stream({ ...CALL, stream_options: { include_usage: true } }));
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant');
    expect(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size).toBe(1);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Paris it is.');
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 120, completion_tokens: 30, prompt_tokens_details: { cached_tokens: 20 } },
    });
    expect(bench.attempts[0]).toMatchObject({ outcome: 'succeeded', usageSource: 'reported' });
  });

  it('says what the request says', async () => {
    await router.chat({
      ...CALL,
      messages: [
        { role: 'developer', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
          ],
        },
      ],
      temperature: 0.3,
      top_p: 0.9,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      stop: ['END'],
      ...OLD_FIELDS,
    });
    expect(upstream.requests.at(-1)!.body).toMatchObject({
      model: 'first-v1',
      temperature: 0.3,
      top_p: 0.9,
      presence_penalty: 0.1,
      frequency_penalty: 0.2,
      stop: ['END'],
      ...OLD_FIELDS,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
          ],
        },
      ],
    });
  });

  const WEATHER = {
    type: 'function' as const,
    function: {
      name: 'weather',
      description: 'The weather of a city.',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  };
  const weatherScript = ({ body }: UpstreamRequest) =>
    JSON.stringify(body.messages).includes('"role":"tool"')
      ? { text: 'It rains in Paris.' }
      : {
          toolCalls: [
            { name: 'weather', arguments: { city: 'Paris' } },
            { name: 'weather', arguments: { city: 'Rome' } },
          ],
        };

  it.each(['whole', 'streamed'])('a tool round trip, %s, results in any order', async (how) => {
    upstream.setReply(weatherScript);
    const request = { ...CALL, tools: [WEATHER], tool_choice: 'required' as const };
    const calls: { id: string; name: string; args: string }[] = [];
    if (how === 'whole') {
      const { completion } = await chat(request);
      expect(completion.choices[0]).toMatchObject({
        finish_reason: 'tool_calls',
        message: { content: null },
      });
      for (const call of completion.choices[0]!.message.tool_calls ?? []) {
        if (call.type === 'function') {
          calls.push({ id: call.id, name: call.function.name, args: call.function.arguments });
        }
      }
    } else {
      const chunks = await readAll(router.stream(request));
      for (const delta of chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])) {
        const call = (calls[delta.index] ??= { id: '', name: '', args: '' });
        call.id += delta.id ?? '';
        call.name += delta.function?.name ?? '';
        call.args += delta.function?.arguments ?? '';
      }
      expect(chunks.at(-1)!.choices[0]?.finish_reason ?? chunks.at(-2)!.choices[0]?.finish_reason).toBe(
        'tool_calls',
      );
    }
    expect(calls.map(({ name: tool, args }) => [tool, JSON.parse(args) as unknown])).toEqual([
      ['weather', { city: 'Paris' }],
      ['weather', { city: 'Rome' }],
    ]);
    expect(upstream.requests.at(-1)).toMatchObject({ tools: ['weather'], toolChoice: 'required' });
    const { completion } = await chat({
      ...request,
      tool_choice: 'auto',
      messages: [
        ...MESSAGES,
        {
          role: 'assistant',
          content: null,
          tool_calls: calls.map(({ id, name: tool, args }) => ({
            id,
            type: 'function' as const,
            function: { name: tool, arguments: args },
          })),
        },
        { role: 'tool', tool_call_id: calls[1]!.id, content: 'sun' },
        { role: 'tool', tool_call_id: calls[0]!.id, content: 'rain' },
      ],
    });
    expect(completion.choices[0]!.message.content).toBe('It rains in Paris.');
    expect(upstream.requests.at(-1)!.body.messages).toMatchObject([
      { role: 'user' },
      { role: 'assistant', tool_calls: calls.map(({ id }) => ({ id, function: { name: 'weather' } })) },
      { role: 'tool', tool_call_id: calls[0]!.id, content: 'rain' },
      { role: 'tool', tool_call_id: calls[1]!.id, content: 'sun' },
    ]);
  });

  it('a JSON schema', async () => {
    upstream.setReply(() => ({ text: '{"city":"Paris","people":2}' }));
    const { completion } = await chat({
      ...CALL,
      response_format: zodResponseFormat(z.object({ city: z.string(), people: z.number() }), 'place'),
    });
    expect(JSON.parse(completion.choices[0]!.message.content!)).toEqual({ city: 'Paris', people: 2 });
    expect(upstream.requests.at(-1)!.body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { name: 'place', strict: true, schema: { required: ['city', 'people'] } },
    });
  });

  describe('a fault', () => {
    it.each([
      { status: 401, kind: 'authentication' },
      { status: 404, kind: 'not_found' },
      { status: 429, kind: 'rate_limited' },
      { status: 500, kind: 'server_error' },
      { status: 503, kind: 'overloaded' },
    ])('$status is $kind, and the next provider answers', async ({ status, kind }) => {
      upstream.failNext({ kind: 'status', status });
      const { completion } = await chat();
      expect(completion.choices[0]!.message.content).toBe('The other one.');
      expect(bench.attempts).toMatchObject([
        { provider: 'acme', outcome: 'failed', errorKind: kind, status },
        { provider: 'other', outcome: 'succeeded' },
      ]);
    });

    it('a refused connection, and the next provider answers', async () => {
      upstream.failAlways({ kind: 'refused' });
      await chat();
      expect(bench.attempts).toMatchObject([
        { provider: 'acme', errorKind: 'connection' },
        { provider: 'other', outcome: 'succeeded' },
      ]);
    });

    it.each(['status', 'stream_error', 'cut'] as const)(
      'of kind %s before the first token of a stream, and the next provider answers',
      async (kind) => {
        upstream.failNext(kind === 'status' ? { kind, status: 500 } : { kind, afterChunks: 0 });
        const chunks = await readAll(router.stream(CALL));
        expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('The other one.');
        expect(bench.attempts.map(({ provider, outcome }) => [provider, outcome])).toEqual([
          ['acme', 'failed'],
          ['other', 'succeeded'],
        ]);
      },
    );

    it.each(['stream_error', 'cut'] as const)(
      'of kind %s in mid-stream breaks the answer off',
      async (kind) => {
        upstream.setReply(() => ({ text: ENDLESS }));
        upstream.failNext({ kind, afterChunks: 3 });
        const chunks: unknown[] = [];
        const read = async (): Promise<void> => {
          for await (const chunk of router.stream(CALL)) chunks.push(chunk);
        };
        await expect(read()).rejects.toMatchObject({ code: 'stream_interrupted' });
        expect(chunks.length).toBeGreaterThan(0);
        expect(bench.attempts.map(({ outcome }) => outcome)).toEqual(['failed']);
      },
    );

    it('with a Retry-After reaches a client whom nobody else can serve', async () => {
      upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 7 });
      fallback.failNext({ kind: 'status', status: 429, retryAfterSeconds: 60 });
      // Neither wait fits into it: otherwise the router would wait itself.
      const response = await bench.postJson('/v1/chat/completions', CALL, { 'x-llm-deadline-ms': '2000' });
      expect(response.status).toBe(429);
      expect(response.headers.get('retry-after')).toBe('7');
      expect(bench.attempts.map(({ provider }) => provider)).toEqual(['acme', 'other']);
    });

    it("of the caller's is the caller's, and asks nobody else; no key and no address is in it", async () => {
      upstream.failNext({ kind: 'status', status: 400 });
      const before = fallback.requestCount;
      const response = await bench.postJson('/v1/chat/completions', CALL);
      const text = await response.text();
      expect(response.status).toBe(400);
      expect(JSON.parse(text)).toMatchObject({ error: { type: 'invalid_request_error' } });
      expect(text).not.toContain(KEY);
      expect(text).not.toContain(upstream.origin);
      expect(fallback.requestCount).toBe(before);
    });
  });

  it.each([
    ['n', { n: 2 }],
    ['logit_bias', { logit_bias: { 50256: -100 } }],
    ['tools', { tools: [{ type: 'custom' as const, custom: { name: 'free' } }] }],
  ])('%s, which it cannot say, is refused before any call', async (param, fields) => {
    const before = upstream.requestCount;
    const response = await bench.postJson('/v1/chat/completions', { ...CALL, ...fields });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param } });
    expect(upstream.requestCount).toBe(before);
  });

  describe('a client that leaves', () => {
    it('during a whole answer ends the upstream call', async () => {
      upstream.setLatency({ timeToFirstTokenMs: 20_000, tokensPerSecond: 50 });
      const leave = new AbortController();
      const asked = upstream.requestCount + 1;
      const aborted = upstream.abortedCount + 1;
      const answer = router.chat(CALL, { signal: leave.signal });
      await upstream.whenRequests(asked);
      leave.abort();
      await expect(answer).rejects.toMatchObject({ code: 'client_closed_request' });
      await upstream.whenAborted(aborted);
      expect(bench.attempts.map(({ outcome }) => outcome)).toEqual(['client_left']);
    });

    it('in mid-stream, by its signal, ends the upstream call', async () => {
      upstream.setReply(() => ({ text: ENDLESS }));
      upstream.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: 100 });
      const aborted = upstream.abortedCount + 1;
      const leave = new AbortController();
      const read = async (): Promise<void> => {
        for await (const chunk of router.stream(CALL, { signal: leave.signal })) {
          if (chunk.choices[0]?.delta.content) leave.abort();
        }
      };
      await expect(read()).rejects.toMatchObject({ code: 'client_closed_request' });
      await upstream.whenAborted(aborted);
      expect(bench.attempts.map(({ outcome }) => outcome)).toEqual(['client_left']);
    });

    it('by leaving the loop ends the upstream call', async () => {
      upstream.setReply(() => ({ text: ENDLESS }));
      upstream.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: 100 });
      const aborted = upstream.abortedCount + 1;
      for await (const chunk of router.stream(CALL)) if (chunk.choices[0]?.delta.content) break;
      await upstream.whenAborted(aborted);
      expect(bench.attempts.map(({ outcome }) => outcome)).toEqual(['client_left']);
    });
  });

  async function chat(request: Parameters<RouterService['chat']>[0] = CALL) {
    return { completion: await router.chat(request) };
  }
});

describe.each(PLATFORMS)('a model of the AI SDK behind the HTTP endpoint, on %s', (platform) => {
  it('streams to the official client', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: 'Paris it is.' }) });
    const bench = await createFaultBench({
      platform,
      options: optionsOf(PROVIDERS['@ai-sdk/openai'](upstream.baseUrl), 'http://127.0.0.1:9'),
    });
    const { chunks, text, error, response, raw } = await readStream(bench.url, CALL);
    await bench.close();
    await upstream.close();
    expect(error).toBeUndefined();
    expect(text).toBe('Paris it is.');
    expect(chunks[0]).toMatchObject({ model: 'first-v1', choices: [{ delta: { role: 'assistant' } }] });
    expect(raw).toContain('data: [DONE]');
    expect(response.headers.get('x-llm-provider')).toBe('acme');
    expect(response.headers.get('x-llm-model')).toBe('first');
  });
});

describe('the configuration of api "ai-sdk"', () => {
  const model = { provider: 'acme', contextWindow: 1_000, capabilities: ['streaming' as const] };
  const languageModel = PROVIDERS['@ai-sdk/openai']('http://127.0.0.1:9');

  const problemsOf = (provider: object, models: LlmRouterOptions['models'] = { m: model }): string[] => {
    try {
      checkLlmRouterOptions({
        providers: { acme: provider },
        models,
        routingRules: { simple_queries: { primary: 'm' } },
      });
      return [];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return error.issues.map(({ path, message }) => `${path} ${message}`);
    }
  };

  it('takes a function in either spelling, and needs nothing else', () => {
    expect(problemsOf({ api: 'ai-sdk', languageModel })).toEqual([]);
    expect(problemsOf({ api: 'ai-sdk', language_model: languageModel })).toEqual([]);
  });

  it.each([
    ['nothing', { api: 'ai-sdk' }, /^providers\.acme\.languageModel is required/],
    [
      'a text, as a file has it',
      { api: 'ai-sdk', languageModel: 'cohere' },
      /^providers\.acme\.languageModel must be a function/,
    ],
    ['a key', { api: 'ai-sdk', languageModel, apiKey: 'k' }, /^providers\.acme\.apiKey is not for/],
    ['an address', { api: 'ai-sdk', languageModel, baseUrl: 'http://h' }, /^providers\.acme\.baseUrl is not/],
    ['a CA file', { api: 'ai-sdk', languageModel, caFile: 'ca.pem' }, /^providers\.acme\.caFile is not for/],
    ['a version', { api: 'ai-sdk', languageModel, apiVersion: 'v1' }, /^providers\.acme\.apiVersion is not/],
    [
      'the function at another api',
      { api: 'openai', apiKey: 'k', languageModel },
      /^providers\.acme\.languageModel is for api "ai-sdk" alone/,
    ],
    [
      'the function at Azure',
      { api: 'azure-openai', apiKey: 'k', baseUrl: 'https://a.openai.azure.com', languageModel },
      /^providers\.acme\.languageModel is for api "ai-sdk" alone/,
    ],
  ])('refuses %s', (_what, provider, message) => {
    expect(problemsOf(provider)).toEqual([expect.stringMatching(message)]);
  });

  it('the types take models of both versions, and no other', () => {
    const take = (_model: (modelId: string) => AiSdkLanguageModel): void => undefined;
    take(() => ({}) as LanguageModelV2);
    take(() => ({}) as LanguageModelV3);
    // @ts-expect-error the name of a model of Vercel's gateway, which the AI SDK takes too
    take(() => 'cohere/command-a');
    expect(take).toBeTypeOf('function');
  });
});

describe('a model that cannot be made', () => {
  it.each([
    [
      'its function throws for want of a key',
      () => {
        throw Object.assign(new Error(`no key like ${KEY}`), { name: 'AI_LoadAPIKeyError' });
      },
      'authentication',
    ],
    ['it is of a later version', () => ({ ...emptyModel(), specificationVersion: 'v9' }), 'bad_response'],
    ['it is none', () => undefined, 'bad_response'],
  ])('%s: the next provider answers', async (_why, languageModel, kind) => {
    const fallback = await createScriptedUpstream({ api: 'anthropic', reply: () => ({ text: 'Other.' }) });
    const bench = await createFaultBench({
      platform: 'express',
      options: optionsOf(languageModel as () => AiSdkLanguageModel, fallback.baseUrl),
    });
    const whole = await bench.client.chat.completions.create(CALL);
    const { text } = await readStream(bench.url, CALL);
    const kinds = bench.attempts
      .filter(({ provider }) => provider === 'acme')
      .map(({ errorKind }) => errorKind);
    await bench.close();
    await fallback.close();
    expect([whole.choices[0]!.message.content, text]).toEqual(['Other.', 'Other.']);
    // The second request may begin with the one that works.
    expect(new Set(kinds)).toEqual(new Set([kind]));
  });

  const emptyModel = (): object => ({
    provider: 'p',
    modelId: 'm',
    doGenerate: () => Promise.resolve({}),
    doStream: () => Promise.resolve({}),
  });
});
