import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';

const CALL = { model: 'simple_queries', messages: [{ role: 'user' as const, content: 'Count' }] };
const TEXT = 'one two three four five six';
const USAGE = { promptTokens: 321, completionTokens: 123 };
const MAX_STREAM_MS = 100;
/** How long a stream over its time still has to say so. */
const LAST_WORDS_MS = 1_000;

describe.each(['openai', 'anthropic', 'gemini'] as const)('readers of RouterService.stream (%s)', (api) => {
  let primary: ScriptedUpstream;
  let fallback: ScriptedUpstream;
  let bench: FaultBench;
  let router: RouterService;

  beforeAll(async () => {
    primary = await createScriptedUpstream({ api, reply: () => ({ text: TEXT, usage: USAGE }) });
    fallback = await createScriptedUpstream({ api: 'openai' });
    bench = await createFaultBench({
      platform: 'express',
      http: false,
      options: {
        providers: {
          one: { api, baseUrl: primary.baseUrl, apiKey: 'k1' },
          two: { api: 'openai', baseUrl: fallback.baseUrl, apiKey: 'k2' },
        },
        models: { first: { provider: 'one' }, second: { provider: 'two' } },
        routingRules: { simple_queries: { primary: 'first', fallback: 'second' } },
      },
    });
    router = bench.app.get(RouterService);
  });

  beforeEach(() => {
    bench.clear();
  });

  afterEach(async () => {
    await Promise.all([primary.heal(), fallback.heal()]);
    await bench.expectQuiet(primary, fallback);
    expect(fallback.requestCount).toBe(0);
  });

  afterAll(async () => {
    await bench.close();
    await Promise.all([primary.close(), fallback.close()]);
  });

  it.each(['request', 'headers', 'first_token'] as const)(
    'a Readable destroyed while the upstream stalls (after: %s) ends the call and tries nothing more',
    async (after) => {
      primary.failNext({ kind: 'stalled', after });
      const asked = primary.requestCount;
      const aborted = primary.abortedCount;
      const readable = Readable.from(router.stream(CALL));
      readable.on('error', () => undefined);
      const hasBegun = new Promise((resolve) => readable.once('data', resolve));
      readable.resume();
      await primary.whenRequests(asked + 1);
      if (after === 'first_token') await hasBegun;
      // By now it waits for the next chunk: a read is under way that only the upstream could end.
      await new Promise(setImmediate);
      const leftAt = performance.now();
      readable.destroy();
      await primary.whenAborted(aborted + 1);
      await bench.whenEnded(1);
      // At once, and not when a limit of ours ends it.
      expect(performance.now() - leftAt).toBeLessThan(1_000);
      expect(bench.attempts).toMatchObject([{ model: 'first', outcome: 'client_left' }]);
      expect(bench.requests).toMatchObject([
        { outcome: 'client_left', errorCode: 'client_closed_request', attempts: 1 },
      ]);
    },
  );

  it('a reader that breaks at the finish reason has had the whole answer', async () => {
    let text = '';
    for await (const chunk of router.stream(CALL)) {
      text += chunk.choices[0]?.delta.content ?? '';
      if (chunk.choices[0]?.finish_reason) break;
    }
    expect(text).toBe(TEXT);
    await bench.whenEnded(1);
    expect(bench.attempts).toMatchObject([
      { outcome: 'succeeded', errorKind: undefined, usage: USAGE, usageSource: 'reported' },
    ]);
    expect(bench.requests).toMatchObject([{ outcome: 'succeeded', errorCode: undefined, usage: USAGE }]);
  });

  it('a reader that breaks before it has not', async () => {
    for await (const chunk of router.stream(CALL)) if (chunk.choices[0]?.delta.content) break;
    await bench.whenEnded(1);
    expect(bench.attempts).toMatchObject([{ outcome: 'client_left' }]);
    expect(bench.requests).toMatchObject([{ outcome: 'client_left' }]);
  });
});

describe('a reader of RouterService.stream that neither reads nor leaves', () => {
  it('gives its place back when the longest stream would be over', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: TEXT }) });
    const bench = await createFaultBench({
      platform: 'express',
      http: false,
      options: {
        providers: { one: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } },
        models: { only: { provider: 'one' } },
        routingRules: { simple_queries: { primary: 'only' } },
        execution: { timeouts: { maxStreamMs: MAX_STREAM_MS } },
      },
    });
    try {
      const iterator = bench.app.get(RouterService).stream(CALL)[Symbol.asyncIterator]();
      expect((await iterator.next()).done).toBe(false);
      const forgottenAt = performance.now();
      expect(bench.engine.pipeline.inFlight).toBe(1);
      await bench.whenEnded(1);
      const heldMs = performance.now() - forgottenAt;
      expect(heldMs).toBeGreaterThan(MAX_STREAM_MS);
      expect(heldMs).toBeLessThan(MAX_STREAM_MS + LAST_WORDS_MS + 1_000);
      expect(bench.requests).toMatchObject([{ outcome: 'client_left', attempts: 1 }]);
      expect(bench.attempts).toHaveLength(1);
      await bench.expectQuiet(upstream);
      // It comes back after all, and is told of the end rather than kept waiting.
      expect((await iterator.next()).done).toBe(true);
    } finally {
      await bench.close();
      await upstream.close();
    }
  });
});
