import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import {
  EnqueuedRequestLostError,
  type LlmRouterOptions,
  OverloadedError,
  type RoutedChatCompletion,
  RouterService,
} from 'nestjs-llm-router';
import { createScriptedUpstream } from 'nestjs-llm-router/testing';
// Internal on purpose: what a handler's interceptor counts with.
import { type CallTally, runWithCallTally } from '../lib/pipeline/index.js';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';
import { HeldUpstream } from './support/held-upstream.js';
import { whenQueued } from './support/when-queued.js';

const ASK = { model: 'work', messages: [{ role: 'user' as const, content: 'Sum it up' }] };
/** Now, whenever that is. */
const ALWAYS_PEAK = { from: '00:00', to: '24:00' };
const CALL = 'one/dear';

interface Lane extends FaultBench {
  readonly router: RouterService;
  readonly upstream: HeldUpstream;
}

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function optionsOver(upstream: HeldUpstream, extra: Partial<LlmRouterOptions> = {}): LlmRouterOptions {
  return {
    providers: { one: { api: 'openai', baseUrl: upstream.baseUrl } },
    models: {
      dear: { provider: 'one', price: { inputPer1M: 30, outputPer1M: 30 }, quality: 0.9 },
      cheap: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 1 }, quality: 0.5 },
    },
    routingRules: { work: { primary: 'dear', fallback: 'cheap' }, alone: { primary: 'dear' } },
    surfaces: { reports: {}, fussy: { qualityFloor: 0.8 } },
    execution: { hedge: { enabled: false }, concurrency: { adaptive: false } },
    shutdown: { graceMs: 0 },
    ...extra,
  };
}

async function open(extra: Partial<LlmRouterOptions> = {}): Promise<Lane> {
  const upstream = await HeldUpstream.start();
  closing.push(() => upstream.close());
  const bench = await createFaultBench({ platform: 'fastify', options: optionsOver(upstream, extra) });
  closing.push(() => bench.close());
  return { ...bench, upstream, router: bench.app.get(RouterService) };
}

/** `dear` alone, with room for so many calls. */
const roomFor = (maxConcurrency: number): Partial<LlmRouterOptions> => ({
  models: { dear: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 1 }, maxConcurrency } },
  routingRules: { work: { primary: 'dear' } },
  surfaces: {},
});

describe('enqueue', () => {
  it('runs at once where nothing stands against it, on the cheapest that may serve, as background work', async () => {
    const { router, upstream, requests } = await open();
    const answers = [router.enqueue(ASK), router.enqueue(ASK, { surface: 'fussy' })];
    await upstream.whenWaiting(2);
    expect(router.background()).toMatchObject({ queued: 0, running: 2, oldestAgeMs: null, waitsFor: null });
    upstream.finishAll();
    const [any, fussy] = await Promise.all(answers);
    expect(any?.routing).toMatchObject({ model: 'cheap', tier: 'secondary', attempts: 1 });
    expect(Object.keys(any ?? {})).not.toContain('routing');
    // The floor holds.
    expect(fussy?.routing).toMatchObject({ model: 'dear' });
    expect(requests).toEqual(
      Array(2).fill(
        expect.objectContaining({ workload: 'background', outcome: 'succeeded', streamed: false }),
      ),
    );
    expect(router.background()).toMatchObject({ queued: 0, running: 0, queuedBytes: 0 });
  });

  it('holds work in the peak, and answers it before its deadline all the same', async () => {
    const { router, upstream, requests } = await open({ peakHours: ALWAYS_PEAK });
    const startedAt = performance.now();
    const deadlineMs = 1_200;
    const answer = router.enqueue(ASK, { deadlineMs });
    expect(router.background()).toMatchObject({ queued: 1, running: 0, waitsFor: 'off_peak' });
    expect(router.background().queuedBytes).toBeGreaterThan(50);
    await upstream.whenWaiting(1);
    expect(performance.now() - startedAt).toBeGreaterThan(deadlineMs / 2 - 20);
    upstream.finishAll();
    await answer;
    expect(performance.now() - startedAt).toBeLessThan(deadlineMs);
    expect(requests).toHaveLength(1);
  });

  it('ends what is not answered in time, once, with the deadline', async () => {
    const { router, upstream, requests } = await open({ peakHours: ALWAYS_PEAK });
    const startedAt = performance.now();
    const answer = router.enqueue(ASK, { deadlineMs: 400 });
    await expect(answer).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(requests).toHaveLength(1);
    upstream.finishAll();
  });

  it('takes up what it holds when the hours change', async () => {
    const { router, upstream } = await open({ peakHours: ALWAYS_PEAK });
    const request = { ...ASK, messages: [...ASK.messages] };
    const answer = router.enqueue(request, { surface: 'reports' });
    // What becomes of it meanwhile is the caller's affair.
    request.messages.length = 0;
    await router.reconfigure(optionsOver(upstream));
    await upstream.whenWaiting(1);
    upstream.finishAll();
    expect((await answer).routing).toMatchObject({ surface: 'reports' });
  });

  it('in the peak runs where a known capacity is free by half, and where none is known it waits', async () => {
    const { router, upstream } = await open({ peakHours: ALWAYS_PEAK, ...roomFor(4) });
    const answers = [1, 2, 3].map(() => router.enqueue(ASK));
    await upstream.whenWaiting(2);
    expect(router.background()).toMatchObject({ queued: 1, running: 2 });
    upstream.finishOne();
    await upstream.whenWaiting(2);
    upstream.finishAll();
    await Promise.all(answers);
  });

  it('has its share while interactive work takes all there is, and leaves interactive work its own', async () => {
    const { router, upstream, engine, requests } = await open(roomFor(4));
    const interactive = [1, 2, 3, 4, 5, 6].map(() => router.chat(ASK));
    await upstream.whenWaiting(4);
    await whenQueued(engine, CALL, 2);
    const background = [1, 2, 3, 4].map(() => router.enqueue(ASK));
    // One call of four is its share; it comes before the two that wait.
    await whenQueued(engine, CALL, 3);
    expect(router.background()).toMatchObject({ queued: 3, running: 1, waitsFor: 'capacity' });
    const ended: string[] = [];
    for (const { promise, name } of [
      ...interactive.map((promise) => ({ promise, name: 'interactive' })),
      ...background.map((promise) => ({ promise, name: 'background' })),
    ]) {
      void promise.then(() => ended.push(name));
    }
    upstream.finishOne();
    await whenQueued(engine, CALL, 2);
    await upstream.whenWaiting(4);
    // Of the four that run one is the lane's: let the other three, and those after them, end first.
    expect(engine.signals.of(CALL).inFlight).toBe(4);
    while (ended.length < 10) {
      upstream.finishOne();
      await new Promise(setImmediate);
      expect(router.background().running).toBeLessThanOrEqual(2);
    }
    await Promise.all([...interactive, ...background]);
    expect(ended.indexOf('background')).toBeLessThan(ended.lastIndexOf('interactive'));
    expect(requests).toHaveLength(10);
  });

  it('gets its share, and no more than its part, of a provider that is busy all the time', async () => {
    const upstream = await createScriptedUpstream({
      api: 'openai',
      latency: { timeToFirstTokenMs: 20, tokensPerSecond: Infinity },
    });
    closing.push(() => upstream.close());
    const { router, requests } = await open({
      ...roomFor(10),
      providers: { one: { api: 'openai', baseUrl: upstream.baseUrl } },
    });
    const enough = new AbortController();
    const background = Promise.allSettled(
      Array.from({ length: 200 }, () => router.enqueue(ASK, { signal: enough.signal })),
    );
    let isOver = false;
    const client = async (): Promise<void> => {
      while (!isOver) await router.chat(ASK);
    };
    const clients = Array.from({ length: 30 }, client);
    while (requests.filter(({ workload }) => workload === 'interactive').length < 300) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const served = requests.filter(
      ({ workload, outcome }) => workload === 'background' && outcome === 'succeeded',
    ).length;
    const share = served / requests.length;
    process.stdout.write(`of ${requests.length} requests ${Math.round(share * 100)} % are background work\n`);
    expect(share).toBeGreaterThan(0.08);
    expect(share).toBeLessThan(0.5);
    isOver = true;
    enough.abort();
    await Promise.all(clients);
    await background;
    expect(router.background()).toMatchObject({ queued: 0, running: 0, queuedBytes: 0 });
  });

  it('is refused at once when the queue is full, with the time until there may be room', async () => {
    const { router, upstream, requests } = await open({ peakHours: ALWAYS_PEAK, background: { maxSize: 2 } });
    const held = [1, 2].map(() => router.enqueue(ASK, { deadlineMs: 600_000, surface: 'reports' }));
    const refused: unknown = await router
      .enqueue(ASK, { surface: 'reports' })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OverloadedError);
    // The two begin a little over 40 s before their deadline, where no usual time is known; or the day ends first.
    expect((refused as OverloadedError).retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect((refused as OverloadedError).retryAfterMs).toBeLessThanOrEqual(600_000);
    expect(requests).toEqual([
      expect.objectContaining({
        outcome: 'shed',
        errorCode: 'overloaded',
        surface: 'reports',
        workload: 'background',
        attempts: 0,
      }),
    ]);
    await router.reconfigure(optionsOver(upstream));
    await upstream.whenWaiting(2);
    upstream.finishAll();
    await Promise.all(held);
  });

  it('holds no more bytes than it may', async () => {
    const { router } = await open({ peakHours: ALWAYS_PEAK, background: { maxBytes: 2_000 } });
    const long = { ...ASK, messages: [{ role: 'user' as const, content: 'x'.repeat(1_500) }] };
    const gone = new AbortController();
    const first = router.enqueue(long, { signal: gone.signal });
    await expect(router.enqueue(long)).rejects.toMatchObject({ code: 'overloaded' });
    const huge = { ...ASK, messages: [{ role: 'user' as const, content: 'x'.repeat(2_500) }] };
    await expect(router.enqueue(huge)).rejects.toMatchObject({ code: 'request_too_large', status: 413 });
    gone.abort();
    await expect(first).rejects.toMatchObject({ code: 'client_closed_request' });
    expect(router.background()).toMatchObject({ queued: 0, queuedBytes: 0 });
  });

  it('refuses at once what nobody could serve', async () => {
    const { router, requests } = await open({ peakHours: ALWAYS_PEAK });
    await expect(router.enqueue({ ...ASK, messages: [] })).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(router.enqueue({ ...ASK, model: 'nobody' })).rejects.toMatchObject({
      code: 'model_not_found',
    });
    await expect(router.enqueue(ASK, { qualityFloor: 0.99 })).rejects.toMatchObject({
      code: 'no_eligible_model',
    });
    await expect(router.enqueue(ASK, { deadlineMs: -1 })).rejects.toMatchObject({ param: 'deadlineMs' });
    await expect(router.enqueue({ ...ASK, seed: 1n } as never)).rejects.toMatchObject({
      code: 'invalid_request',
    });
    expect(requests.map(({ outcome }) => outcome)).toEqual(Array(5).fill('rejected'));
    expect(router.background().queued).toBe(0);
  });

  it('is taken out of the queue, or ended, by its signal', async () => {
    const { router, upstream, requests, expectQuiet } = await open({ peakHours: ALWAYS_PEAK });
    const waiting = new AbortController();
    const gone = router.enqueue(ASK, { signal: waiting.signal });
    waiting.abort();
    await expect(gone).rejects.toMatchObject({ code: 'client_closed_request' });
    await expect(router.enqueue(ASK, { signal: waiting.signal })).rejects.toMatchObject({
      code: 'client_closed_request',
    });
    expect(router.background()).toMatchObject({ queued: 0, running: 0 });
    const running = new AbortController();
    const ended = router.enqueue(ASK, { signal: running.signal });
    await router.reconfigure(optionsOver(upstream));
    await upstream.whenWaiting(1);
    running.abort();
    await expect(ended).rejects.toMatchObject({ code: 'client_closed_request' });
    expect(requests.map(({ outcome }) => outcome)).toEqual(Array(3).fill('client_left'));
    await expectQuiet();
    expect(router.background()).toMatchObject({ queued: 0, running: 0 });
  });

  it('says at a shutdown that what waits is lost', async () => {
    const { router, app, requests } = await open({ peakHours: ALWAYS_PEAK });
    const lost = [1, 2].map(() => router.enqueue(ASK).catch((error: unknown) => error));
    await app.close();
    for (const error of await Promise.all(lost)) {
      expect(error).toBeInstanceOf(EnqueuedRequestLostError);
      expect(error).toMatchObject({ code: 'enqueued_request_lost', status: 503, isRetryable: true });
      expect(String(error)).toMatch(/in memory.*lost/);
    }
    expect(requests.map(({ outcome, errorCode }) => [outcome, errorCode])).toEqual(
      Array(2).fill(['shed', 'enqueued_request_lost']),
    );
    await expect(router.enqueue(ASK)).rejects.toMatchObject({ code: 'overloaded' });
  });

  it('says so at once, while those under way have their time to finish', async () => {
    const { router, app, upstream } = await open({
      peakHours: ALWAYS_PEAK,
      shutdown: { graceMs: 60_000 },
    });
    const running = router.chat(ASK);
    await upstream.whenWaiting(1);
    const lost = router.enqueue(ASK);
    const closed = app.close();
    await expect(lost).rejects.toBeInstanceOf(EnqueuedRequestLostError);
    upstream.finishAll();
    await running;
    await closed;
  });

  it('keeps who asked, and nothing of who happened to be there when it ran', async () => {
    const { router, upstream, engine, requests } = await open(roomFor(1));
    const storage = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    engine.bus.on('attempt-started', () => seen.push(storage.getStore()));
    const busy = storage.run('interactive', () => router.chat(ASK));
    await upstream.whenWaiting(1);
    const queued = storage.run('enqueuer', () => [router.enqueue(ASK), router.enqueue(ASK)]);
    while (router.background().running + router.background().queued > 0 || requests.length < 3) {
      upstream.finishOne();
      await new Promise(setImmediate);
    }
    await Promise.all([busy, ...queued] as Promise<RoutedChatCompletion>[]);
    expect(seen).toEqual(['interactive', undefined, undefined]);
  });

  it('is one request in records and counts, however often there is no room for it', async () => {
    const { router, upstream, requests, engine } = await open({
      ...roomFor(100),
      limits: { requestsInFlight: 2 },
    });
    const counts = { started: 0, ended: 0 };
    const tally: CallTally = {
      onStarted: () => (counts.started += 1),
      onRouted: () => undefined,
      onEnded: () => (counts.ended += 1),
    };
    const interactive = [1, 2].map(() => router.chat(ASK));
    await upstream.whenWaiting(2);
    const leaving = new AbortController();
    const background = runWithCallTally(tally, () =>
      Array.from({ length: 10 }, (_, index) =>
        router.enqueue(ASK, index === 0 ? { signal: leaving.signal } : {}),
      ),
    );
    // All places are taken: those that were tried wait a second.
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    expect(requests).toEqual([]);
    expect(router.background()).toMatchObject({ queued: 10, running: 0 });
    const tried = counts.started;
    expect(tried).toBeGreaterThan(0);
    leaving.abort();
    await expect(background[0]).rejects.toMatchObject({ code: 'client_closed_request' });
    const all = Promise.all([...interactive, ...background.slice(1)]);
    while (requests.length < 12) {
      upstream.finishAll();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await all;
    const own = requests.filter(({ workload }) => workload === 'background');
    expect(own.map(({ outcome }) => outcome).sort()).toEqual([
      'client_left',
      ...Array<string>(9).fill('succeeded'),
    ]);
    expect(new Set(own.map(({ decisionId }) => decisionId)).size).toBe(10);
    expect(requests).toHaveLength(12);
    expect(counts).toEqual({ started: 10, ended: 10 });
    expect(engine.pipeline.inFlight).toBe(0);
  });

  it('has the calls of all its tries in its record, and in the answer', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    closing.push(() => upstream.close());
    const { router, requests, attempts } = await open({
      ...roomFor(10),
      providers: { one: { api: 'openai', baseUrl: upstream.baseUrl } },
    });
    for (const _ of [1, 2]) upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 1 });
    const { routing } = await router.enqueue(ASK);
    expect(requests).toMatchObject([
      { outcome: 'succeeded', attempts: attempts.length, errorCode: undefined },
    ]);
    expect(attempts.length).toBeGreaterThanOrEqual(2);
    expect(routing.attempts).toBe(attempts.length);
    const ids = new Set([routing.decisionId, ...attempts.map(({ decisionId }) => decisionId)]);
    expect(ids.size).toBe(1);
    expect(requests[0]?.costUsd).toBeCloseTo(
      attempts.reduce((sum, { costUsd }) => sum + costUsd, 0),
      12,
    );
  });

  it('waits for the next day where a budget is spent, or is refused where its deadline comes first', async () => {
    const budget = { usd: 0.000001, per: 'day' } as const;
    const { router, upstream, engine } = await open({ surfaces: { reports: { budget } } });
    const first = router.enqueue(ASK, { surface: 'reports' });
    await upstream.whenWaiting(1);
    upstream.finishAll();
    await first;
    await expect(router.enqueue(ASK, { surface: 'reports', deadlineMs: 5_000 })).rejects.toMatchObject({
      code: 'budget_exceeded',
      status: 402,
    });
    const gone = new AbortController();
    const tomorrow = router.enqueue(ASK, {
      surface: 'reports',
      deadlineMs: 2 * 86_400_000,
      signal: gone.signal,
    });
    await new Promise(setImmediate);
    expect(router.background()).toMatchObject({ queued: 1, running: 0 });
    gone.abort();
    await expect(tomorrow).rejects.toMatchObject({ code: 'client_closed_request' });
    expect(engine.pipeline.inFlight).toBe(0);
  });
});
