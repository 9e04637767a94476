import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const MESSAGES = [{ role: 'user' as const, content: 'Say it' }];

describe.each(PLATFORMS)('the live choice inside a tier, on %s', (platform) => {
  let upstreams: ScriptedUpstream[];
  let bench: FaultBench;
  let router: RouterService;

  beforeAll(async () => {
    upstreams = await Promise.all(
      (['openai', 'anthropic'] as const).map((api) =>
        createScriptedUpstream({ api, reply: () => ({ text: 'Yes.' }) }),
      ),
    );
    const [first, second] = upstreams as [ScriptedUpstream, ScriptedUpstream];
    const twice = { deployments: [{ provider: 'first' }, { provider: 'second' }] };
    bench = await createFaultBench({
      platform,
      options: {
        providers: {
          first: { api: 'openai', baseUrl: first.baseUrl, apiKey: 'k1' },
          second: { api: 'anthropic', baseUrl: second.baseUrl, apiKey: 'k2' },
        },
        // One model a case: what was learnt in one is not known in the next.
        models: {
          'even-model': twice,
          'slow-whole': twice,
          'slow-stream': twice,
          'failing-model': twice,
          'resting-model': twice,
          'stuck-model': twice,
        },
        routingRules: {
          even: { primary: 'even-model' },
          slow_whole: { primary: 'slow-whole' },
          slow_stream: { primary: 'slow-stream' },
          failing: { primary: 'failing-model' },
          resting: { primary: 'resting-model' },
          stuck: { tiers: [{ models: 'stuck-model', targetLatencyMs: 30_000 }] },
        },
        limits: { requestsInFlight: 1_000 },
      },
    });
    router = bench.app.get(RouterService);
  });

  afterEach(async () => {
    bench.clear();
    await Promise.all(upstreams.map((upstream) => upstream.heal()));
    for (const upstream of upstreams)
      upstream.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: Infinity });
    await bench.expectQuiet(...upstreams);
  });

  afterAll(async () => {
    await bench.close();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  });

  async function ask(model: string, stream: boolean): Promise<void> {
    const answer = await bench.postJson('/v1/chat/completions', { model, stream, messages: MESSAGES });
    await answer.text();
    expect(answer.status).toBe(200);
  }

  /** First attempts a provider got among the last requests. */
  function share(provider: string, lastRequests: number): number {
    const ids = new Set(bench.requests.slice(-lastRequests).map(({ decisionId }) => decisionId));
    const firsts = bench.attempts.filter(({ decisionId, attempt }) => attempt === 1 && ids.has(decisionId));
    expect(firsts).toHaveLength(lastRequests);
    return firsts.filter((record) => record.provider === provider).length / lastRequests;
  }

  it('shares the traffic among equals', async () => {
    for (let index = 0; index < 60; index += 1) await ask('even', false);
    // Fair coins leave this range less than once in ten million runs; but equals are equal within 15 % only.
    expect(share('first', 60)).toBeGreaterThan(0.1);
    expect(share('first', 60)).toBeLessThan(0.9);
  });

  it.each([false, true])('moves away from a slow deployment (stream: %s)', async (stream) => {
    upstreams[0]!.setLatency({ timeToFirstTokenMs: 250, tokensPerSecond: Infinity });
    const model = stream ? 'slow_stream' : 'slow_whole';
    for (let index = 0; index < 30; index += 1) await ask(model, stream);
    expect(share('second', 20)).toBeGreaterThanOrEqual(0.9);
  });

  it('moves away from one that fails half of its calls', async () => {
    let calls = 0;
    upstreams[1]!.setReply(() => {
      calls += 1;
      if (calls % 2 === 1) throw new Error('every other call fails');
      return { text: 'Yes.' };
    });
    for (let index = 0; index < 60; index += 1) await ask('failing', false);
    upstreams[1]!.setReply(() => ({ text: 'Yes.' }));
    // A few calls have to fail before it is known.
    expect(share('first', 40)).toBeGreaterThanOrEqual(0.85);
    // Nobody noticed: the sibling answered.
    expect(bench.requests.every(({ outcome }) => outcome === 'succeeded')).toBe(true);
  });

  it('lets a deployment rest for its Retry-After, and asks it again afterwards', async () => {
    upstreams[0]!.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 1 });
    // Until the rate limit has been met once.
    for (
      let index = 0;
      index < 60 && !bench.attempts.some(({ errorKind }) => errorKind === 'rate_limited');
      index += 1
    ) {
      await ask('resting', false);
    }
    const limited = bench.attempts.find(({ errorKind }) => errorKind === 'rate_limited')!;
    expect(limited).toMatchObject({ provider: 'first', retryAfterMs: 1_000 });
    await upstreams[0]!.heal();
    const restingUntilMs = bench.engine.signals.of(limited.deployment).restingUntilMs;
    bench.clear();
    for (let index = 0; index < 25; index += 1) await ask('resting', false);
    const endedAt = Date.now();
    // All of these but those sent after the rest (a slow machine) went to the other.
    const early = bench.attempts.filter(({ startedAtMs }) => startedAtMs < restingUntilMs - 20);
    expect(early.length).toBeGreaterThan(0);
    expect(early.map(({ provider }) => provider)).toEqual(early.map(() => 'second'));
    expect(router.explain({ model: 'resting', messages: MESSAGES }).plan.attempts.at(-1)).toMatchObject(
      endedAt < restingUntilMs - 200
        ? { provider: 'first', deferred: expect.stringContaining('rate-limited') as string }
        : {},
    );
    await expect
      .poll(
        () =>
          router
            .explain({ model: 'resting', messages: MESSAGES })
            .plan.attempts.find(({ provider }) => provider === 'first')?.deferred,
        { timeout: 3_000, interval: 50 },
      )
      .toBeNull();
  });

  it('learns of a stream that shows no token before that stream has ended', async () => {
    upstreams[0]!.setLatency({ timeToFirstTokenMs: 20_000, tokensPerSecond: Infinity });
    const latencies = (): Record<string, number> =>
      Object.fromEntries(
        router
          .explain({ model: 'stuck', stream: true, messages: MESSAGES })
          .plan.attempts.map(({ provider, terms }) => [provider, terms.latency]),
      );
    const callers: AbortController[] = [];
    const reads = Array.from({ length: 20 }, () => {
      const caller = new AbortController();
      callers.push(caller);
      const read = async (): Promise<void> => {
        const stream = router.stream({ model: 'stuck', messages: MESSAGES }, { signal: caller.signal });
        await readAll(stream);
      };
      return read().catch(() => undefined);
    });
    // A tenth of the surface's 2 s, and not one call of it has ended.
    await expect
      .poll(() => (latencies().first ?? 0) > (latencies().second ?? 0) + 0.1, {
        timeout: 5_000,
        interval: 20,
      })
      .toBe(true);
    expect(bench.attempts.filter(({ provider }) => provider === 'first')).toEqual([]);
    for (const caller of callers) caller.abort();
    await Promise.all(reads);
  });
});
