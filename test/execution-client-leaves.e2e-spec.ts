import { once } from 'node:events';
import { type IncomingMessage, request as openRequest } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { firstValueFrom, Subscription } from 'rxjs';
import { RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

/** From the client's end to the upstream's, in milliseconds. */
const MEDIAN_MS = 50;
const MAXIMUM_MS = 250;
const ROUNDS = 20;

const ENDLESS = Array.from({ length: 500 }, (_, index) => `word${index}`).join(' ');
const MESSAGES = [{ role: 'user' as const, content: 'Tell a story' }];
const CALL = { model: 'simple_queries', messages: MESSAGES };

describe.each(PLATFORMS)('a client that leaves, on %s', (platform) => {
  let primary: ScriptedUpstream;
  let fallback: ScriptedUpstream;
  let bench: FaultBench;
  let router: RouterService;

  beforeAll(async () => {
    primary = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: ENDLESS }) });
    fallback = await createScriptedUpstream({ api: 'gemini' });
    bench = await createFaultBench({
      platform,
      options: {
        providers: {
          primary: { api: 'openai', baseUrl: primary.baseUrl, apiKey: 'k1' },
          fallback: { api: 'gemini', baseUrl: fallback.baseUrl, apiKey: 'k2' },
        },
        models: { first: { provider: 'primary' }, second: { provider: 'fallback' } },
        // Nothing may look like slowness here.
        routingRules: { simple_queries: { primary: 'first', fallback: 'second', maxLatencyMs: 30_000 } },
      },
    });
    router = bench.app.get(RouterService);
  });

  beforeEach(() => {
    bench.clear();
  });

  afterEach(async () => {
    await bench.expectQuiet(primary, fallback);
    expect(fallback.requestCount).toBe(0);
  });

  afterAll(async () => {
    const { total, providers } = bench.engine.kpis.report();
    await bench.close();
    await Promise.all([primary.close(), fallback.close()]);
    expect(total).toMatchObject({ errors: 0, timeouts: 0, errorRate: 0, latencyMs: undefined });
    expect(total.clientLeft).toBe(total.requests);
    expect(providers.primary).toMatchObject({ errors: 0, timeouts: 0, errorRate: 0 });
  });

  function expectClientLeft(times: number): void {
    expect(bench.requests.map(({ outcome, errorCode, attempts }) => [outcome, errorCode, attempts])).toEqual(
      Array.from({ length: times }, () => ['client_left', 'client_closed_request', 1]),
    );
    expect(bench.attempts.map(({ outcome, errorKind }) => [outcome, errorKind])).toEqual(
      Array.from({ length: times }, () => ['client_left', undefined]),
    );
    // Neither an error nor a latency sample.
    expect(bench.engine.signals.of(bench.attempts[0]!.deployment)).toMatchObject({
      samples: 0,
      errorRate: 0,
      consecutiveFailures: 0,
    });
  }

  const MOMENTS = [
    {
      when: 'before the first byte of a stream',
      stream: true,
      latency: { timeToFirstTokenMs: 20_000, tokensPerSecond: 50 },
    },
    { when: 'in mid-stream', stream: true, latency: { timeToFirstTokenMs: 0, tokensPerSecond: 100 } },
    {
      when: 'during a whole answer',
      stream: false,
      latency: { timeToFirstTokenMs: 20_000, tokensPerSecond: 50 },
    },
  ];

  it.each(MOMENTS)('$when ends the upstream call at once', async ({ when, stream, latency }) => {
    primary.setLatency(latency);
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const asked = primary.requestCount + 1;
      const aborted = primary.abortedCount + 1;
      // A connection of its own: fetch opens another one in place of that which is aborted, and keeps it.
      const outgoing = openRequest(`${bench.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        agent: false,
      });
      outgoing.on('error', () => undefined);
      outgoing.end(JSON.stringify({ ...CALL, stream }));
      await primary.whenRequests(asked);
      if (when === 'in mid-stream') {
        const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
        await once(
          incoming.on('error', () => undefined),
          'data',
        );
      }
      const startedAt = performance.now();
      outgoing.destroy();
      await primary.whenAborted(aborted);
      times.push(performance.now() - startedAt);
    }
    await bench.whenEnded(ROUNDS);
    times.sort((first, second) => first - second);
    const median = times[ROUNDS / 2]!;
    const maximum = times.at(-1)!;
    console.info(
      `${platform}, ${when}: upstream ended after ${median.toFixed(1)} ms (median), ${maximum.toFixed(1)} ms (max)`,
    );
    expect(median).toBeLessThan(MEDIAN_MS);
    expect(maximum).toBeLessThan(MAXIMUM_MS);
    expectClientLeft(ROUNDS);
  });

  describe('through RouterService', () => {
    it('by its signal, while a whole answer is awaited', async () => {
      primary.setLatency({ timeToFirstTokenMs: 20_000, tokensPerSecond: 50 });
      const leave = new AbortController();
      const asked = primary.requestCount + 1;
      const aborted = primary.abortedCount + 1;
      const answer = router.chat(CALL, { signal: leave.signal });
      await primary.whenRequests(asked);
      leave.abort();
      await expect(answer).rejects.toMatchObject({ code: 'client_closed_request' });
      await primary.whenAborted(aborted);
      expectClientLeft(1);
    });

    it('by a signal that was aborted before: nothing is called', async () => {
      const asked = primary.requestCount;
      await expect(router.chat(CALL, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'client_closed_request',
      });
      const stream = router.stream(CALL, { signal: AbortSignal.abort() });
      await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        code: 'client_closed_request',
      });
      expect(primary.requestCount).toBe(asked);
      expect(bench.attempts).toEqual([]);
      expect(bench.requests.map(({ outcome }) => outcome)).toEqual(['client_left', 'client_left']);
    });

    it('by its signal, in mid-stream: the loop throws', async () => {
      primary.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: 100 });
      const aborted = primary.abortedCount + 1;
      const leave = new AbortController();
      const read = async (): Promise<void> => {
        for await (const chunk of router.stream(CALL, { signal: leave.signal })) {
          if (chunk.choices[0]?.delta.content) leave.abort();
        }
      };
      await expect(read()).rejects.toMatchObject({ code: 'client_closed_request' });
      await primary.whenAborted(aborted);
      expectClientLeft(1);
    });

    it('by leaving the loop', async () => {
      const aborted = primary.abortedCount + 1;
      for await (const chunk of router.stream(CALL)) if (chunk.choices[0]?.delta.content) break;
      await primary.whenAborted(aborted);
      expectClientLeft(1);
    });

    it('by throwing into the loop: the thrown error comes out', async () => {
      const aborted = primary.abortedCount + 1;
      const own = new Error('of the caller');
      const read = async (): Promise<void> => {
        for await (const chunk of router.stream(CALL)) if (chunk.choices.length > 0) throw own;
      };
      await expect(read()).rejects.toBe(own);
      await primary.whenAborted(aborted);
      expectClientLeft(1);
    });

    it('by returning an iterator that was never read: nothing is called, nothing recorded', async () => {
      const asked = primary.requestCount;
      const iterator = router.stream(CALL)[Symbol.asyncIterator]();
      expect(await iterator.return(undefined)).toEqual({ done: true, value: undefined });
      expect(await iterator.next()).toEqual({ done: true, value: undefined });
      expect(primary.requestCount).toBe(asked);
      expect(bench.requests).toEqual([]);
    });

    it('by returning an iterator whose first read is under way', async () => {
      primary.setLatency({ timeToFirstTokenMs: 20_000, tokensPerSecond: 100 });
      const asked = primary.requestCount + 1;
      const aborted = primary.abortedCount + 1;
      const iterator = router.stream(CALL)[Symbol.asyncIterator]();
      const first = iterator.next();
      await primary.whenRequests(asked);
      await iterator.return(undefined);
      await primary.whenAborted(aborted);
      // Nobody is left to be told of an error.
      expect((await first).done).toBe(true);
      expectClientLeft(1);
    });

    it('by unsubscribing, before the first chunk and after it', async () => {
      primary.setLatency({ timeToFirstTokenMs: 20_000, tokensPerSecond: 100 });
      const errors: unknown[] = [];
      let asked = primary.requestCount + 1;
      const aborted = primary.abortedCount;
      const waiting = router.stream$(CALL).subscribe({ error: (error: unknown) => errors.push(error) });
      await primary.whenRequests(asked);
      waiting.unsubscribe();
      await primary.whenAborted(aborted + 1);

      primary.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: 100 });
      asked += 1;
      const reading = new Subscription();
      await new Promise<void>((resolve) => {
        reading.add(
          router.stream$(CALL).subscribe({
            next: () => {
              resolve();
            },
            error: (error: unknown) => errors.push(error),
          }),
        );
      });
      reading.unsubscribe();
      await primary.whenAborted(aborted + 2);
      expect((await firstValueFrom(router.stream$(CALL))).object).toBe('chat.completion.chunk');
      await primary.whenAborted(aborted + 3);
      await bench.whenEnded(3);
      expect(errors).toEqual([]);
      expectClientLeft(3);
    });
  });
});
