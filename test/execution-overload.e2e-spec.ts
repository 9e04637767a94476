import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import type { ScriptedUpstream, ScriptedUpstreamOptions } from 'nestjs-llm-router/testing';
import { HeldUpstream } from './support/held-upstream.js';
import { PLATFORMS, type Platform } from './support/router-app.js';
import { type Answer, createScene, type Scene } from './support/scene.js';
import { whenQueued } from './support/when-queued.js';

const HELD = 'held/held';
const SURFACES: LlmRouterOptions['surfaces'] = {
  batch: { workload: 'background' },
  low: { priority: 10 },
  normal: {},
  high: { priority: 90 },
};

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Held extends Scene<never> {
  readonly held: HeldUpstream;
  /** Asks on a surface, and resolves once that request is under way (0), or so many wait. */
  queue(surface: string, queued: number): Promise<{ readonly answer: Promise<Answer> }>;
}

/** One deployment that takes one call at a time, and answers when the test says so. */
async function openHeld(platform: Platform, execution: LlmRouterOptions['execution'] = {}): Promise<Held> {
  const held = await HeldUpstream.start();
  closing.push(() => held.close());
  const scene = await createScene<never>({
    platform,
    upstreams: {},
    others: { held: { api: 'openai', baseUrl: held.baseUrl, apiKey: 'k' } },
    models: { held: { provider: 'held', maxConcurrency: 1 } },
    options: { routingRules: { simple_queries: { primary: 'held' } }, surfaces: SURFACES, execution },
  });
  closing.push(() => scene.close());
  return {
    ...scene,
    held,
    queue: async (surface, queued) => {
      const isThere = queued === 0 ? held.whenWaiting(1) : whenQueued(scene.engine, HELD, queued);
      const answer = scene.ask('auto', { headers: { 'x-llm-surface': surface } });
      await isThere;
      return { answer };
    },
  };
}

function expectOverloaded(answer: Answer): void {
  expect(answer).toMatchObject({ status: 503, code: 'overloaded' });
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  expect(answer.headers.get('x-should-retry')).not.toBe('false');
}

/** The most calls that an upstream had at a time. */
function watchPeak(upstream: ScriptedUpstream): () => number {
  let peak = 0;
  upstream.setFaults(() => {
    peak = Math.max(peak, upstream.openRequests);
    return undefined;
  });
  return () => peak;
}

describe.each(PLATFORMS)('maxConcurrency, on %s', (platform) => {
  const SLOW: ScriptedUpstreamOptions = {
    api: 'openai',
    reply: () => ({ text: 'Done.' }),
    latency: { timeToFirstTokenMs: 20, tokensPerSecond: Infinity },
  };

  it.each([false, true])('is never exceeded, and all are served (stream: %s)', async (stream) => {
    const scene = await createScene({
      platform,
      upstreams: { first: SLOW, second: { ...SLOW, api: 'anthropic' } },
      models: {
        first: { provider: 'first', maxConcurrency: 4 },
        second: { provider: 'second', maxConcurrency: 2 },
      },
      options: { routingRules: { simple_queries: { primary: 'first', fallback: 'second' } } },
    });
    closing.push(() => scene.close());
    const { first, second } = scene.upstreams;
    const peaks = [watchPeak(first), watchPeak(second)];
    const count = 60;
    const answers = await Promise.all(Array.from({ length: count }, () => scene.ask('auto', { stream })));
    expect(answers.map(({ status, text }) => `${status} ${text}`)).toEqual(answers.map(() => '200 Done.'));
    const [firstPeak, secondPeak] = peaks.map((peak) => peak());
    expect(firstPeak).toBeLessThanOrEqual(4);
    expect(secondPeak).toBeLessThanOrEqual(2);
    // The fallback is used, and nothing is sent twice for it.
    expect(second.requestCount).toBeGreaterThan(2);
    expect(scene.calls()).toBe(count);
    expect(scene.requests.map(({ attempts, outcome }) => `${outcome} ${attempts}`)).toEqual(
      answers.map(() => 'succeeded 1'),
    );
    await scene.expectQuiet(first, second);
  });
});

describe('maxConcurrency of one whose breaker is open, and nobody else is left', () => {
  it.each([false, true])('is never exceeded either (stream: %s)', async (stream) => {
    const scene = await createScene({
      upstreams: { one: { api: 'openai', reply: () => ({ text: 'Done.' }) } },
      models: { one: { provider: 'one', maxConcurrency: 2 } },
      options: { routingRules: { simple_queries: { primary: 'one' } } },
    });
    closing.push(() => scene.close());
    const { one } = scene.upstreams;
    one.failAlways({ kind: 'status', status: 500 });
    while (scene.engine.signals.of('one/one').breaker === 'closed') await scene.ask('auto', { stream });
    await one.heal();
    one.setLatency({ timeToFirstTokenMs: 30, tokensPerSecond: Infinity });
    const peak = watchPeak(one);
    const answers = await Promise.all(Array.from({ length: 12 }, () => scene.ask('auto', { stream })));
    expect(scene.engine.signals.of('one/one').breaker).toBe('open');
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(peak()).toBeLessThanOrEqual(2);
    await scene.expectQuiet(one);
  });
});

describe.each(PLATFORMS)('the queue, on %s', (platform) => {
  it('is served by urgency: interactive before background, the higher surface first, then who came first', async () => {
    const scene = await openHeld(platform);
    const answers = [await scene.queue('normal', 0)];
    let queued = 0;
    for (const surface of ['batch', 'low', 'normal', 'high', 'normal', 'batch', 'high']) {
      queued += 1;
      answers.push(await scene.queue(surface, queued));
    }
    expect(scene.engine.signals.of(HELD)).toMatchObject({ inFlight: 1, queued });
    const explained = (await (
      await scene.postJson('/router/explain', { model: 'auto', messages: [{ role: 'user', content: 'Hi' }] })
    ).json()) as { plan: { attempts: { deferred: string }[] } };
    expect(explained.plan.attempts).toMatchObject([
      { deferred: `at capacity (1 in flight, ${queued} waiting)` },
    ]);
    for (let done = 1; done <= answers.length; done += 1) {
      await scene.held.whenWaiting(1);
      scene.held.finishOne();
      await scene.whenEnded(done);
    }
    for (const answer of await Promise.all(answers.map(({ answer }) => answer))) {
      expect(answer.status).toBe(200);
    }
    expect(scene.requests.map(({ surface }) => surface)).toEqual([
      'normal',
      ...['high', 'high', 'normal', 'normal', 'low', 'batch', 'batch'],
    ]);
    const ids = scene.attempts.map(({ decisionId }) => decisionId);
    expect(ids).toHaveLength(new Set(ids).size);
    expect(scene.engine.signals.of(HELD)).toMatchObject({ inFlight: 0, queued: 0 });
    await scene.expectQuiet();
  });

  it('that is full refuses the least urgent, with a time to come back', async () => {
    const scene = await openHeld(platform, { queue: { maxSize: 2 } });
    const { answer: running } = await scene.queue('normal', 0);
    const { answer: batch } = await scene.queue('batch', 1);
    const { answer: low } = await scene.queue('low', 2);

    const normal = scene.ask('auto', { headers: { 'x-llm-surface': 'normal' } });
    expectOverloaded(await batch);
    const high = scene.ask('auto', { headers: { 'x-llm-surface': 'high' } });
    expectOverloaded(await low);
    // Nobody goes for one that is no more urgent than himself.
    for (const surface of ['batch', 'low', 'normal']) {
      expectOverloaded(await scene.ask('auto', { headers: { 'x-llm-surface': surface } }));
    }
    expect(
      scene.requests.map(({ surface, outcome, errorCode, attempts }) => [
        surface,
        outcome,
        errorCode,
        attempts,
      ]),
    ).toEqual(
      ['batch', 'low', 'batch', 'low', 'normal'].map((surface) => [surface, 'shed', 'overloaded', 0]),
    );
    expect(scene.engine.kpis.query({ window: '1m' }).total).toMatchObject({
      requests: 5,
      shed: 5,
      shedRate: 1,
      errors: 0,
      errorsByCode: { overloaded: 5 },
      inFlight: 3,
      queueDepth: 2,
    });
    for (let left = 3; left > 0; left -= 1) {
      await scene.held.whenWaiting(1);
      scene.held.finishOne();
      await scene.whenEnded(scene.requests.length + 1);
    }
    for (const answer of await Promise.all([running, normal, high])) expect(answer.status).toBe(200);
    await scene.expectQuiet();
  });

  it('is left by a client that goes, and nothing is sent for him', async () => {
    const scene = await openHeld(platform);
    const { answer: running } = await scene.queue('normal', 0);
    const isQueued = whenQueued(scene.engine, HELD, 1);
    // Not by fetch, which opens another connection in place of the one it leaves, and keeps it.
    const leaving = request(`${scene.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    leaving.on('error', () => undefined);
    leaving.end(JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'Say it' }] }));
    await isQueued;
    const isLeft = whenQueued(scene.engine, HELD, 0);
    leaving.destroy();
    await isLeft;
    await scene.whenEnded(1);
    expect(scene.requests).toMatchObject([{ outcome: 'client_left', attempts: 0 }]);
    scene.held.finishOne();
    expect((await running).status).toBe(200);
    await scene.whenEnded(2);
    expect(scene.attempts).toHaveLength(1);
    await scene.expectQuiet();
  });

  it('is waited in no longer than it may be', async () => {
    const scene = await openHeld(platform, { queue: { maxWaitMs: 80 } });
    const { answer: running } = await scene.queue('normal', 0);
    const answer = await scene.ask('auto');
    expectOverloaded(answer);
    expect(answer.tookMs).toBeGreaterThan(75);
    expect(answer.tookMs).toBeLessThan(500);
    scene.held.finishOne();
    expect((await running).status).toBe(200);
  });

  it('of no place refuses at once', async () => {
    const scene = await openHeld(platform, { queue: { maxSize: 0 } });
    const { answer: running } = await scene.queue('normal', 0);
    const answer = await scene.ask('auto', { headers: { 'x-llm-surface': 'high' } });
    expectOverloaded(answer);
    expect(answer.tookMs).toBeLessThan(300);
    scene.held.finishOne();
    expect((await running).status).toBe(200);
  });
});

describe('a deadline that would pass in the queue', () => {
  const EACH_MS = 50;
  const AHEAD = 30;

  it('is told at once, with the time that the queue takes', async () => {
    const scene = await createScene({
      upstreams: {
        one: {
          api: 'openai',
          latency: { timeToFirstTokenMs: EACH_MS, tokensPerSecond: Infinity },
        },
      },
      models: { one: { provider: 'one', maxConcurrency: 1 } },
      options: { routingRules: { simple_queries: { primary: 'one' } } },
    });
    closing.push(() => scene.close());
    // How fast places come free is learnt from those that have.
    for (let count = 0; count < 6; count += 1) await scene.ask('auto');
    // Not all of them: on a slow machine the first has its answer before the last has arrived.
    const isFull = whenQueued(scene.engine, 'one/one', AHEAD - 10);
    const waiting = Array.from({ length: AHEAD + 1 }, () => scene.ask('auto'));
    await isFull;
    const fullAt = performance.now();
    const hasty = await scene.ask('auto', { headers: { 'x-llm-deadline-ms': '400' } });
    expectOverloaded(hasty);
    expect(hasty.tookMs).toBeLessThan(200);
    // The next that has the time waits.
    const patient = scene.ask('auto', { headers: { 'x-llm-deadline-ms': '20000' } });
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(200);
    const drainedMs = performance.now() - fullAt;
    expect((await patient).status).toBe(200);
    const toldMs = Number(hasty.headers.get('retry-after')) * 1_000;
    process.stdout.write(
      `a queue of ${AHEAD}: told to come back in ${toldMs} ms, drained after ${Math.round(drainedMs)} ms\n`,
    );
    // In whole seconds, rounded up.
    expect(toldMs).toBeGreaterThanOrEqual(Math.min(drainedMs * 0.7, drainedMs - 500));
    expect(toldMs).toBeLessThanOrEqual(drainedMs * 1.5 + 1_000);
    await scene.expectQuiet(scene.upstreams.one);
  });
});

describe('a provider that takes less than it is given', () => {
  const RUN_MS = 3_000;
  const CLIENTS = 40;

  it.each([
    { name: 'queues', queue: Infinity },
    { name: 'refuses', queue: 4 },
  ])('that $name is given what it takes', async ({ queue }) => {
    const CONCURRENCY = 6;
    const scene = await createScene({
      upstreams: {
        one: {
          api: 'openai',
          capacity: { concurrency: CONCURRENCY, queue },
          latency: { timeToFirstTokenMs: 10, tokensPerSecond: 400 },
        },
      },
      options: {
        routingRules: { simple_queries: { primary: 'one' } },
        execution: { deadlineMs: 10_000 },
      },
    });
    closing.push(() => scene.close());
    const { one } = scene.upstreams;
    // What is usual is learnt without a crowd.
    const calm = performance.now() + 1_100;
    while (performance.now() < calm) await scene.ask('auto', { stream: true });
    let peak = 0;
    let late = 0;
    const begunAt = performance.now();
    const statuses = new Map<number, number>();
    const lateStatuses = new Map<number, number>();
    one.setFaults(() => {
      peak = Math.max(peak, one.openRequests);
      if (performance.now() - begunAt > RUN_MS * 0.75) late = Math.max(late, one.openRequests);
      return undefined;
    });
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        while (performance.now() - begunAt < RUN_MS) {
          const isLate = performance.now() - begunAt > RUN_MS * 0.75;
          const { status } = await scene.ask('auto', { stream: true });
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          if (isLate) lateStatuses.set(status, (lateStatuses.get(status) ?? 0) + 1);
        }
      }),
    );
    const { limit } = scene.engine.signals.of('one/one');
    process.stdout.write(
      `a provider of ${CONCURRENCY} at a time under ${CLIENTS} clients (queue ${queue}): limit ${limit}, ` +
        `peak ${peak}, later ${late}, statuses ${JSON.stringify([...statuses])}, later ${JSON.stringify([...lateStatuses])}\n`,
    );
    expect(limit).toBeDefined();
    expect(limit).toBeLessThan(CLIENTS);
    expect(limit).toBeLessThanOrEqual(4 * CONCURRENCY);
    if (queue === Infinity) {
      // Nobody waits at the provider for long, and nobody is refused.
      expect(late).toBeLessThan(peak);
      expect([...statuses.keys()]).toEqual([200]);
    }
    await scene.expectQuiet(one);
  });
});
