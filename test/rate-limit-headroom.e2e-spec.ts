import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createScene, type Scene } from './support/scene.js';

/** A limit fills up all the time: only of one that takes a single request nothing is there before all of it is. */
const LIMIT = 1;
const RESET_MS = 2_000;

describe.each(['openai', 'anthropic', 'azure-openai'] as const)(
  'what an answer of %s tells of its limit',
  (api) => {
    let scene: Scene<'first' | 'second'>;

    const restMs = (): number => scene.engine.signals.of('first/first').restingUntilMs - Date.now();
    const servedBy = async (stream: boolean): Promise<string | null> => {
      const answer = await scene.ask('auto', { stream });
      expect(answer.status).toBe(200);
      return answer.headers.get('x-llm-model');
    };

    beforeAll(async () => {
      scene = await createScene({
        upstreams: { first: { api }, second: { api: 'openai' } },
        options: { routingRules: { simple_queries: { primary: 'first', fallback: 'second' } } },
      });
    });

    beforeEach(async () => {
      scene.upstreams.first.setRateLimit(undefined);
      // What the test before was told of it is over.
      await delay(Math.max(0, restMs() + 1));
    });

    afterAll(async () => {
      await scene.expectQuiet(scene.upstreams.first, scene.upstreams.second);
      await scene.close();
    });

    it.each([false, true])(
      'is heeded: with nothing left the next goes elsewhere until it is whole again (stream: %s)',
      async (stream) => {
        const before = scene.calls('first');
        scene.upstreams.first.setRateLimit({ limitRequests: LIMIT, remainingRequests: 0, resetMs: RESET_MS });
        const askedAtMs = Date.now();
        // Its own answer is a good one.
        expect(await servedBy(stream)).toBe('first');
        const { restingUntilMs, isExhausted } = scene.engine.signals.of('first/first');
        expect(isExhausted).toBe(true);
        expect(restingUntilMs - askedAtMs).toBeGreaterThanOrEqual(RESET_MS - 1);
        // Anthropic tells it in whole seconds.
        expect(restingUntilMs - Date.now()).toBeLessThanOrEqual(RESET_MS + 1_000);
        expect([await servedBy(stream), await servedBy(stream)]).toEqual(['second', 'second']);
        // Had they come after that, nothing would be shown by them.
        expect(restMs()).toBeGreaterThan(0);
        // Not so much as tried.
        expect(scene.calls('first')).toBe(before + 1);
        scene.upstreams.first.setRateLimit(undefined);
        await delay(restMs() + 1);
        expect(await servedBy(stream)).toBe('first');
      },
    );

    it('is no reason to go as long as one is left', async () => {
      scene.upstreams.first.setRateLimit({ limitRequests: 100, remainingRequests: 1, resetMs: RESET_MS });
      expect([await servedBy(false), await servedBy(true), await servedBy(false)]).toEqual([
        'first',
        'first',
        'first',
      ]);
    });

    it('of tokens counts as that of requests does', async () => {
      scene.upstreams.first.setRateLimit({ limitTokens: LIMIT, remainingTokens: 0, resetMs: RESET_MS });
      expect([await servedBy(false), await servedBy(false)]).toEqual(['first', 'second']);
    });
  },
);
