import { once } from 'node:events';
import { type IncomingMessage, request as openRequest, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { firstValueFrom, lastValueFrom, map, toArray } from 'rxjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LlmRouterError, RouterService, StreamInterruptedError } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll, readStream } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const TEXT = 'one two three four five six';
const MESSAGES = [{ role: 'user' as const, content: 'Count' }];
const CALL = { model: 'simple_queries', messages: MESSAGES };
const SLOWLY = { timeToFirstTokenMs: 0, tokensPerSecond: 25 };
const AT_ONCE = { timeToFirstTokenMs: 0, tokensPerSecond: Infinity };

describe('RouterService', () => {
  let upstream: ScriptedUpstream;
  let bench: FaultBench;
  let router: RouterService;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'anthropic', reply: () => ({ text: TEXT }) });
    bench = await createFaultBench({
      platform: 'express',
      http: false,
      options: {
        providers: { one: { api: 'anthropic', baseUrl: upstream.baseUrl, apiKey: 'k' } },
        models: { only: { provider: 'one' } },
        routingRules: { simple_queries: { primary: 'only' } },
        surfaces: { support: {}, reports: { workload: 'background' }, legal: {} },
      },
    });
    router = bench.app.get(RouterService);
  });

  beforeEach(() => {
    bench.clear();
  });

  afterEach(async () => {
    await bench.expectQuiet(upstream);
  });

  afterAll(async () => {
    await bench.close();
    await upstream.close();
  });

  it('chat: an OpenAI answer, with its routing where serialisation does not see it', async () => {
    const completion = await router.chat(CALL);
    expect(completion.choices[0]?.message.content).toBe(TEXT);
    expect(completion.routing).toMatchObject({
      model: 'only',
      provider: 'one',
      tier: 'primary',
      rule: 'simple_queries',
      surface: 'none',
      attempts: 1,
    });
    expect(completion.routing.decisionId).toMatch(/^dec_[0-9a-f]{32}$/);
    expect(Object.keys(completion)).not.toContain('routing');
    expect(JSON.stringify(completion)).not.toContain('routing');
    expect({ ...completion }).not.toHaveProperty('routing');
  });

  it('chat: ignores `stream`, and throws typed errors without calling', async () => {
    expect((await router.chat({ ...CALL, stream: true })).object).toBe('chat.completion');
    const asked = upstream.requestCount;
    const wrong = await router.chat({ messages: [] }).catch((error: unknown) => error);
    expect(LlmRouterError.isInstance(wrong)).toBe(true);
    expect(wrong).toMatchObject({ code: 'invalid_request', param: 'messages', status: 400 });
    await expect(router.chat({ ...CALL, model: 'constructor' })).rejects.toMatchObject({
      code: 'model_not_found',
    });
    await expect(router.chat(CALL, { surface: '__proto__' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(upstream.requestCount).toBe(asked);
    expect(bench.requests.slice(1).map(({ outcome, surface }) => [outcome, surface])).toEqual([
      ['rejected', 'none'],
      ['rejected', 'none'],
      ['rejected', 'none'],
    ]);
  });

  it('stream: calls nothing before the first read, then says where it comes from', async () => {
    const asked = upstream.requestCount;
    const stream = router.stream(CALL);
    const iterator = stream[Symbol.asyncIterator]();
    // A turn of the event loop: time enough for a call that should not be.
    await new Promise(setImmediate);
    expect(upstream.requestCount).toBe(asked);
    expect(stream.routing).toBeUndefined();
    expect((await iterator.next()).done).toBe(false);
    expect(upstream.requestCount).toBe(asked + 1);
    expect(stream.routing).toMatchObject({ model: 'only', attempts: 1, costUsd: undefined });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(TEXT.endsWith(text)).toBe(true);
    expect(bench.requests).toMatchObject([{ outcome: 'succeeded' }]);
  });

  it('stream: a failure before the first token is its own error, after it a StreamInterruptedError', async () => {
    upstream.failNext({ kind: 'status', status: 500 }, 4);
    const failure = { model: 'only', kind: 'server_error', status: 500 };
    await expect(router.stream(CALL)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'all_attempts_failed',
      attempts: [failure, failure, failure, failure],
    });
    upstream.failNext({ kind: 'cut', afterChunks: 2 });
    await expect(readAll(router.stream(CALL))).rejects.toBeInstanceOf(StreamInterruptedError);
  });

  it('stream$: one call a subscription', async () => {
    const asked = upstream.requestCount;
    const chunks = router.stream$(CALL).pipe(
      map((chunk) => chunk.choices[0]?.delta.content ?? ''),
      toArray(),
    );
    await new Promise(setImmediate);
    expect(upstream.requestCount).toBe(asked);
    expect((await lastValueFrom(chunks)).join('')).toBe(TEXT);
    expect((await lastValueFrom(chunks)).join('')).toBe(TEXT);
    expect(upstream.requestCount).toBe(asked + 2);
    await expect(firstValueFrom(router.stream$({ messages: [] }))).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  it('explain: calls and records nothing', () => {
    const asked = upstream.requestCount;
    const explained = router.explain(CALL, { surface: 'support' });
    expect(explained).toMatchObject({
      surface: 'support',
      rule: 'simple_queries',
      plan: { attempts: [{ model: 'only', tier: 'primary' }] },
      rejected: [],
    });
    expect(upstream.requestCount).toBe(asked);
    expect(bench.requests).toEqual([]);
    expect(() => router.explain({ messages: [] })).toThrow(LlmRouterError);
  });

  it('runWith: nests, restores, reaches what runs later, and gives way to the call options', async () => {
    const surfaceOf = (): string => router.explain(CALL).surface;
    const seen = await router.runWith({ surface: 'reports' }, async () => {
      const outer = surfaceOf();
      const inner = router.runWith({ surface: 'legal' }, surfaceOf);
      await Promise.resolve();
      const stream = router.stream(CALL);
      return {
        outer,
        inner,
        after: surfaceOf(),
        option: router.explain(CALL, { surface: 'support' }).surface,
        // The outer workload stays where the inner context says nothing of it.
        workload: router.runWith({ workload: 'background' }, () =>
          router.runWith({ surface: 'support' }, () => router.explain(CALL).workload),
        ),
        undefinedOption: router.explain(CALL, { surface: undefined }).surface,
        stream,
      };
    });
    expect(seen).toMatchObject({
      outer: 'reports',
      inner: 'legal',
      after: 'reports',
      option: 'support',
      workload: 'background',
      undefinedOption: 'reports',
    });
    expect(surfaceOf()).toBe('none');
    // A stream belongs to where it was made, not to where it is read.
    await readAll(seen.stream);
    expect(bench.requests).toMatchObject([{ surface: 'reports', workload: 'background' }]);
    expect(() =>
      router.runWith({ surface: 'legal' }, () => {
        throw new Error('of the callback');
      }),
    ).toThrow('of the callback');
    expect(surfaceOf()).toBe('none');
  });

  it('concurrent contexts do not mix', async () => {
    const surfaces = Array.from({ length: 30 }, (_, index) => ['support', 'reports', 'legal'][index % 3]!);
    const answers = await Promise.all(
      surfaces.map((surface) =>
        router.runWith({ surface }, async () => {
          await new Promise(setImmediate);
          return (await router.chat(CALL)).routing.surface;
        }),
      ),
    );
    expect(answers).toEqual(surfaces);
  });

  it('a deadline of the call: deadline_exceeded', async () => {
    upstream.failNext({ kind: 'stalled' });
    const startedAt = performance.now();
    await expect(router.chat(CALL, { deadlineMs: 100 })).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(performance.now() - startedAt).toBeLessThan(350);
  });
});

describe.each(PLATFORMS)('overload and shutdown on %s', (platform) => {
  let upstream: ScriptedUpstream;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: TEXT }) });
  });

  beforeEach(() => {
    upstream.setLatency(AT_ONCE);
  });

  afterAll(async () => {
    await upstream.close();
  });

  const boot = (limits: Record<string, number> = {}): Promise<FaultBench> =>
    createFaultBench({
      platform,
      options: {
        providers: { one: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } },
        models: { only: { provider: 'one' } },
        routingRules: { simple_queries: { primary: 'only', maxLatencyMs: 20_000 } },
        limits,
      },
    });

  it('sheds what is over requestsInFlight: 503 with Retry-After, and no attempt', async () => {
    const bench = await boot({ requestsInFlight: 2 });
    try {
      upstream.setLatency({ timeToFirstTokenMs: 20_000, tokensPerSecond: 1 });
      const asked = upstream.requestCount;
      const leave = new AbortController();
      const router = bench.app.get(RouterService);
      const held = [1, 2].map(() =>
        router.chat(CALL, { signal: leave.signal }).catch((error: unknown) => error),
      );
      await upstream.whenRequests(asked + 2);
      for (const stream of [false, true]) {
        const answer = await bench.postJson('/v1/chat/completions', { ...CALL, stream });
        expect(answer.status).toBe(503);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
        expect(await answer.json()).toMatchObject({ error: { code: 'overloaded' } });
      }
      expect(upstream.requestCount).toBe(asked + 2);
      expect(bench.requests).toMatchObject([
        { outcome: 'shed', attempts: 0, errorCode: 'overloaded' },
        { outcome: 'shed', attempts: 0, errorCode: 'overloaded' },
      ]);
      leave.abort();
      await Promise.all(held);
      upstream.setLatency(AT_ONCE);
      expect((await bench.postJson('/v1/chat/completions', CALL)).status).toBe(200);
      await bench.expectQuiet(upstream);
    } finally {
      await bench.close();
    }
  });

  it('close() waits for a running stream, and takes nothing new', async () => {
    const bench = await boot();
    upstream.setLatency(SLOWLY);
    const begun = new Promise<void>((resolve) => {
      bench.engine.bus.on('attempt-first-token', () => {
        resolve();
      });
    });
    const reading = readStream(bench.url, CALL);
    await begun;
    const closed = bench.close().then(() => performance.now());
    await expect.poll(() => bench.engine.isReady).toBe(false);
    const asked = upstream.requestCount;
    const late = await bench.postJson('/v1/chat/completions', CALL);
    expect(late.status).toBe(503);
    expect(await late.json()).toMatchObject({ error: { code: 'overloaded' } });
    expect((await bench.fetch('/health/ready')).status).toBe(503);
    await expect(bench.app.get(RouterService).chat(CALL)).rejects.toMatchObject({ code: 'overloaded' });
    expect(upstream.requestCount).toBe(asked);
    const read = await reading;
    expect(read.error).toBeUndefined();
    expect(read.text).toBe(TEXT);
    expect(read.raw).toContain('[DONE]');
    const endedAt = performance.now();
    expect(await closed).toBeGreaterThan(endedAt - 50);
    expect(bench.requests.map(({ outcome }) => outcome).sort()).toEqual(['shed', 'shed', 'succeeded']);
  });

  it('ends with an error event what outlives the grace period', async () => {
    const bench = await boot();
    upstream.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: 1 });
    const aborted = upstream.abortedCount;
    const begun = new Promise<void>((resolve) => {
      bench.engine.bus.on('attempt-first-token', () => {
        resolve();
      });
    });
    const reading = readStream(bench.url, CALL);
    await begun;
    const asked = upstream.requestCount;
    // A whole answer that has not begun may be sent again elsewhere: 503.
    const whole = bench.postJson('/v1/chat/completions', CALL);
    await upstream.whenRequests(asked + 1);
    await bench.engine.drain(50);
    const read = await reading;
    expect(read.error).toMatchObject({ code: 'stream_interrupted' });
    expect(read.raw).not.toContain('[DONE]');
    const refused = await whole;
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ error: { code: 'overloaded' } });
    await upstream.whenAborted(aborted + 2);
    expect(bench.attempts.map(({ outcome }) => outcome)).toEqual(['client_left', 'client_left']);
    await bench.expectQuiet(upstream);
    await bench.close();
  });

  it('a reader that takes nothing does not hold the shutdown up', async () => {
    const bench = await boot();
    // On the wire some 20 MB: more than the sockets on the way can hold.
    upstream.setReply(() => ({ text: 'word '.repeat(80_000) }));
    const accepted = once(bench.app.getHttpServer() as Server, 'connection') as Promise<[Socket]>;
    const outgoing = openRequest(`${bench.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      agent: false,
    });
    outgoing.on('error', () => undefined);
    outgoing.end(JSON.stringify({ ...CALL, stream: true }));
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    incoming.on('error', () => undefined).pause();
    const [socket] = await accepted;
    // No event tells that nothing moves any more: the count of bytes that left must stay the same for a while.
    const seen: number[] = [];
    await expect
      .poll(() => seen.push(socket.bytesWritten) && socket.writableNeedDrain && seen.at(-1) === seen.at(-5), {
        interval: 40,
        timeout: 8_000,
      })
      .toBe(true);
    const startedAt = performance.now();
    await bench.engine.drain(50);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(bench.requests).toHaveLength(1);
    expect(bench.requests[0]?.outcome).not.toBe('succeeded');
    await bench.expectQuiet(upstream);
    outgoing.destroy();
    upstream.setReply(() => ({ text: TEXT }));
    await bench.close();
  });
});
