import { afterEach, describe, expect, it } from 'vitest';
import { RouterService } from 'nestjs-llm-router';
import type { ScriptedUpstreamOptions } from 'nestjs-llm-router/testing';
import { PLATFORMS, type Platform } from './support/router-app.js';
import { createScene, type Scene } from './support/scene.js';

const FIRST: ScriptedUpstreamOptions = { api: 'openai', reply: () => ({ text: 'First.' }) };
const SECOND: ScriptedUpstreamOptions = { api: 'anthropic', reply: () => ({ text: 'Second.' }) };
/** Calls from which a p95 is known. */
const KNOWN_AFTER = 12;
const PRICE = { inputPer1M: 1_000, outputPer1M: 1_000 };

type Pair = 'first' | 'second';

interface KnownScene extends Scene<Pair> {
  /** Copies of the first that lost while it became known, and what all of that cost. */
  readonly lostBefore: number;
  readonly spentBefore: number;
}

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** With an idea of how long the first usually takes: some milliseconds. */
async function openKnown(
  stream: boolean,
  { platform = 'express', maxShare = 1 }: { platform?: Platform; maxShare?: number } = {},
): Promise<KnownScene> {
  const scene = await createScene<Pair>({
    platform,
    upstreams: { first: FIRST, second: SECOND },
    models: {
      first: { provider: 'first', price: PRICE },
      second: { provider: 'second', price: PRICE },
    },
    options: {
      // The moment to move on is far behind the one for a second copy.
      routingRules: {
        simple_queries: {
          tiers: [
            { models: 'first', targetLatencyMs: 5_000 },
            { models: 'second', targetLatencyMs: 5_000 },
          ],
        },
      },
      surfaces: {
        plain: { latencySloMs: 5_000 },
        never: { latencySloMs: 5_000, hedge: false },
        capped: { latencySloMs: 5_000, maxCostPerRequest: 1 },
        batch: { workload: 'background' },
      },
      execution: { hedge: { enabled: true, maxShare } },
    },
  });
  closing.push(() => scene.close());
  await learn(scene, stream);
  // A call may have been slow by chance, and had its copy.
  await scene.expectQuiet(scene.upstreams.first, scene.upstreams.second);
  const lost = scene.attempts.filter(({ outcome, model }) => outcome === 'hedge_lost' && model === 'first');
  const spentBefore = scene.requests.reduce((sum, { costUsd }) => sum + costUsd, 0);
  scene.clear();
  return { ...scene, lostBefore: lost.length, spentBefore };
}

async function learn(scene: Scene<Pair>, stream: boolean): Promise<void> {
  scene.engine.signals.forget();
  for (let count = 0; count < KNOWN_AFTER; count += 1) await scene.ask('auto', { stream });
}

describe.each(PLATFORMS)('a second copy, on %s', (platform) => {
  it.each([false, true])(
    'is sent where the first takes longer than usual, and one serves (stream: %s)',
    async (stream) => {
      const scene = await openKnown(stream, { platform });
      const { first, second } = scene.upstreams;
      const { lostBefore, spentBefore } = scene;
      const [firstBefore, secondBefore, abortedBefore] = [
        first.requestCount,
        second.requestCount,
        first.abortedCount,
      ];
      first.failNext({ kind: 'stalled' });
      const answer = await scene.ask('auto', { stream });
      expect(answer).toMatchObject({ status: 200, text: 'Second.' });
      expect(answer.tookMs).toBeLessThan(1_000);
      if (stream) expect(answer.raw.match(/\[DONE\]/g)).toHaveLength(1);
      expect([first.requestCount - firstBefore, second.requestCount - secondBefore]).toEqual([1, 1]);
      // The one that lost is ended at its provider.
      await first.whenAborted(abortedBefore + 1);
      await scene.whenEnded(1);

      expect(scene.attempts).toHaveLength(2);
      const lost = scene.attempts.find(({ outcome }) => outcome === 'hedge_lost')!;
      const won = scene.attempts.find(({ outcome }) => outcome === 'succeeded')!;
      expect(lost).toMatchObject({
        model: 'first',
        attempt: 1,
        usageSource: 'estimated',
        errorKind: undefined,
      });
      expect(won).toMatchObject({ model: 'second', attempt: 2, usageSource: 'reported', hedge: true });
      expect(lost.hedge).toBeUndefined();
      // It has read the prompt, and bills it.
      expect(lost.costUsd).toBeGreaterThan(0);
      expect(scene.requests).toMatchObject([
        { outcome: 'succeeded', attempts: 2, servedBy: { model: 'second' }, hedged: true },
      ]);
      expect(scene.requests[0]!.costUsd).toBeCloseTo(lost.costUsd + won.costUsd, 9);
      const kpis = (await (await scene.fetch('/router/kpis')).json()) as {
        total: { costUsd: number };
        models: Record<string, { requests: number; succeeded: number; errors: number; timeouts: number }>;
      };
      const ofFirst = kpis.models.first!;
      expect(ofFirst).toMatchObject({ errors: 0, timeouts: 0 });
      expect(ofFirst.requests).toBe(ofFirst.succeeded + 1 + lostBefore);
      expect(kpis.total.costUsd).toBeCloseTo(spentBefore + lost.costUsd + won.costUsd, 6);
      // Neither an error nor a measure.
      expect(scene.engine.signals.of('first/first').errorRate).toBe(0);
      await scene.expectQuiet(first, second);
    },
  );

  it.each([false, true])('is given up where the first answers after all (stream: %s)', async (stream) => {
    const scene = await openKnown(stream, { platform });
    const { first, second } = scene.upstreams;
    first.failNext({ kind: 'delay', delayMs: 150 });
    second.failNext({ kind: 'stalled' });
    const abortedBefore = second.abortedCount;
    const answer = await scene.ask('auto', { stream });
    expect(answer).toMatchObject({ status: 200, text: 'First.' });
    await second.whenAborted(abortedBefore + 1);
    await scene.whenEnded(1);
    expect(scene.attempts.map(({ model, outcome }) => [model, outcome]).toSorted()).toEqual([
      ['first', 'succeeded'],
      ['second', 'hedge_lost'],
    ]);
    expect(scene.requests).toMatchObject([{ attempts: 2, servedBy: { model: 'first' } }]);
    await scene.expectQuiet(first, second);
  });

  it.each([false, true])('serves where the first fails meanwhile (stream: %s)', async (stream) => {
    const scene = await openKnown(stream, { platform });
    const { first, second } = scene.upstreams;
    first.setFaults(() => ({ kind: 'stalled' }));
    second.failNext({ kind: 'delay', delayMs: 200 });
    const secondBefore = second.requestCount;
    const asked = scene.ask('auto', { stream });
    await second.whenRequests(secondBefore + 1);
    // Cuts the connection of the one that hangs.
    first.failAlways({ kind: 'refused' });
    const answer = await asked;
    expect(answer).toMatchObject({ status: 200, text: 'Second.' });
    expect(second.requestCount - secondBefore).toBe(1);
    expect(scene.attempts.map(({ model, outcome }) => [model, outcome])).toEqual([
      ['first', 'failed'],
      ['second', 'succeeded'],
    ]);
    await scene.expectQuiet(second);
  });
});

describe('no second copy', () => {
  const SLOW = { kind: 'delay', delayMs: 120 } as const;

  async function expectNone(scene: Scene<Pair>, stream: boolean, ask: () => Promise<unknown>): Promise<void> {
    // What was slow before is usual by now.
    await learn(scene, stream);
    const before = scene.upstreams.second.requestCount;
    scene.clear();
    scene.upstreams.first.failNext(SLOW);
    await ask();
    await scene.whenEnded(1);
    expect(scene.attempts).toMatchObject([{ model: 'first', outcome: 'succeeded' }]);
    expect(scene.upstreams.second.requestCount).toBe(before);
  }

  it.each([false, true])(
    'for what must not be done twice, or costs too much (stream: %s)',
    async (stream) => {
      const scene = await openKnown(stream);
      const router = scene.app.get(RouterService);
      const messages = [{ role: 'user' as const, content: 'Say it' }];
      await expectNone(scene, stream, () => scene.ask('auto', { stream, body: { store: true } }));
      for (const surface of ['never', 'capped', 'batch']) {
        await expectNone(scene, stream, () =>
          scene.ask('auto', { stream, headers: { 'x-llm-surface': surface } }),
        );
      }
      await expectNone(scene, stream, async () => {
        if (!stream) return router.chat({ messages }, { sideEffects: true });
        for await (const _ of router.stream({ messages }, { sideEffects: true }));
        return undefined;
      });
      // The same without any of it has one.
      await learn(scene, stream);
      scene.clear();
      scene.upstreams.first.failNext(SLOW);
      await scene.ask('auto', { stream, headers: { 'x-llm-surface': 'plain' } });
      await scene.whenEnded(1);
      expect(scene.attempts).toHaveLength(2);
      await scene.expectQuiet(scene.upstreams.first, scene.upstreams.second);
    },
  );

  it('where the share of the traffic is used up', async () => {
    const maxShare = 0.1;
    const scene = await openKnown(true, { maxShare });
    const { first, second } = scene.upstreams;
    const before = second.requestCount;
    const requests = 60;
    first.setFaults(() => ({ kind: 'delay', delayMs: 60 }));
    await Promise.all(Array.from({ length: requests }, () => scene.ask('auto', { stream: true })));
    const hedges = second.requestCount - before;
    process.stdout.write(`hedges under maxShare ${maxShare}: ${hedges} of ${requests} slow requests\n`);
    expect(hedges).toBeGreaterThan(0);
    // One is there from the start, and those known before have paid in as well.
    expect(hedges).toBeLessThanOrEqual(1 + maxShare * (requests + KNOWN_AFTER));
    expect(scene.requests.map(({ outcome }) => outcome)).toEqual(scene.requests.map(() => 'succeeded'));
    await scene.expectQuiet(first, second);
  });
});
