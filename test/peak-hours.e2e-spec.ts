import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type LlmRouterOptions, RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';

const ASK = { model: 'work', messages: [{ role: 'user' as const, content: 'Hello' }] };
const NOW = { from: '00:00', to: '24:00' };

/** An hour of UTC's clock that is half a day away. */
function farHour(): { from: string; to: string } {
  const hour = (new Date().getUTCHours() + 12) % 24;
  const two = (value: number): string => String(value).padStart(2, '0');
  return { from: `${two(hour)}:00`, to: `${two(hour + 1)}:00` };
}

describe('peakHours', () => {
  let upstream: ScriptedUpstream;
  let bench: FaultBench | undefined;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
  });

  afterEach(async () => {
    await bench?.close();
    bench = undefined;
  });

  afterAll(async () => {
    await upstream.close();
  });

  async function open(extra: Partial<LlmRouterOptions>): Promise<FaultBench> {
    bench = await createFaultBench({
      platform: 'fastify',
      options: {
        providers: { one: { api: 'openai', baseUrl: upstream.baseUrl } },
        models: {
          good: { provider: 'one', price: { inputPer1M: 30, outputPer1M: 60 }, quality: 0.9 },
          cheap: { provider: 'one', price: { inputPer1M: 1, outputPer1M: 2 }, quality: 0.4 },
        },
        routingRules: { work: { primary: ['good', 'cheap'] } },
        surfaces: { fixed: { ranking: { preset: 'fastest' } } },
        ranking: { exploration: 0 },
        ...extra,
      },
    });
    return bench;
  }

  async function modelFor({ postJson }: FaultBench, workload: string): Promise<string | null> {
    const answer = await postJson('/v1/chat/completions', ASK, { 'x-llm-workload': workload });
    expect(answer.status).toBe(200);
    await answer.text();
    return answer.headers.get('x-llm-model');
  }

  const presetFor = (router: FaultBench, workload: 'interactive' | 'background', surface?: 'fixed'): string =>
    router.app.get(RouterService).explain(ASK, { workload, ...(surface === undefined ? {} : { surface }) })
      .plan.ranking.preset;

  it('give interactive work the best and background work the cheapest, and leave surfaces their word', async () => {
    const router = await open({ peakHours: NOW });
    expect([await modelFor(router, 'interactive'), await modelFor(router, 'background')]).toEqual([
      'good',
      'cheap',
    ]);
    expect([presetFor(router, 'interactive'), presetFor(router, 'background')]).toEqual(['best', 'cheapest']);
    expect(presetFor(router, 'interactive', 'fixed')).toBe('fastest');
  });

  it('may say otherwise', async () => {
    const router = await open({ peakHours: { ...NOW, interactive: 'cheapest', background: 'best' } });
    expect([await modelFor(router, 'interactive'), await modelFor(router, 'background')]).toEqual([
      'cheap',
      'good',
    ]);
  });

  it('outside go by the preset of all hours, or that of their own', async () => {
    const outside = await open({ peakHours: farHour() });
    expect([presetFor(outside, 'interactive'), presetFor(outside, 'background')]).toEqual([
      'balanced',
      'balanced',
    ]);
    await outside.close();
    const fast = await open({
      peakHours: { ...farHour(), offPeak: { background: 'cheapest' } },
      ranking: { preset: 'fastest' },
    });
    expect([presetFor(fast, 'interactive'), presetFor(fast, 'background')]).toEqual(['fastest', 'cheapest']);
  });

  it('where there are none leave the preset of the whole configuration', async () => {
    const router = await open({ ranking: { preset: 'best' } });
    expect([presetFor(router, 'interactive'), presetFor(router, 'background')]).toEqual(['best', 'best']);
  });
});
