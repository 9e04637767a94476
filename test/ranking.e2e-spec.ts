import { afterEach, describe, expect, it } from 'vitest';
import type { Explanation, LlmRouterOptions, SavingsReport } from 'nestjs-llm-router';
import { createScene, type Scene } from './support/scene.js';
import { PLATFORMS, type Platform } from './support/router-app.js';

const DEAR = { price: { inputPer1M: 10, outputPer1M: 30, cachedInputPer1M: 1 }, quality: 0.9 };
const CHEAP = { price: { inputPer1M: 0.1, outputPer1M: 0.4 }, quality: 0.4 };

const scenes: Scene<'dear' | 'cheap'>[] = [];

afterEach(async () => {
  for (const scene of scenes.splice(0)) await scene.close();
});

async function open(
  options: Omit<LlmRouterOptions, 'providers' | 'models'>,
  { platform, dear = {}, cheap = {} }: { platform?: Platform; dear?: object; cheap?: object } = {},
): Promise<Scene<'dear' | 'cheap'>> {
  const scene = await createScene<'dear' | 'cheap'>({
    ...(platform === undefined ? {} : { platform }),
    upstreams: { dear: { api: 'openai' }, cheap: { api: 'openai' } },
    models: {
      dear: { provider: 'dear', ...DEAR, ...dear },
      cheap: { provider: 'cheap', ...CHEAP, ...cheap },
    },
    options: {
      routingRules: { simple_queries: { primary: ['dear', 'cheap'] } },
      ...options,
      // Which one is asked is told, and not left to chance.
      ranking: { exploration: 0, ...options.ranking },
    },
  });
  scenes.push(scene);
  return scene;
}

async function explain(scene: Scene<'dear' | 'cheap'>, surface?: string): Promise<Explanation> {
  const response = await scene.fetch('/router/explain', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(surface === undefined ? {} : { 'x-llm-surface': surface }),
    },
    body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'What is a SECRET-WORD?' }] }),
  });
  return (await response.json()) as Explanation;
}

describe.each(PLATFORMS)('the ranking, on %s', (platform) => {
  it('goes by the preset of the surface, of the rule, of the whole', async () => {
    const scene = await open(
      {
        ranking: { preset: 'cheapest' },
        routingRules: { simple_queries: { primary: ['dear', 'cheap'] } },
        surfaces: { lawyers: { ranking: { preset: 'best' } } },
      },
      { platform },
    );
    expect((await scene.ask('auto')).headers.get('x-llm-model')).toBe('cheap');
    const answer = await scene.ask('auto', { headers: { 'x-llm-surface': 'lawyers' } });
    expect(answer.headers.get('x-llm-model')).toBe('dear');
  });

  it('is explained term by term, to programs and to people, without a word of the prompt', async () => {
    const scene = await open({ ranking: { preset: 'cheapest' } }, { platform });
    const explanation = await explain(scene);
    expect(explanation.plan.ranking).toMatchObject({ preset: 'cheapest', weights: { cost: 20 } });
    const [first, second] = explanation.plan.attempts;
    expect([first?.model, second?.model]).toEqual(['cheap', 'dear']);
    for (const { terms } of explanation.plan.attempts) {
      const { latency, risk, errors, load, cost, quality, alert, score } = terms;
      expect(latency + risk + errors + load + cost + quality + alert).toBeCloseTo(score, 3);
    }
    expect(first?.terms.expectedCostUsd).toBeLessThan(second?.terms.expectedCostUsd ?? 0);
    expect(explanation.text).toContain('1. cheap/cheap (primary): about');
    expect(explanation.text).toContain('ranked by cheapest');
    expect(JSON.stringify(explanation)).not.toContain('SECRET-WORD');
  });
});

describe('where prompts may go', () => {
  const surfaces = {
    europe: { region: 'eu' },
    anywhere: {},
    private: { retentionDays: 0 },
  };

  it('is held on every attempt: region and retention are hard limits', async () => {
    const scene = await open(
      { ranking: { preset: 'best' }, surfaces },
      { dear: { region: 'us-east-1', retentionDays: 30 }, cheap: { region: 'eu-west-1', retentionDays: 0 } },
    );
    expect((await scene.ask('auto')).headers.get('x-llm-model')).toBe('dear');
    for (const surface of ['europe', 'private']) {
      const answer = await scene.ask('auto', { headers: { 'x-llm-surface': surface } });
      expect(answer.headers.get('x-llm-model')).toBe('cheap');
    }
    // No last resort either.
    scene.upstreams.cheap.setFaults(() => ({ kind: 'status', status: 503 }));
    const before = scene.calls('dear');
    const answer = await scene.ask('auto', {
      headers: { 'x-llm-surface': 'europe', 'x-llm-deadline-ms': '3000' },
    });
    expect(answer.status).toBe(502);
    expect(scene.calls('dear')).toBe(before);
    const { rejected } = await explain(scene, 'europe');
    expect(rejected).toMatchObject([
      { model: 'dear', reason: 'region', detail: 'is in us-east-1, the surface allows eu' },
    ]);
  });

  it('stops the boot where nobody may serve the surface', async () => {
    await expect(open({ surfaces: { swiss: { region: 'ch' } } })).rejects.toThrow(/surfaces\.swiss.*region/);
  });
});

describe('requests a minute', () => {
  it('once used up send the others elsewhere, and the explanation says why', async () => {
    const scene = await open({ ranking: { preset: 'best' } }, { dear: { requestsPerMinute: 2 } });
    const models: (string | null)[] = [];
    for (let call = 0; call < 4; call += 1) models.push((await scene.ask('auto')).headers.get('x-llm-model'));
    expect(models).toEqual(['dear', 'dear', 'cheap', 'cheap']);
    const { plan } = await explain(scene);
    expect(plan.attempts.at(-1)).toMatchObject({ model: 'dear' });
    expect(plan.attempts.at(-1)?.deferred).toContain('no rate-limit headroom');
  });
});

describe.each(PLATFORMS)('routing that is only observed, on %s', (platform) => {
  it('always calls the baseline, and says what it would have done and saved', async () => {
    const scene = await open(
      { mode: 'observe', baseline: 'dear', ranking: { preset: 'cheapest' } },
      { platform },
    );
    for (const stream of [false, true]) {
      const answer = await scene.ask('auto', { stream });
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-llm-model')).toBe('dear');
    }
    expect(scene.calls('cheap')).toBe(0);
    const savings = (await (await scene.fetch('/router/savings')).json()) as SavingsReport;
    expect(savings.observed).toMatchObject({ requests: 2, moved: 2, unserved: 0, models: { cheap: 2 } });
    const { spentUsd = 0, wouldHaveSpentUsd = 0, wouldHaveSavedUsd = 0 } = savings.observed ?? {};
    expect(spentUsd).toBeCloseTo(savings.spentUsd, 9);
    expect(wouldHaveSpentUsd).toBeLessThan(spentUsd);
    expect(wouldHaveSavedUsd).toBeCloseTo(spentUsd - wouldHaveSpentUsd, 9);
    const { notes, plan } = await explain(scene);
    expect(notes.join('\n')).toContain('the baseline dear answers');
    expect(plan.attempts[0]?.model).toBe('cheap');
  });

  it('stops the boot without a baseline that can be called, or that passes every floor', async () => {
    await expect(open({ mode: 'observe' }, { platform })).rejects.toThrow(/baseline/);
    await expect(
      open(
        { mode: 'observe', baseline: 'cheap', surfaces: { support: { qualityFloor: 0.6 } } },
        { platform },
      ),
    ).rejects.toThrow(/surfaces\.support.*the baseline cheap may not serve it/);
  });
});

describe('a conversation', () => {
  it('stays where its prompt is warm', async () => {
    const scene = await createScene<'one' | 'two'>({
      upstreams: { one: { api: 'openai' }, two: { api: 'openai' } },
      models: {
        twin: {
          price: DEAR.price,
          deployments: [{ provider: 'one' }, { provider: 'two' }],
        },
      },
      options: { routingRules: { simple_queries: { primary: 'twin' } } },
    });
    try {
      for (let talk = 0; talk < 6; talk += 1) {
        const messages: object[] = [
          { role: 'system', content: `Talk ${talk}. ${'You know all of the handbook. '.repeat(250)}` },
        ];
        const providers = new Set<string | null>();
        for (let turn = 0; turn < 6; turn += 1) {
          messages.push({ role: 'user', content: `Question ${turn}?` });
          const { headers, text } = await scene.ask('simple_queries', { body: { messages } });
          messages.push({ role: 'assistant', content: text });
          providers.add(headers.get('x-llm-provider'));
        }
        expect(providers.size).toBe(1);
      }
    } finally {
      await scene.close();
    }
  });
});
