import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  checkLlmRouterOptions,
  ConfigurationError,
  type KpiReport,
  type LlmRouterOptions,
  RouterService,
  type SavingsReport,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

/** $0.03 and $0.002 per 1,000 tokens, input and output alike, as the article counts. */
const DEAR = { inputPer1M: 30, outputPer1M: 30 };
const CHEAP = { inputPer1M: 2, outputPer1M: 2 };
const MESSAGES = [{ role: 'user' as const, content: 'Hello' }];
const USAGE = { promptTokens: 700, completionTokens: 300 };

describe.each(PLATFORMS)('savings, on %s', (platform) => {
  let upstream: ScriptedUpstream;
  let router: RouterApp | undefined;

  const options = (extra: Partial<LlmRouterOptions> = {}): LlmRouterOptions => ({
    providers: { one: { api: 'openai', baseUrl: upstream.baseUrl } },
    models: {
      dear: { provider: 'one', price: DEAR },
      cheap: { provider: 'one', price: CHEAP },
      mystery: { provider: 'one' },
    },
    routingRules: {
      simple_queries: { primary: 'cheap', fallback: 'dear' },
      complex_reasoning: { primary: 'dear' },
      unpriced: { primary: 'mystery' },
    },
    surfaces: { support: {}, legal: {} },
    baseline: 'dear',
    ...extra,
  });

  async function open(extra: Partial<LlmRouterOptions> = {}): Promise<RouterApp> {
    router = await createRouterApp({ platform, options: options(extra) });
    return router;
  }

  async function read(app: RouterApp, headers: Record<string, string> = {}): Promise<SavingsReport> {
    const response = await app.fetch('/router/savings', { headers });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    return (await response.json()) as SavingsReport;
  }

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
  });

  beforeEach(() => {
    upstream.setReply(() => ({ text: 'Hi.', usage: USAGE }));
    return async () => {
      await upstream.heal();
      await router?.close();
      router = undefined;
    };
  });

  afterAll(async () => {
    await upstream.close();
  });

  it("gives the article's case: of 10 requests of 1,000 tokens, 6 at $0.002 and 4 at $0.03 per 1,000", async () => {
    const app = await open();
    const costs: number[] = [];
    for (let request = 0; request < 10; request += 1) {
      const model = request < 6 ? 'simple_queries' : 'complex_reasoning';
      const surface = request % 2 === 0 ? 'support' : 'legal';
      const answer = await app.postJson(
        '/v1/chat/completions',
        { model, messages: MESSAGES },
        { 'x-llm-surface': surface },
      );
      expect(answer.status).toBe(200);
      await answer.text();
      costs.push(Number(answer.headers.get('x-llm-cost-usd')));
    }
    expect(costs).toEqual([...Array<number>(6).fill(0.002), ...Array<number>(4).fill(0.03)]);

    const report = await read(app);
    expect(report).toEqual({
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      baseline: 'dear',
      baselinePrice: DEAR,
      requests: 10,
      calls: 10,
      answered: 10,
      estimatedCalls: 0,
      spentUsd: 0.132,
      baselineUsd: 0.3,
      savedUsd: 0.168,
      savedShare: 0.56,
      unpriced: { calls: 0, promptTokens: 0, completionTokens: 0 },
      surfaces: {
        support: expect.objectContaining({ requests: 5, spentUsd: 0.066, baselineUsd: 0.15 }) as object,
        legal: expect.objectContaining({ requests: 5, spentUsd: 0.066, baselineUsd: 0.15 }) as object,
      },
      models: {
        cheap: expect.objectContaining({ answered: 6, spentUsd: 0.012, baselineUsd: 0.18 }) as object,
        dear: expect.objectContaining({ answered: 4, spentUsd: 0.12, savedUsd: 0, savedShare: 0 }) as object,
      },
      observed: null,
      notes: [],
    });
    expect(app.app.get(RouterService).savings()).toEqual(report);

    const kpis = (await (await app.fetch('/router/kpis')).json()) as KpiReport;
    expect(kpis.total.costUsd).toBeCloseTo(0.132, 12);
    expect(kpis.total.costPerRequestUsd).toBeCloseTo(0.0132, 12);
    expect(kpis.surfaces.support?.costPerRequestUsd).toBeCloseTo(0.0132, 12);
  });

  it('counts a broken answer as spent, also behind a fallback; the result may be negative', async () => {
    const app = await open();
    upstream.setReply(() => ({ text: 'one two three four', usage: USAGE }));
    // The upstream answered with success and broke off: it generated, and it bills.
    upstream.failNext({ kind: 'cut', afterChunks: 0 });
    const answer = await app.postJson('/v1/chat/completions', {
      model: 'simple_queries',
      messages: MESSAGES,
    });
    expect([answer.status, answer.headers.get('x-llm-attempts')]).toEqual([200, '2']);
    await answer.text();
    const first = await read(app);
    expect(first).toMatchObject({ requests: 1, calls: 2, answered: 1, estimatedCalls: 1, baselineUsd: 0.03 });
    expect(first.models.cheap).toMatchObject({ calls: 1, answered: 0, baselineUsd: 0 });
    expect(first.models.cheap?.spentUsd).toBeGreaterThan(0);
    expect(first.spentUsd).toBeCloseTo(0.03 + (first.models.cheap?.spentUsd ?? 0), 12);
    expect(first.savedUsd).toBeLessThan(0);

    upstream.failAlways({ kind: 'status', status: 500 });
    const failed = await app.postJson('/v1/chat/completions', {
      model: 'simple_queries',
      messages: MESSAGES,
    });
    expect(failed.status).toBe(502);
    expect(await read(app)).toMatchObject({ requests: 2, answered: 1, baselineUsd: 0.03 });
  });

  it("counts streams when they end, and tells their reader's code what they cost", async () => {
    const app = await open();
    const stream = app.app.get(RouterService).stream({ model: 'simple_queries', messages: MESSAGES });
    const costs = new Set<number | undefined>();
    for await (const chunk of stream) if (chunk.choices.length > 0) costs.add(stream.routing?.costUsd);
    expect([...costs]).toEqual([undefined]);
    expect(stream.routing?.costUsd).toBe(0.002);
    expect(await read(app)).toMatchObject({ answered: 1, spentUsd: 0.002, baselineUsd: 0.03 });
  });

  it('does not take an unknown price for a saving', async () => {
    const app = await open();
    for (const model of ['unpriced', 'simple_queries']) {
      await app.client.chat.completions.create({ model, messages: MESSAGES });
    }
    const report = await read(app);
    expect(report).toMatchObject({
      requests: 2,
      calls: 1,
      spentUsd: 0.002,
      baselineUsd: 0.03,
      unpriced: { calls: 1, ...USAGE },
      models: { mystery: { calls: 0, baselineUsd: 0, unpriced: { calls: 1 } } },
    });
    expect(report.notes).toEqual([expect.stringContaining('`models.mystery.price`')]);
  });

  it('claims nothing without a baseline, and says what to set', async () => {
    const app = await open({ baseline: undefined });
    await app.client.chat.completions.create({ model: 'simple_queries', messages: MESSAGES });
    const report = await read(app);
    expect(report).toMatchObject({
      baseline: null,
      spentUsd: 0.002,
      baselineUsd: null,
      savedUsd: null,
      savedShare: null,
    });
    expect(report.notes).toEqual([expect.stringContaining('`baseline`')]);
  });

  it.each(['/router/savings', '/router/alerts', '/router/budgets', '/router/background'])(
    'shows %s to administrators alone',
    async (path) => {
      const apiKeys = [{ key: 'user-key' }, { key: 'admin-key', admin: true }];
      const app = await open({ http: { apiKeys } });
      const status = async (key?: string): Promise<number> =>
        (await app.fetch(path, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } }))
          .status;
      expect([await status(), await status('user-key'), await status('admin-key')]).toEqual([401, 403, 200]);
    },
  );

  it('stops the boot at a baseline that nobody knows, or without a price', () => {
    const check = (baseline: string) => () =>
      checkLlmRouterOptions(options({ baseline, providers: { one: { api: 'openai', apiKey: 'k' } } }));
    expect(check('gpt-4-trubo')).toThrow(ConfigurationError);
    expect(check('gpt-4-trubo')).toThrow(
      'baseline: there is no model "gpt-4-trubo". Did you mean "gpt-4-turbo"',
    );
    expect(check('mystery')).toThrow('models.mystery.price');
    expect(check('claude-opus')).not.toThrow();
  });
});
