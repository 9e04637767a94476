import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const IMPATIENT = { 'x-llm-deadline-ms': '5' };
const ASK = { model: 'simple_queries', messages: [{ role: 'user', content: 'Hello' }] };

interface Health {
  readonly status: string;
  readonly details: Record<string, { readonly status: string; readonly trouble?: readonly string[] }>;
}

async function healthOf(bench: FaultBench): Promise<Health> {
  const answer = await bench.fetch('/health');
  expect(answer.status).toBe(200);
  return (await answer.json()) as Health;
}

describe.each(PLATFORMS)('what the signals learn from, on %s', (platform) => {
  let primary: ScriptedUpstream;
  let fallback: ScriptedUpstream;
  let bench: FaultBench;

  const options = (withFallback: boolean): LlmRouterOptions => ({
    providers: {
      one: { api: 'openai', baseUrl: primary.baseUrl, apiKey: 'k1' },
      two: { api: 'openai', baseUrl: fallback.baseUrl, apiKey: 'k2' },
    },
    models: { first: { provider: 'one' }, second: { provider: 'two' } },
    routingRules: {
      simple_queries: withFallback ? { primary: 'first', fallback: 'second' } : { primary: 'first' },
    },
  });

  beforeAll(async () => {
    const latency = { timeToFirstTokenMs: 60, tokensPerSecond: Infinity };
    primary = await createScriptedUpstream({ api: 'openai', latency });
    fallback = await createScriptedUpstream({ api: 'openai', latency });
    bench = await createFaultBench({ platform, options: options(true) });
  });

  beforeEach(() => {
    bench.clear();
  });

  afterEach(async () => {
    await Promise.all([primary.heal(), fallback.heal()]);
    await bench.expectQuiet(primary, fallback);
  });

  afterAll(async () => {
    await bench.close();
    await Promise.all([primary.close(), fallback.close()]);
  });

  it.each([false, true])("a client's impatience says nothing of a provider (stream: %s)", async (stream) => {
    // Warm, so that all of the time is the upstream's.
    await (await bench.postJson(CHAT, { ...ASK, stream })).text();
    bench.clear();
    for (let round = 0; round < 10; round += 1) {
      const answer = await bench.postJson(CHAT, { ...ASK, stream }, IMPATIENT);
      expect(answer.status).toBe(504);
      expect(await answer.json()).toMatchObject({ error: { code: 'deadline_exceeded' } });
    }
    expect(bench.attempts.map(({ outcome, errorKind }) => ({ outcome, errorKind }))).toEqual(
      bench.attempts.map(() => ({ outcome: 'client_left', errorKind: undefined })),
    );
    expect(bench.attempts.map(({ model }) => model)).toContain('first');
    expect(bench.requests.map(({ outcome }) => outcome)).toEqual(Array(10).fill('client_left'));
    expect(await healthOf(bench)).toMatchObject({
      status: 'ok',
      details: { one: { status: 'up' }, two: { status: 'up' } },
    });
    const answer = await bench.postJson(CHAT, { ...ASK, stream });
    await answer.text();
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-llm-tier')).toBe('primary');
    expect(answer.headers.get('x-llm-attempts')).toBe('1');
  });

  it('failures are forgotten after 31 s of silence', async () => {
    // The wall clock alone: every timer runs on.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    let watched: FaultBench | undefined;
    try {
      watched = await createFaultBench({ platform, options: options(false) });
      // All that one request may make: it is the only deployment.
      primary.failNext({ kind: 'status', status: 500 }, 4);
      expect((await watched.postJson(CHAT, ASK)).status).toBe(502);
      const sick = (await healthOf(watched)).details.one;
      expect(sick?.trouble).toHaveLength(1);
      vi.setSystemTime(Date.now() + 29_000);
      expect((await healthOf(watched)).details.one?.trouble).toHaveLength(1);
      vi.setSystemTime(Date.now() + 2_000);
      const well = (await healthOf(watched)).details.one;
      expect(well).toMatchObject({ status: 'up', recentCalls: 0, recentErrorRate: 0 });
      expect(well).not.toHaveProperty('trouble');
      expect(well).not.toHaveProperty('degraded');
    } finally {
      vi.useRealTimers();
      await watched?.close();
    }
  });
});
