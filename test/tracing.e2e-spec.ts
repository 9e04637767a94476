import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AlwaysOffSampler, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LlmRouterOptions, RouterService } from 'nestjs-llm-router';
import type { ScriptedUpstreamOptions } from 'nestjs-llm-router/testing';
import { readStream } from './support/fault-bench.js';
import { HeldUpstream } from './support/held-upstream.js';
import { PLATFORMS, type Platform } from './support/router-app.js';
import { createRefusingUpstream } from './support/refusing-upstream.js';
import { createScene, type Scene } from './support/scene.js';
import { msOf, setUpOpenTelemetry, type TraceBench } from './support/trace-bench.js';

const PRICE = { inputPer1M: 1_000, outputPer1M: 1_000 };
/** Calls from which a p95 is known. */
const KNOWN_AFTER = 12;
/** A start is a whole number of milliseconds. */
const CLOCK_MS = 2;
const USAGE = { promptTokens: 11, completionTokens: 7, cachedTokens: 3 };
const FIRST: ScriptedUpstreamOptions = { api: 'openai', reply: () => ({ text: 'First says', usage: USAGE }) };
const SECOND: ScriptedUpstreamOptions = {
  api: 'anthropic',
  reply: () => ({ text: 'Second says', usage: USAGE }),
};
const THIRD: ScriptedUpstreamOptions = { api: 'gemini', reply: () => ({ text: 'Third says', usage: USAGE }) };

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function openTelemetry(): TraceBench {
  const bench = setUpOpenTelemetry();
  closing.push(() => bench.close());
  return bench;
}

type Three = 'first' | 'second' | 'third';

async function open(
  platform: Platform = 'express',
  options: Partial<LlmRouterOptions> = {},
): Promise<Scene<Three>> {
  const scene = await createScene<Three>({
    platform,
    upstreams: { first: FIRST, second: SECOND, third: THIRD },
    models: {
      first: { provider: 'first', upstreamModel: 'first-v1', price: PRICE },
      second: { provider: 'second', price: PRICE },
      third: { provider: 'third', price: PRICE },
    },
    options: {
      routingRules: {
        simple_queries: {
          tiers: [
            { models: 'first', targetLatencyMs: 5_000 },
            { models: 'second', targetLatencyMs: 5_000 },
            { models: 'third', targetLatencyMs: 5_000 },
          ],
        },
      },
      surfaces: { chat: { latencySloMs: 5_000 }, told: { latencySloMs: 5_000, recordPrompts: true } },
      execution: { hedge: { enabled: true, maxShare: 1 } },
      ...options,
    },
  });
  closing.push(() => scene.close());
  return scene;
}

/** Until it is known how long the two usually take: some milliseconds. */
async function learn(scene: Scene<Three>, stream: boolean): Promise<void> {
  for (const name of ['first', 'second'] as const) {
    for (let count = 0; count < KNOWN_AFTER; count += 1) await scene.ask(name, { stream });
  }
  await scene.expectQuiet(...Object.values(scene.upstreams));
  scene.clear();
}

describe.each(PLATFORMS)('spans of a request, on %s', (platform) => {
  it('show an attempt that failed, a copy that lost and the stream that was served', async () => {
    const scene = await open(platform);
    const { first, second, third } = scene.upstreams;
    await learn(scene, true);
    const bench = openTelemetry();
    first.failNext({ kind: 'status', status: 500 });
    second.failNext({ kind: 'stalled' });
    const thirdBefore = third.requestCount;
    const startedAt = Date.now();
    const read = await readStream(
      scene.url,
      {
        model: 'auto',
        messages: [{ role: 'user', content: 'Say it' }],
        temperature: 0.5,
        max_completion_tokens: 99,
      },
      { 'x-llm-surface': 'chat', 'x-llm-tenant': 'acme' },
    );
    expect(read.text).toBe('Third says');
    await scene.whenEnded(1);
    await scene.expectQuiet(first, second, third);

    const request = bench.spanOf(read.response.headers.get('x-llm-decision-id')!);
    expect(request).toMatchObject({
      name: 'chat auto',
      kind: SpanKind.INTERNAL,
      status: { code: SpanStatusCode.UNSET },
      instrumentationScope: { name: 'nestjs-llm-router' },
    });
    expect(request.parentSpanContext).toBeUndefined();
    expect(request.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'gcp.gemini',
      'gen_ai.response.model': 'third',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.request.stream': true,
      'gen_ai.request.temperature': 0.5,
      'gen_ai.request.max_tokens': 99,
      'llm_router.surface': 'chat',
      'llm_router.workload': 'interactive',
      'llm_router.class': 'simple_queries',
      'llm_router.rule': 'simple_queries',
      'llm_router.score': expect.any(Number) as number,
      'llm_router.policy_hash': scene.engine.runtime.policy.hash,
      'llm_router.candidates': ['first/first', 'second/second', 'third/third'],
      'llm_router.candidates.count': 3,
      'llm_router.rejected.count': 0,
      'llm_router.outcome': 'succeeded',
      'llm_router.attempts': 3,
      'llm_router.deployment': 'third/third',
      'llm_router.tier': 'tertiary',
      'llm_router.fell_back': true,
      'llm_router.hedged': true,
      'llm_router.cost_usd': scene.requests[0]!.costUsd,
    });
    // Tokens are on the calls that are billed for them.
    expect(Object.keys(request.attributes).filter((key) => key.startsWith('gen_ai.usage'))).toEqual([]);

    const calls = bench.childrenOf(request);
    expect(bench.spans()).toHaveLength(4);
    expect(calls.map(({ name, kind, status }) => [name, kind, status.code])).toEqual([
      ['chat first-v1', SpanKind.CLIENT, SpanStatusCode.ERROR],
      ['chat second', SpanKind.CLIENT, SpanStatusCode.UNSET],
      ['chat third', SpanKind.CLIENT, SpanStatusCode.UNSET],
    ]);
    const [failed, lost, served] = calls;
    expect(failed!.attributes).toMatchObject({
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'first-v1',
      'server.address': '127.0.0.1',
      'server.port': first.port,
      'error.type': 'server_error',
      'http.response.status_code': 500,
      'llm_router.outcome': 'failed',
      'llm_router.attempt': 1,
      'llm_router.model': 'first',
    });
    expect(lost!.attributes).toMatchObject({
      'gen_ai.provider.name': 'anthropic',
      'llm_router.outcome': 'hedge_lost',
      'llm_router.attempt': 2,
      'llm_router.usage_source': 'estimated',
    });
    expect(lost!.attributes['error.type']).toBeUndefined();
    expect(served!.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'gcp.gemini',
      'gen_ai.usage.input_tokens': 11,
      'gen_ai.usage.output_tokens': 7,
      'gen_ai.usage.cache_read.input_tokens': 3,
      'gen_ai.response.time_to_first_chunk': expect.any(Number) as number,
      'llm_router.outcome': 'succeeded',
      'gen_ai.response.finish_reasons': ['stop'],
      'llm_router.usage_source': 'reported',
    });
    expect(served!.events.map(({ name }) => name)).toEqual(['gen_ai.first_chunk']);
    // Times: the calls are within the request, and the copy began while the first was under way.
    expect(msOf(request.startTime)).toBeGreaterThanOrEqual(startedAt - 5);
    for (const call of calls) {
      expect(msOf(call.startTime)).toBeGreaterThan(msOf(request.startTime) - CLOCK_MS);
      expect(msOf(call.endTime)).toBeLessThan(msOf(request.endTime) + CLOCK_MS);
    }
    expect(msOf(served!.startTime)).toBeLessThan(msOf(lost!.endTime) + CLOCK_MS);
    // Each call is told its own span.
    expect(third.requests.at(thirdBefore)!.headers.traceparent).toBe(
      `00-${request.spanContext().traceId}-${served!.spanContext().spanId}-01`,
    );
    expect(scene.engine.tracer.open).toBe(0);
    expect(scene.engine.tracer.traceIdOf(scene.requests[0]!.decisionId)).toBe(request.spanContext().traceId);
    expect(trace.getSpan(context.active())).toBeUndefined();
  });
});

const ASK = { model: 'auto', messages: [{ role: 'user' as const, content: 'Say it' }] };
const ENDLESS = Array.from({ length: 500 }, (_, index) => `word${index}`).join(' ');

describe.each(PLATFORMS)('spans, on %s', (platform) => {
  let scene: Scene<Three>;
  let router: RouterService;
  let bench: TraceBench;

  beforeAll(async () => {
    scene = await open(platform, { execution: { hedge: { enabled: false } } });
    // Kept for all tests.
    closing.length = 0;
    router = scene.app.get(RouterService);
  });

  beforeEach(() => {
    bench = openTelemetry();
    scene.engine.signals.forget();
    scene.clear();
  });

  afterEach(async () => {
    for (const upstream of Object.values(scene.upstreams)) await upstream.heal();
    await scene.expectQuiet(...Object.values(scene.upstreams));
    expect(scene.engine.tracer.open).toBe(0);
  });

  afterAll(() => scene.close());

  function theRequest(): ReadableSpan {
    return bench.spanOf(scene.requests[0]!.decisionId);
  }

  it("are children of the application's own, which stays active for who reads the stream", async () => {
    const tracer = trace.getTracer('the application');
    await tracer.startActiveSpan('its own', async (own) => {
      const active: (string | undefined)[] = [];
      for await (const _chunk of router.stream(ASK)) {
        active.push(trace.getActiveSpan()?.spanContext().spanId);
      }
      expect(new Set(active)).toEqual(new Set([own.spanContext().spanId]));
      expect(trace.getActiveSpan()).toBe(own);
      own.end();
      const request = theRequest();
      expect(request.parentSpanContext?.spanId).toBe(own.spanContext().spanId);
      expect(bench.childrenOf(request)).toHaveLength(1);
    });
  });

  it('tell of a client that leaves a stream, and call it no error', async () => {
    scene.upstreams.first.setReply(() => ({ text: ENDLESS }));
    scene.upstreams.first.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: 20 });
    const stream = await scene.client.chat.completions.create({ ...ASK, stream: true });
    for await (const _chunk of stream) break;
    await scene.whenEnded(1);
    scene.upstreams.first.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: Infinity });
    scene.upstreams.first.setReply(FIRST.reply);
    const request = theRequest();
    const [call] = bench.childrenOf(request);
    for (const span of [request, call!]) {
      expect(span.status).toEqual({ code: SpanStatusCode.UNSET });
      expect(span.attributes['llm_router.outcome']).toBe('client_left');
      expect(span.attributes['error.type']).toBeUndefined();
    }
    const { durationMs } = scene.requests[0]!;
    expect(msOf(request.duration)).toBeCloseTo(durationMs, 3);
  });

  it('tell of a request that all have failed', async () => {
    for (const upstream of Object.values(scene.upstreams))
      upstream.setFaults(() => ({ kind: 'status', status: 503 }));
    const { status, code } = await scene.ask('auto');
    expect(status).toBe(502);
    const request = theRequest();
    expect(request.status.code).toBe(SpanStatusCode.ERROR);
    expect(request.attributes).toMatchObject({ 'error.type': code, 'llm_router.outcome': 'failed' });
    expect(request.attributes['gen_ai.response.model']).toBeUndefined();
    expect(bench.childrenOf(request).length).toBe(scene.requests[0]!.attempts);
    expect(bench.childrenOf(request)[0]!.attributes).toMatchObject({
      'error.type': 'overloaded',
      'http.response.status_code': 503,
    });
  });

  it('tell of requests that were refused', async () => {
    await scene.postJson('/v1/chat/completions', 'no JSON');
    await scene.postJson('/v1/chat/completions', { model: 'auto', messages: [] });
    expect(
      bench.spans().map(({ name, status, attributes }) => [name, status.code, attributes['error.type']]),
    ).toEqual([
      ['llm_router.request', SpanStatusCode.ERROR, 'invalid_request'],
      ['llm_router.request', SpanStatusCode.ERROR, 'invalid_request'],
    ]);
  });

  it('are sent to nobody where they are not sampled, but for the flag that says so', async () => {
    await bench.close();
    bench = setUpOpenTelemetry(new AlwaysOffSampler());
    closing.push(() => bench.close());
    await scene.ask('first');
    expect(bench.spans()).toEqual([]);
    expect(scene.upstreams.first.requests.at(-1)!.headers.traceparent).toMatch(
      /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/,
    );
    // No exemplar leads to what was not kept.
    expect(scene.engine.tracer.traceIdOf(scene.requests[0]!.decisionId)).toBeUndefined();
  });

  it('carry no baggage to providers, nor `tracestate`', async () => {
    const baggage = propagation.createBaggage({ person: { value: 'Ada' } });
    await context.with(propagation.setBaggage(context.active(), baggage), () =>
      router.chat({ ...ASK, model: 'first' }),
    );
    const { headers } = scene.upstreams.first.requests.at(-1)!;
    expect(headers.traceparent).toBeDefined();
    expect(headers.baggage).toBeUndefined();
    expect(headers.tracestate).toBeUndefined();
  });

  it('leave `traceparent` to an instrumentation of undici', async () => {
    const seen: (string | undefined)[] = [];
    const instrumentation = (): void => {
      seen.push(trace.getActiveSpan()?.spanContext().spanId);
    };
    subscribe('undici:request:create', instrumentation);
    try {
      await router.chat({ ...ASK, model: 'first' });
    } finally {
      unsubscribe('undici:request:create', instrumentation);
    }
    expect(scene.upstreams.first.requests.at(-1)!.headers.traceparent).toBeUndefined();
    // It finds the call's span active, so that its own are beneath.
    expect(seen).toEqual([bench.childrenOf(theRequest())[0]!.spanContext().spanId]);
  });

  it.each([false, true])('hold no text of prompts, answers and errors (stream: %s)', async (stream) => {
    await canaries(scene, 'chat', stream);
    const all = JSON.stringify(bench.spans().map(visible));
    expect(bench.spans().length).toBeGreaterThan(3);
    expect(all).not.toMatch(/canary/i);
    // Nor the providers' keys.
    expect(all).not.toMatch(/key-of/);
  });

  it.each([false, true])(
    'hold prompts and answers where the surface says so (stream: %s)',
    async (stream) => {
      await canaries(scene, 'told', stream);
      const answered = bench
        .spans()
        .find(({ attributes }) => attributes['gen_ai.output.messages'] !== undefined)!;
      expect(JSON.parse(answered.attributes['gen_ai.input.messages'] as string)).toEqual([
        { role: 'system', parts: [{ type: 'text', content: 'Canarysystem' }] },
        { role: 'user', parts: [{ type: 'text', content: 'Canaryuser' }] },
        {
          role: 'assistant',
          parts: [{ type: 'tool_call', id: 'call_1', name: 'look_up', arguments: '{"q":"Canaryargument"}' }],
        },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'call_1', response: 'Canarytool' }] },
      ]);
      expect(JSON.parse(answered.attributes['gen_ai.output.messages'] as string)).toEqual([
        {
          role: 'assistant',
          parts: [{ type: 'text', content: 'Canaryreply of the model' }],
          finish_reason: 'stop',
        },
      ]);
      // The two that have no answer as well: those are what somebody looks into.
      const asked = bench.spans().map(({ attributes }) => attributes['gen_ai.input.messages']);
      expect(asked.filter((text) => text === answered.attributes['gen_ai.input.messages'])).toHaveLength(3);
      // What a provider wrote into its error is neither.
      const all = JSON.stringify(bench.spans().map(visible));
      expect(all).not.toMatch(/Canaryerror|key-of/);
    },
  );

  it('come with the metrics of the conventions', async () => {
    scene.upstreams.first.failNext({ kind: 'status', status: 500 });
    await scene.ask('auto', { stream: true });
    const labels = { 'gen_ai.operation.name': 'chat', 'server.address': '127.0.0.1' };
    const first = {
      ...labels,
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'first-v1',
      'server.port': scene.upstreams.first.port,
    };
    const second = {
      ...labels,
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'second',
      'server.port': scene.upstreams.second.port,
    };
    const durations = await bench.measured('gen_ai.client.operation.duration');
    expect(durations.map(({ attributes, count }) => [attributes, count])).toEqual([
      [{ ...first, 'error.type': 'server_error' }, 1],
      [second, 1],
    ]);
    expect(durations[1]!.sum).toBeCloseTo(scene.attempts[1]!.durationMs / 1e3, 6);
    expect(durations[0]!.boundaries.slice(0, 2)).toEqual([0.01, 0.02]);
    const tokens = await bench.measured('gen_ai.client.token.usage');
    expect(tokens.map(({ attributes, sum }) => [attributes, sum])).toEqual([
      [{ ...second, 'gen_ai.token.type': 'input' }, 11],
      [{ ...second, 'gen_ai.token.type': 'output' }, 7],
    ]);
    expect(tokens[0]!.boundaries.at(-1)).toBe(67_108_864);
    const firstChunks = await bench.measured('gen_ai.client.operation.time_to_first_chunk');
    expect(firstChunks.map(({ attributes, count }) => [attributes, count])).toEqual([[second, 1]]);
    expect(firstChunks[0]!.sum).toBeCloseTo(scene.attempts[1]!.timeToFirstTokenMs! / 1e3, 6);
  });
});

describe('tracing', () => {
  it('puts calls of other SDKs, and what they send, beneath the span of the call', async () => {
    const seen: (string | undefined)[] = [];
    const scene = await createScene<'kit'>({
      upstreams: { kit: FIRST },
      options: { routingRules: { simple_queries: { primary: 'kit' } } },
    });
    closing.push(() => scene.close());
    const acme = createOpenAICompatible({
      name: 'acme',
      baseURL: scene.upstreams.kit.baseUrl,
      apiKey: 'k',
      fetch: (input, init) => {
        seen.push(trace.getActiveSpan()?.spanContext().spanId);
        return fetch(input, init);
      },
    });
    const other = await createScene<never>({
      upstreams: {},
      others: { acme: { api: 'ai-sdk', languageModel: (id) => acme(id) } },
      options: { routingRules: { simple_queries: { primary: 'acme' } } },
    });
    closing.push(() => other.close());
    const bench = openTelemetry();
    for (const stream of [false, true]) await other.ask('auto', { stream });
    const calls = bench.spans().filter(({ kind }) => kind === SpanKind.CLIENT);
    expect(seen).toEqual(calls.map((call) => call.spanContext().spanId));
    expect(calls[0]!.attributes).toMatchObject({ 'gen_ai.provider.name': 'acme' });
    expect(calls[0]!.attributes['server.address']).toBeUndefined();
  });

  it('shows what was asked to find out the class, and vectors', async () => {
    const scene = await createScene({
      upstreams: {
        small: FIRST,
        judge: { api: 'openai', reply: () => ({ text: 'complex', usage: USAGE }) },
        vectors: { api: 'openai' },
      },
      models: { 'text-embedding-3-small': { provider: 'vectors' } },
      options: {
        routingRules: { simple_queries: { primary: 'small' }, complex_reasoning: { primary: 'small' } },
        classification: { judge: { model: 'judge', margin: 1, timeoutMs: 5_000 } },
      },
    });
    closing.push(() => scene.close());
    const bench = openTelemetry();
    await scene.ask('auto');
    const { decisionId } = scene.requests[0]!;
    const calls = bench.childrenOf(bench.spanOf(decisionId));
    expect(calls.map(({ name, attributes }) => [name, attributes['llm_router.purpose']])).toEqual([
      ['chat judge', 'classification'],
      ['chat small', undefined],
    ]);
    bench.clear();
    await scene.client.embeddings.create({ model: 'text-embedding-3-small', input: 'Say it' });
    expect(bench.spans().map(({ name, kind }) => [name, kind])).toEqual([
      ['embeddings text-embedding-3-small', SpanKind.CLIENT],
      ['embeddings text-embedding-3-small', SpanKind.INTERNAL],
    ]);
    expect(bench.spans()[0]!.attributes['gen_ai.operation.name']).toBe('embeddings');
    expect(scene.engine.tracer.open).toBe(0);
  });

  it('tells of a request for which there was no room', async () => {
    const held = await HeldUpstream.start();
    closing.push(() => held.close());
    const scene = await createScene<never>({
      upstreams: {},
      others: { held: { api: 'openai', baseUrl: held.baseUrl, apiKey: 'k' } },
      models: { held: { provider: 'held', maxConcurrency: 1 } },
      options: {
        routingRules: { simple_queries: { primary: 'held' } },
        execution: { queue: { maxSize: 0 } },
      },
    });
    closing.push(() => scene.close());
    const bench = openTelemetry();
    const first = scene.ask('auto');
    await held.whenWaiting(1);
    const shed = await scene.ask('auto');
    expect(shed).toMatchObject({ status: 503, code: 'overloaded' });
    const span = bench.spanOf(shed.headers.get('x-llm-decision-id')!);
    expect(span.status.code).toBe(SpanStatusCode.ERROR);
    expect(span.attributes).toMatchObject({
      'error.type': 'overloaded',
      'llm_router.outcome': 'shed',
      'llm_router.attempts': 0,
    });
    expect(bench.childrenOf(span)).toEqual([]);
    expect(scene.engine.tracer.open).toBe(1);
    held.finishOne();
    await first;
    expect(scene.engine.tracer.open).toBe(0);
  });

  it('goes with the configuration, but for requests that had begun', async () => {
    const [held, other] = [await HeldUpstream.start(), await HeldUpstream.start()];
    closing.push(
      () => held.close(),
      () => other.close(),
    );
    const optionsOf = (
      { baseUrl }: HeldUpstream,
      tracing: NonNullable<NonNullable<LlmRouterOptions['observability']>['tracing']>,
    ): LlmRouterOptions => ({
      providers: { held: { api: 'openai-compatible', baseUrl, apiKey: 'k' } },
      models: { held: { provider: 'held' } },
      routingRules: { simple_queries: { primary: 'held' } },
      observability: { tracing },
    });
    const scene = await createScene<never>({
      upstreams: {},
      others: { held: { api: 'openai-compatible', baseUrl: held.baseUrl, apiKey: 'k' } },
      options: { routingRules: { simple_queries: { primary: 'held' } } },
    });
    closing.push(() => scene.close());
    const router = scene.app.get(RouterService);
    const bench = openTelemetry();
    const ask = async (from: HeldUpstream): Promise<void> => {
      const answer = scene.ask('auto');
      await from.whenWaiting(1);
      from.finishOne();
      await answer;
    };
    const begun = scene.ask('auto');
    await held.whenWaiting(1);
    await router.reconfigure(optionsOf(other, { enabled: false }));
    held.finishOne();
    await begun;
    expect(bench.spans().map(({ name, attributes }) => [name, attributes['server.port']])).toEqual([
      ['chat held', Number(new URL(held.baseUrl).port)],
      ['chat auto', undefined],
    ]);
    bench.clear();
    await ask(other);
    expect(bench.spans()).toEqual([]);
    await router.reconfigure(optionsOf(other, { propagate: false }));
    await ask(other);
    expect(bench.spans().map(({ attributes }) => attributes['server.port'])).toEqual([
      Number(new URL(other.baseUrl).port),
      undefined,
    ]);
  });

  it.each([{ enabled: false }, { propagate: false }])(
    'sends no `traceparent` where it is told so: %o',
    async (tracing) => {
      const scene = await open('express', { observability: { tracing } });
      openTelemetry();
      // An application's own span.
      await trace.getTracer('the application').startActiveSpan('its own', async (own) => {
        await scene.app.get(RouterService).chat(ASK);
        own.end();
      });
      expect(scene.upstreams.first.requests.at(-1)!.headers.traceparent).toBeUndefined();
    },
  );

  it('shows nothing of what providers quote in their errors', async () => {
    const refusing = await createRefusingUpstream({
      message: 'Canaryerror',
      code: 'Canary code of the user',
    });
    closing.push(() => refusing.close());
    const scene = await createScene<never>({
      upstreams: {},
      others: { refusing: { api: 'openai', baseUrl: refusing.baseUrl, apiKey: 'Canarykey0123456789' } },
      options: {
        routingRules: { simple_queries: { primary: 'refusing' } },
        surfaces: { told: { recordPrompts: true } },
      },
    });
    closing.push(() => scene.close());
    const bench = openTelemetry();
    for (const stream of [false, true]) {
      await scene.ask('auto', {
        stream,
        headers: { 'x-llm-surface': 'told' },
        body: { user: 'Canaryperson' },
      });
    }
    expect(bench.spans()).toHaveLength(4);
    expect(JSON.stringify(bench.spans().map(visible))).not.toMatch(/canary/i);
  });
});

/** All that an exporter could show of a span. */
function visible({ name, attributes, events, status, links, resource }: ReadableSpan): object {
  return { name, attributes, events, status, links, resource: resource.attributes };
}

/** One request that is answered, one that the provider refuses, one that fails: each with text that must not be seen. */
async function canaries(scene: Scene<Three>, surface: string, stream: boolean): Promise<void> {
  const headers = { 'x-llm-surface': surface };
  const body = {
    messages: [
      { role: 'system', content: 'Canarysystem' },
      { role: 'user', content: 'Canaryuser' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'look_up', arguments: '{"q":"Canaryargument"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'Canarytool' },
    ],
    stop: ['Canarystop'],
    user: 'Canaryperson',
  };
  const { first, second, third } = scene.upstreams;
  first.setReply(() => ({ text: 'Canaryreply of the model', usage: USAGE }));
  const answered = await scene.ask('first', { stream, headers, body });
  expect(answered.status).toBe(200);
  first.failNext({ kind: 'status', status: 400 });
  await scene.ask('first', { stream, headers, body });
  for (const upstream of [first, second, third]) upstream.failNext({ kind: 'malformed' });
  await scene.ask('auto', { stream, headers, body });
  first.setReply(FIRST.reply);
}
