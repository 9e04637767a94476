import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import type { ScriptedUpstreamOptions } from 'nestjs-llm-router/testing';
import { readStream } from './support/fault-bench.js';
import { PLATFORMS, type Platform } from './support/router-app.js';
import { createScene, type Scene } from './support/scene.js';
import { msOf, setUpOpenTelemetry, type TraceBench } from './support/trace-bench.js';

const PRICE = { inputPer1M: 1_000, outputPer1M: 1_000 };
/** Calls from which a p95 is known. */
const KNOWN_AFTER = 12;
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
      { model: 'auto', messages: [{ role: 'user', content: 'Say it' }], temperature: 0.5, max_tokens: 99 },
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
      'llm_router.usage_source': 'reported',
    });
    expect(served!.events.map(({ name }) => name)).toEqual(['gen_ai.first_chunk']);
    // Times: the calls are within the request, and the copy began while the first was under way.
    expect(msOf(request.startTime)).toBeGreaterThanOrEqual(startedAt - 5);
    for (const call of calls) {
      expect(msOf(call.startTime)).toBeGreaterThanOrEqual(msOf(request.startTime));
      expect(msOf(call.endTime)).toBeLessThanOrEqual(msOf(request.endTime));
    }
    expect(msOf(served!.startTime)).toBeLessThan(msOf(lost!.endTime));
    expect(msOf(lost!.startTime)).toBeGreaterThanOrEqual(msOf(failed!.endTime));
    // Each call is told its own span.
    expect(third.requests.at(thirdBefore)!.headers.traceparent).toBe(
      `00-${request.spanContext().traceId}-${served!.spanContext().spanId}-01`,
    );
    expect(scene.engine.tracer.open).toBe(0);
    expect(scene.engine.tracer.traceIdOf(scene.requests[0]!.decisionId)).toBe(request.spanContext().traceId);
    expect(trace.getSpan(context.active())).toBeUndefined();
  });
});
