import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  BudgetExceededError,
  type BudgetReport,
  type BudgetState,
  checkLlmRouterOptions,
  ConfigurationError,
  type LlmRouterOptions,
  RouterService,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';
import { LogCollector } from './support/log-collector.js';
import { expectErrorResponse } from './support/openai-error.js';
import { PLATFORMS } from './support/router-app.js';

/** $0.01 for the answer every upstream here gives. */
const USAGE = { promptTokens: 700, completionTokens: 300 };
const DEAR = { inputPer1M: 10, outputPer1M: 10 };
const CHEAP = { inputPer1M: 1, outputPer1M: 1 };
const CALL_USD = 0.01;
const ASK = { model: 'work', messages: [{ role: 'user' as const, content: 'Hello' }] };

describe.each(PLATFORMS)('budgets, on %s', (platform) => {
  let upstream: ScriptedUpstream;
  const closing: (() => Promise<unknown>)[] = [];

  const options = (extra: Partial<LlmRouterOptions> = {}): LlmRouterOptions => ({
    providers: { one: { api: 'openai', baseUrl: upstream.baseUrl } },
    models: {
      dear: { provider: 'one', price: DEAR, quality: 0.9, maxOutputTokens: 1_000 },
      cheap: { provider: 'one', price: CHEAP, quality: 0.4, maxOutputTokens: 1_000 },
    },
    routingRules: { work: { primary: 'dear', fallback: 'cheap' } },
    execution: { hedge: { enabled: false } },
    ...extra,
  });

  async function open(extra: Partial<LlmRouterOptions> = {}, logger?: LogCollector): Promise<FaultBench> {
    const bench = await createFaultBench({
      platform,
      options: options(extra),
      ...(logger ? { logger } : {}),
    });
    closing.push(() => bench.close());
    return bench;
  }

  async function budgetsOf(bench: FaultBench): Promise<readonly BudgetState[]> {
    const response = await bench.fetch('/router/budgets');
    expect(response.status).toBe(200);
    return ((await response.json()) as BudgetReport).budgets;
  }

  const ask = (
    bench: FaultBench,
    headers: Record<string, string> = {},
    body: object = {},
  ): Promise<Response> => bench.postJson('/v1/chat/completions', { ...ASK, ...body }, headers);

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
    upstream.setReply(() => ({ text: 'Hi.', usage: USAGE }));
  });

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    await upstream.heal();
  });

  afterAll(async () => {
    await upstream.close();
  });

  it('refuses with 402 what comes when it is spent, and leaves other surfaces alone', async () => {
    const logs = new LogCollector();
    const bench = await open(
      { surfaces: { support: { budget: { usd: 2 * CALL_USD, per: 'month' } }, other: {} } },
      logs,
    );
    const support = { 'x-llm-surface': 'support' };
    for (const _ of [1, 2]) expect((await ask(bench, support)).status).toBe(200);
    const refused = await ask(bench, support);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect(refused.headers.has('retry-after')).toBe(false);
    expect(refused.headers.get('x-llm-decision-id')).toMatch(/^dec_/);
    const message = await expectErrorResponse(refused, {
      status: 402,
      code: 'budget_exceeded',
      type: 'insufficient_quota',
      param: null,
    });
    expect(message).toMatch(/^The budget of this surface for this month is spent\. It begins anew at \d{4}-/);
    expect(message).not.toContain('$');
    const stream = await ask(bench, support, { stream: true });
    expect([stream.status, stream.headers.get('content-type')]).toEqual([
      402,
      expect.stringContaining('application/json'),
    ]);
    expect((await ask(bench, { 'x-llm-surface': 'other' })).status).toBe(200);
    expect((await ask(bench)).status).toBe(200);

    expect(await budgetsOf(bench)).toEqual([
      expect.objectContaining({
        scope: 'surface',
        name: 'support',
        per: 'month',
        limitUsd: 0.02,
        spentUsd: 0.02,
        reservedUsd: 0,
        availableUsd: 0,
      }),
    ]);
    expect(logs.lines.filter((line) => line.includes('the budget of surface support'))).toEqual([
      expect.stringMatching(/^Spent: .*\$0\.02 per month.*requests are refused/),
    ]);
    const router = bench.app.get(RouterService);
    const error: unknown = await router.chat(ASK, { surface: 'support' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BudgetExceededError);
    expect(error).toMatchObject({ scope: 'surface', per: 'month', status: 402, isRetryable: false });
    expect(router.explain(ASK, { surface: 'support' }).notes).toContainEqual(
      expect.stringContaining('the budget of surface support for this month is spent: it would be refused'),
    );
    expect(bench.requests.filter(({ errorCode }) => errorCode === 'budget_exceeded')).toEqual(
      Array(3).fill(
        expect.objectContaining({ outcome: 'rejected', attempts: 0, costUsd: 0, surface: 'support' }),
      ),
    );
  });

  it('is exceeded by one request at most, of 1,000 at once; and all of it can be spent', async () => {
    const limitUsd = 25.5 * CALL_USD;
    const bench = await open({
      // Alone: on a slow machine some would be served by the other, and cost less.
      routingRules: { work: { primary: 'dear' } },
      surfaces: { support: { budget: { usd: limitUsd, per: 'day' } } },
    });
    const router = bench.app.get(RouterService);
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, (_, index) =>
        index % 2 === 0
          ? router.chat(ASK, { surface: 'support' }).then(
              () => 'served',
              (error: unknown) => (error as BudgetExceededError).code,
            )
          : (async () => {
              try {
                let chunks = 0;
                for await (const { choices } of router.stream(ASK, { surface: 'support' })) {
                  chunks += choices.length;
                }
                expect(chunks).toBeGreaterThan(0);
                return 'served';
              } catch (error) {
                return (error as BudgetExceededError).code;
              }
            })(),
      ),
    );
    expect(new Set(outcomes)).toEqual(new Set(['served', 'budget_exceeded']));
    const spentUsd = bench.attempts.reduce((sum, { costUsd }) => sum + costUsd, 0);
    expect(spentUsd).toBeGreaterThanOrEqual(limitUsd);
    expect(spentUsd).toBeLessThanOrEqual(limitUsd + CALL_USD);
    expect(outcomes.filter((outcome) => outcome === 'served')).toHaveLength(26);
    const [budget] = await budgetsOf(bench);
    expect(budget).toMatchObject({ reservedUsd: 0, availableUsd: 0 });
    expect(budget?.spentUsd).toBeCloseTo(spentUsd, 9);
    expect(bench.engine.budgets.waiting).toBe(0);
    await bench.expectQuiet(upstream);
  });

  it('lets only the cheapest serve once it is spent, and lowers no floor', async () => {
    const budget = { usd: CALL_USD, per: 'day', onExceeded: 'downgrade' } as const;
    const bench = await open({ surfaces: { support: { budget }, fussy: { budget, qualityFloor: 0.6 } } });
    const modelsOf = async (surface: string): Promise<(string | null)[]> => {
      const models: (string | null)[] = [];
      for (let request = 0; request < 3; request += 1) {
        const answer = await ask(bench, { 'x-llm-surface': surface });
        expect(answer.status).toBe(200);
        models.push(answer.headers.get('x-llm-model'));
      }
      return models;
    };
    expect(await modelsOf('support')).toEqual(['dear', 'cheap', 'cheap']);
    expect(await modelsOf('fussy')).toEqual(['dear', 'dear', 'dear']);
    const router = bench.app.get(RouterService);
    const { rejected, plan, notes } = router.explain(ASK, { surface: 'support' });
    expect(plan.attempts.map(({ model }) => model)).toEqual(['cheap']);
    expect(rejected).toEqual([expect.objectContaining({ model: 'dear', reason: 'budget' })]);
    expect(rejected[0]?.detail).toMatch(/^costs about \$0\.00\d+, the cheapest that may serve \$0\.000\d+/);
    expect(notes[0]).toBe(
      'the budget of surface support for this day is spent: the cheapest that may serve does',
    );
    const [support] = await budgetsOf(bench);
    expect(support).toMatchObject({ name: 'support', limitUsd: 0.01, spentUsd: 0.012, availableUsd: 0 });
  });

  it('counts tenants apart, those without a budget of their own each by the default', async () => {
    const logs = new LogCollector();
    const bench = await open(
      {
        budgets: {
          timezone: 'Asia/Tokyo',
          tenants: {
            acme: [
              { usd: 3 * CALL_USD, per: 'month' },
              { usd: 5, per: 'day' },
            ],
          },
          defaultTenant: { usd: CALL_USD, per: 'day' },
        },
      },
      logs,
    );
    const statuses = async (tenant: string, times: number): Promise<number[]> => {
      const found: number[] = [];
      for (let request = 0; request < times; request += 1)
        found.push((await ask(bench, { 'x-llm-tenant': tenant })).status);
      return found;
    };
    expect(await statuses('acme', 4)).toEqual([200, 200, 200, 402]);
    expect(await statuses('small', 2)).toEqual([200, 402]);
    expect(await statuses('tiny', 1)).toEqual([200]);
    expect((await ask(bench)).status).toBe(200);
    // What a request says of itself is in no log.
    expect(logs.lines.filter((line) => line.startsWith('Spent'))).toHaveLength(3);
    expect(logs.lines.join(' ')).not.toMatch(/small|tiny/);
    expect(await budgetsOf(bench)).toEqual([
      expect.objectContaining({ scope: 'tenant', name: 'acme', per: 'month', spentUsd: 0.03 }),
      expect.objectContaining({
        scope: 'tenant',
        name: 'acme',
        per: 'day',
        spentUsd: 0.03,
        availableUsd: 4.97,
      }),
      expect.objectContaining({ scope: 'tenant', name: 'small', per: 'day', spentUsd: 0.01 }),
      expect.objectContaining({ scope: 'tenant', name: 'tiny', per: 'day', spentUsd: 0.01 }),
    ]);
    const [{ resetsAt } = { resetsAt: '' }] = await budgetsOf(bench);
    expect(resetsAt).toMatch(/T15:00:00\.000Z$/);
  });

  it('is kept for a second answer too, where the first one is not good enough', async () => {
    // 200 first answers cost $0.2: with what is left some are improved upon.
    const limitUsd = 50 * CALL_USD;
    const bench = await open({
      routingRules: {
        simple_queries: { primary: 'cheap', verify: { verifier: () => false } },
        complex_reasoning: { primary: 'dear' },
      },
      surfaces: { support: { budget: { usd: limitUsd, per: 'day' } } },
    });
    const router = bench.app.get(RouterService);
    const request = { messages: [{ role: 'user' as const, content: 'Thanks, have a nice day!' }] };
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, () =>
        router.chat(request, { surface: 'support' }).then(
          ({ routing }) => routing.verification,
          (error: unknown) => (error as BudgetExceededError).code,
        ),
      ),
    );
    expect(new Set(verdicts)).toEqual(new Set(['escalated', 'failed']));
    const spentUsd = bench.attempts.reduce((sum, { costUsd }) => sum + costUsd, 0);
    expect(spentUsd).toBeGreaterThan(limitUsd / 2);
    expect(spentUsd).toBeLessThanOrEqual(limitUsd + 1.1 * CALL_USD);
    expect(router.budgets().budgets[0]?.reservedUsd).toBe(0);
    expect(router.budgets().budgets[0]?.spentUsd).toBeCloseTo(spentUsd, 9);
  });

  it('asks no model for the class of what it will refuse', async () => {
    const bench = await open({
      routingRules: { simple_queries: { primary: 'cheap' }, complex_reasoning: { primary: 'dear' } },
      classification: { judge: { model: 'cheap', margin: 1 } },
      surfaces: { support: { budget: { usd: CALL_USD / 100, per: 'day' } } },
    });
    const router = bench.app.get(RouterService);
    const request = {
      messages: [{ role: 'user' as const, content: 'Why is the sky blue, and why red at dusk?' }],
    };
    await router.chat(request, { surface: 'support' });
    const asked = bench.attempts.length;
    await expect(router.chat(request, { surface: 'support' })).rejects.toBeInstanceOf(BudgetExceededError);
    expect(bench.attempts).toHaveLength(asked);
  });

  it('is kept for the judge too: of 1,000 at once with hardly anything left, not each asks it', async () => {
    const limitUsd = CALL_USD / 100;
    const bench = await open({
      routingRules: { simple_queries: { primary: 'cheap' }, complex_reasoning: { primary: 'cheap' } },
      classification: { judge: { model: 'cheap', margin: 1 } },
      surfaces: { support: { budget: { usd: limitUsd, per: 'day' } } },
    });
    const router = bench.app.get(RouterService);
    const request = {
      messages: [{ role: 'user' as const, content: 'Why is the sky blue, and why red at dusk?' }],
    };
    const outcomes = await Promise.all(
      Array.from({ length: 1_000 }, () =>
        router.chat(request, { surface: 'support' }).then(
          () => 'served',
          (error: unknown) => (error as BudgetExceededError).code,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'served')).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(['served', 'budget_exceeded']));
    // The judge and the answer of the one that was served: a tenth of what a dear one costs each.
    expect(bench.attempts.map(({ requestClass }) => requestClass)).toEqual([
      'classification',
      expect.not.stringMatching('classification'),
    ]);
    const [budget] = router.budgets().budgets;
    expect(budget).toMatchObject({ reservedUsd: 0, availableUsd: 0 });
    expect(budget?.spentUsd).toBeCloseTo(0.2 * CALL_USD, 9);
  });

  it('counts what the judge costs once, whether its request was served or waited in vain', async () => {
    const bench = await open({
      routingRules: { simple_queries: { primary: 'cheap' }, complex_reasoning: { primary: 'cheap' } },
      classification: { judge: { model: 'cheap', margin: 1 } },
      surfaces: { support: { budget: { usd: 2 * CALL_USD, per: 'day' } } },
    });
    const router = bench.app.get(RouterService);
    const request = {
      messages: [{ role: 'user' as const, content: 'Why is the sky blue, and why red at dusk?' }],
    };
    await Promise.allSettled(Array.from({ length: 100 }, () => router.chat(request, { surface: 'support' })));
    const spentUsd = bench.attempts.reduce((sum, { costUsd }) => sum + costUsd, 0);
    const [budget] = router.budgets().budgets;
    expect(budget).toMatchObject({ reservedUsd: 0, availableUsd: 0 });
    expect(budget?.spentUsd).toBeCloseTo(spentUsd, 9);
    expect(bench.requests.reduce((sum, { costUsd }) => sum + costUsd, 0)).toBeCloseTo(spentUsd, 9);
  });

  it('is kept for asking a model how sure it is', async () => {
    const bench = await open({
      routingRules: {
        simple_queries: { primary: 'cheap', verify: { confidence: 0.5 } },
        complex_reasoning: { primary: 'dear' },
      },
      // Less than an answer may cost: with that kept, nothing is left.
      surfaces: {
        support: { budget: { usd: CALL_USD / 100, per: 'day' } },
        rich: { budget: { usd: 1, per: 'day' } },
      },
    });
    const router = bench.app.get(RouterService);
    const request = { messages: [{ role: 'user' as const, content: 'Thanks, have a nice day!' }] };
    await router.chat(request, { surface: 'support' });
    expect(bench.attempts).toHaveLength(1);
    await router.chat(request, { surface: 'rich' });
    expect(bench.attempts.filter(({ requestClass }) => requestClass === 'classification')).toHaveLength(1);
    expect(router.budgets().budgets.map(({ reservedUsd }) => reservedUsd)).toEqual([0, 0]);
  });

  it('is for embeddings as for chats', async () => {
    const bench = await open({
      models: {
        vectors: {
          provider: 'one',
          price: { inputPer1M: 1_000, outputPer1M: 0 },
          capabilities: ['embeddings'],
        },
        dear: { provider: 'one', price: DEAR },
      },
      routingRules: { work: { primary: 'dear' } },
      surfaces: { search: { budget: { usd: 0.002, per: 'day' } } },
    });
    const router = bench.app.get(RouterService);
    const embed = (): Promise<unknown> =>
      router.embed({ model: 'vectors', input: 'a few words' }, { surface: 'search' });
    await embed();
    await expect(embed()).rejects.toBeInstanceOf(BudgetExceededError);
    expect(router.budgets().budgets[0]?.spentUsd).toBeCloseTo(
      bench.attempts.reduce((sum, { costUsd }) => sum + costUsd, 0),
      9,
    );
  });

  it('counts a key by itself, and shows it by its place', async () => {
    const bench = await open({
      http: {
        apiKeys: [
          { key: 'poor', budget: { usd: CALL_USD, per: 'day' } },
          { key: 'rich', admin: true },
        ],
      },
    });
    const status = async (key: string): Promise<number> =>
      (await ask(bench, { authorization: `Bearer ${key}` })).status;
    expect([await status('poor'), await status('poor'), await status('rich')]).toEqual([200, 402, 200]);
    expect((await bench.fetch('/router/budgets')).status).toBe(401);
    expect((await bench.fetch('/router/budgets', { headers: { authorization: 'Bearer poor' } })).status).toBe(
      403,
    );
    const report = await bench.fetch('/router/budgets', { headers: { authorization: 'Bearer rich' } });
    const text = await report.text();
    expect(text).not.toContain('poor');
    expect((JSON.parse(text) as BudgetReport).budgets).toEqual([
      expect.objectContaining({ scope: 'key', name: 'http.apiKeys[0]', spentUsd: 0.01 }),
    ]);
  });

  it('gives back what was kept for a request that failed, and counts what one cost that was left', async () => {
    const bench = await open({ surfaces: { support: { budget: { usd: 1, per: 'day' } } } });
    upstream.failAlways({ kind: 'status', status: 500 });
    expect((await ask(bench, { 'x-llm-surface': 'support' })).status).toBe(502);
    expect((await budgetsOf(bench))[0]).toMatchObject({ spentUsd: 0, reservedUsd: 0 });
    await upstream.heal();

    const router = bench.app.get(RouterService);
    for await (const chunk of router.stream(ASK, { surface: 'support' })) {
      expect(chunk.object).toBe('chat.completion.chunk');
      expect((await budgetsOf(bench))[0]?.reservedUsd).toBeGreaterThan(0);
      break;
    }
    await bench.expectQuiet(upstream);
    const [left] = await budgetsOf(bench);
    const spentUsd = bench.attempts.reduce((sum, { costUsd }) => sum + costUsd, 0);
    expect(spentUsd).toBeGreaterThan(0);
    expect(left).toMatchObject({ reservedUsd: 0 });
    expect(left?.spentUsd).toBeCloseTo(spentUsd, 9);

    const leaving = new AbortController();
    leaving.abort();
    await expect(router.chat(ASK, { surface: 'support', signal: leaving.signal })).rejects.toMatchObject({
      code: 'client_closed_request',
    });
    expect((await budgetsOf(bench))[0]).toMatchObject({ reservedUsd: 0 });
  });

  it('keeps what was spent through a reconfiguration, under the new limit', async () => {
    const bench = await open({ surfaces: { support: { budget: { usd: CALL_USD, per: 'month' } } } });
    const router = bench.app.get(RouterService);
    const support = { 'x-llm-surface': 'support' };
    expect([(await ask(bench, support)).status, (await ask(bench, support)).status]).toEqual([200, 402]);
    await router.reconfigure(
      options({ surfaces: { support: { qualityFloor: 0.1, budget: { usd: 2 * CALL_USD, per: 'month' } } } }),
    );
    expect(router.budgets().budgets[0]).toMatchObject({ limitUsd: 0.02, spentUsd: 0.01, availableUsd: 0.01 });
    expect([(await ask(bench, support)).status, (await ask(bench, support)).status]).toEqual([200, 402]);
    await router.reconfigure(options({ surfaces: { support: {} } }));
    expect(router.budgets().budgets).toEqual([]);
    expect((await ask(bench, support)).status).toBe(200);
  });

  it('ends who waits for money when the caller leaves', async () => {
    const held = await createScriptedUpstream({ api: 'openai' });
    closing.push(() => held.close());
    held.failAlways({ kind: 'stalled' });
    const bench = await open({
      providers: { one: { api: 'openai', baseUrl: held.baseUrl } },
      // Less than one request may cost at most: one at a time.
      surfaces: { support: { budget: { usd: 0.005, per: 'day' } } },
    });
    const router = bench.app.get(RouterService);
    const first = new AbortController();
    const second = new AbortController();
    const one = router.chat(ASK, { surface: 'support', signal: first.signal });
    const two = router.chat(ASK, { surface: 'support', signal: second.signal });
    expect(bench.engine.budgets.waiting).toBe(1);
    second.abort();
    await expect(two).rejects.toMatchObject({ code: 'client_closed_request' });
    expect(bench.engine.budgets.waiting).toBe(0);
    first.abort();
    await expect(one).rejects.toMatchObject({ code: 'client_closed_request' });
    expect(router.budgets().budgets[0]).toMatchObject({ reservedUsd: 0 });
  });
});

describe('budget options', () => {
  const check =
    (extra: object): (() => unknown) =>
    () =>
      checkLlmRouterOptions({
        providers: { one: { api: 'openai', apiKey: 'k' } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
        ...extra,
      });

  it.each([
    [
      { surfaces: { a: { budget: { per: 'day' } } } },
      'surfaces.a.budget.usd: must be a number of US dollars',
    ],
    [{ surfaces: { a: { budget: { usd: 0, per: 'day' } } } }, 'surfaces.a.budget.usd'],
    [
      { surfaces: { a: { budget: { usd: 1, per: 'week' } } } },
      'surfaces.a.budget.per: must be one of "day", "month"',
    ],
    [
      { surfaces: { a: { budget: { usd: 1, per: 'day', onExceeded: 'downgrad' } } } },
      'Did you mean "downgrade"',
    ],
    [
      {
        surfaces: {
          a: {
            budget: [
              { usd: 1, per: 'day' },
              { usd: 2, per: 'day' },
            ],
          },
        },
      },
      'surfaces.a.budget[1].per: there is a budget per day already',
    ],
    [{ budgets: { timezone: 'Mars/Olympus' } }, 'budgets.timezone: must be the IANA name of a time zone'],
    [
      { budgets: { tenants: { acme: [{ usd: 1, per: 'day', on_exceded: 'reject' }] } } },
      'budgets.tenants.acme[0].on_exceded',
    ],
    [
      { http: { apiKeys: [{ key: 'k', budget: 5 }] } },
      'http.apiKeys[0].budget: must be an object, not a number',
    ],
    [{ peakHours: { from: '9:00', to: '18:00' } }, 'peakHours.from: must be a time of day'],
    [{ peakHours: { from: '09:00', to: '09:00' } }, 'peakHours.to: is the same as `from`'],
    [{ peakHours: { from: '09:00', to: '18:00', days: ['mnd'] } }, 'peakHours.days'],
    [{ peakHours: { from: '09:00', to: '18:00', interactive: 'bst' } }, 'Did you mean "best"'],
    [{ background: { maxConcurrency: 0 } }, 'background.maxConcurrency'],
    [{ background: { backgroundShare: 0.6 } }, 'background.interactiveShare: is 0.5, beside'],
  ])('stop the boot where they cannot be meant: %j', (extra, message) => {
    expect(check(extra)).toThrow(ConfigurationError);
    expect(check(extra)).toThrow(message);
  });

  it('come with a warning where a model has no price', () => {
    const options = {
      providers: { one: { api: 'openai' as const, apiKey: 'k' } },
      models: { mystery: { provider: 'one' } },
      routingRules: { simple_queries: { primary: 'mystery', fallback: 'gpt-4o-mini' } },
    };
    const budget = { usd: 1, per: 'day' as const };
    const unpriced = { path: 'models.mystery.price', message: expect.stringContaining('budget') as string };
    const warningsOf = (extra: object): unknown[] => [
      ...checkLlmRouterOptions({ ...options, ...extra }).warnings,
    ];
    expect(warningsOf({ surfaces: { a: { budget } } })).toContainEqual(unpriced);
    expect(warningsOf({ budgets: { defaultTenant: budget } })).toContainEqual(unpriced);
    expect(warningsOf({ surfaces: { a: {} } })).not.toContainEqual(unpriced);
  });

  it('may be written in snake_case, one or several', () => {
    expect(
      check({
        surfaces: { a: { budget: { usd: 1, per: 'day', on_exceeded: 'downgrade' } }, b: { budget: [] } },
        budgets: {
          default_tenant: [
            { usd: 1, per: 'day' },
            { usd: 9, per: 'month' },
          ],
          max_tenants: 5,
        },
        peak_hours: { from: '22:00', to: '06:00', off_peak: { background: 'cheapest' } },
      }),
    ).not.toThrow();
  });
});
