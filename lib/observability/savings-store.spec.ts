import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_USAGE, type TokenUsage } from '../chat/index.js';
import { compileOptions, type PolicySnapshot } from '../planning/index.js';
import { type AttemptRecord, type Outcome, TelemetryBus } from '../telemetry/index.js';
import type { SavingsReport } from './savings-report.js';
import { SavingsStore } from './savings-store.js';

/** $0.03 and $0.002 per 1,000 tokens, input and output alike, as the article counts. */
const DEAR = { inputPer1M: 30, outputPer1M: 30 };
const CHEAP = { inputPer1M: 2, outputPer1M: 2 };

function policyOf(baseline: string | undefined, extra: Record<string, object> = {}): PolicySnapshot {
  return compileOptions(
    {
      providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
      models: {
        dear: { provider: 'one', price: DEAR },
        cheap: { provider: 'one', price: CHEAP },
        mystery: { provider: 'one' },
        ...extra,
      },
      routingRules: { simple_queries: { primary: 'cheap', fallback: 'dear' } },
      surfaces: { support: {}, legal: {} },
      ...(baseline === undefined ? {} : { baseline }),
    },
    {},
  ).policy;
}

interface Bench {
  readonly call: (model: string, usage?: Partial<TokenUsage>, extra?: Partial<AttemptRecord>) => void;
  readonly request: (surface?: string, outcome?: Outcome) => void;
  readonly report: () => SavingsReport;
  readonly store: SavingsStore;
}

function bench(policy = policyOf('dear')): Bench {
  const bus = new TelemetryBus();
  const store = new SavingsStore(bus, policy);
  const labels = {
    decisionId: 'd',
    workload: 'interactive',
    requestClass: 'simple_queries',
    streamed: false,
    startedAtMs: 0,
    durationMs: 1,
    timeToFirstTokenMs: undefined,
  } as const;
  const prices: Record<string, { inputPer1M: number; outputPer1M: number }> = { dear: DEAR, cheap: CHEAP };
  return {
    call: (model, usage = { promptTokens: 750, completionTokens: 250 }, extra = {}) => {
      const tokens = { ...NO_USAGE, ...usage };
      const price = prices[model];
      bus.emit('attempt-ended', {
        ...labels,
        surface: 'support',
        deployment: `one/${model}`,
        model,
        provider: 'one',
        attempt: 1,
        tier: 'primary',
        outcome: 'succeeded',
        errorKind: undefined,
        status: 200,
        providerCode: undefined,
        retryAfterMs: undefined,
        usage: tokens,
        usageSource: 'reported',
        costUsd:
          price === undefined
            ? 0
            : (tokens.promptTokens * price.inputPer1M + tokens.completionTokens * price.outputPer1M) / 1e6,
        reportedModel: undefined,
        ...extra,
      });
    },
    request: (surface = 'support', outcome = 'succeeded') => {
      bus.emit('request-ended', {
        ...labels,
        surface,
        outcome,
        errorCode: undefined,
        attempts: 1,
        policyHash: 'policy',
        servedBy: undefined,
        usage: NO_USAGE,
        costUsd: 0,
      });
    },
    report: () => store.report(),
    store,
  };
}

describe('SavingsStore', () => {
  it("gives the article's case: $3,000 on one model, $1,320 routed 60 to 40", () => {
    const { call, request, report } = bench();
    for (let count = 0; count < 10_000; count += 1) {
      call(count % 10 < 6 ? 'cheap' : 'dear', { promptTokens: 7_500, completionTokens: 2_500 });
      request();
    }
    // The article's tokens in a tenth of its requests: 6,000 × 10,000 at $0.002 per 1,000 is $120; 4,000 × 10,000 at $0.03 is
    // $1,200.
    expect(report()).toMatchObject({
      baseline: 'dear',
      baselinePrice: DEAR,
      requests: 10_000,
      calls: 10_000,
      answered: 10_000,
      spentUsd: 1_320,
      baselineUsd: 3_000,
      savedUsd: 1_680,
      savedShare: 0.56,
      models: {
        cheap: { answered: 6_000, spentUsd: 120, baselineUsd: 1_800, savedUsd: 1_680 },
        dear: { answered: 4_000, spentUsd: 1_200, baselineUsd: 1_200, savedUsd: 0, savedShare: 0 },
      },
      notes: [],
    });
  });

  it('counts failed and fallback calls as spent, against one call of the baseline', () => {
    const { call, request, report } = bench();
    call(
      'cheap',
      { promptTokens: 1_000, completionTokens: 500 },
      { outcome: 'failed', usageSource: 'estimated' },
    );
    call('dear', { promptTokens: 1_000, completionTokens: 100 }, { attempt: 2, tier: 'secondary' });
    request();
    // The baseline answers once: $0.033; what was paid is that and the $0.003 of the call that broke off.
    expect(report()).toMatchObject({
      requests: 1,
      calls: 2,
      answered: 1,
      estimatedCalls: 1,
      spentUsd: 0.036,
      baselineUsd: 0.033,
      savedUsd: -0.003,
      models: { cheap: { answered: 0, spentUsd: 0.003, baselineUsd: 0, savedUsd: -0.003, savedShare: null } },
    });
    expect(report().savedShare).toBeCloseTo(-1 / 11, 9);
  });

  it.each<Outcome>(['failed', 'timed_out', 'client_left', 'hedge_lost'])(
    'has no baseline for a request whose only call ended as %s',
    (outcome) => {
      const { call, request, report } = bench();
      call('cheap', { promptTokens: 1_000 }, { outcome });
      request('support', outcome);
      expect(report()).toMatchObject({
        requests: 1,
        answered: 0,
        spentUsd: 0.002,
        baselineUsd: 0,
        savedUsd: -0.002,
        savedShare: null,
      });
    },
  );

  it('has no baseline for embeddings: they are spent, and save nothing', () => {
    const { call, request, report } = bench();
    call('cheap', { promptTokens: 1_000_000 }, { requestClass: 'embeddings' });
    request();
    expect(report()).toMatchObject({
      requests: 1,
      calls: 1,
      answered: 1,
      spentUsd: 2,
      baselineUsd: 0,
      savedUsd: -2,
      savedShare: null,
      surfaces: { support: { spentUsd: 2, baselineUsd: 0 } },
      models: { cheap: { spentUsd: 2, baselineUsd: 0 } },
    });
  });

  it('prices cached and cache-write tokens of the answer at what the baseline has for them', () => {
    const price = { inputPer1M: 10, outputPer1M: 20, cachedInputPer1M: 1, cacheWritePer1M: 12.5 };
    const { call, report } = bench(policyOf('other', { other: { provider: 'one', price } }));
    call('cheap', {
      promptTokens: 1_000_000,
      cachedTokens: 300_000,
      cacheWriteTokens: 200_000,
      completionTokens: 100_000,
    });
    expect(report().baselineUsd).toBe(5 + 0.3 + 2.5 + 2);

    // No price of its own for them: they are prompt tokens like all others.
    const plain = bench();
    plain.call('cheap', { promptTokens: 1_000_000, cachedTokens: 300_000, cacheWriteTokens: 200_000 });
    expect(plain.report().baselineUsd).toBe(30);
  });

  it('keeps calls without a price out of both sides and says so', () => {
    const { call, request, report } = bench();
    call('mystery', { promptTokens: 5_000, completionTokens: 1_000 });
    request();
    call('cheap');
    request();
    expect(report()).toMatchObject({
      requests: 2,
      calls: 1,
      answered: 1,
      spentUsd: 0.002,
      baselineUsd: 0.03,
      unpriced: { calls: 1, promptTokens: 5_000, completionTokens: 1_000 },
      models: { mystery: { calls: 0, spentUsd: 0, baselineUsd: 0, savedUsd: 0, unpriced: { calls: 1 } } },
      notes: [expect.stringContaining('models.mystery.price')],
    });
  });

  it('claims nothing without a baseline', () => {
    const { call, request, report } = bench(policyOf(undefined));
    call('cheap');
    request();
    expect(report()).toMatchObject({
      baseline: null,
      baselinePrice: null,
      spentUsd: 0.002,
      baselineUsd: null,
      savedUsd: null,
      savedShare: null,
      surfaces: { support: { baselineUsd: null } },
      notes: [expect.stringContaining('`baseline`')],
    });
  });

  it('adds up: surfaces and models each come to the total, whatever happens', () => {
    const calls = fc.array(
      fc.record({
        model: fc.constantFrom('dear', 'cheap', 'mystery'),
        surface: fc.constantFrom('support', 'legal', 'none'),
        outcome: fc.constantFrom<Outcome>('succeeded', 'failed', 'timed_out', 'client_left'),
        promptTokens: fc.nat(100_000),
        completionTokens: fc.nat(10_000),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(calls, (made) => {
        const { call, request, report } = bench();
        for (const { model, surface, outcome, promptTokens, completionTokens } of made) {
          call(model, { promptTokens, completionTokens }, { surface, outcome });
          request(surface, outcome);
        }
        const found = report();
        for (const parts of [Object.values(found.surfaces), Object.values(found.models)]) {
          for (const key of ['spentUsd', 'baselineUsd', 'savedUsd', 'calls', 'answered'] as const) {
            expect(parts.reduce((sum, part) => sum + (part[key] ?? 0), 0)).toBeCloseTo(found[key] ?? 0, 7);
          }
        }
        expect(found.calls + found.unpriced.calls).toBe(made.length);
        expect(found.requests).toBe(made.length);
        expect(found.savedUsd).toBeCloseTo((found.baselineUsd ?? 0) - found.spentUsd, 7);
      }),
    );
  });
});

describe('another configuration', () => {
  it('goes on counting where the baseline is the same', () => {
    const { call, report, store } = bench();
    call('cheap');
    store.follow(policyOf('dear', { further: { provider: 'one', price: CHEAP } }), []);
    call('cheap');
    expect(report()).toMatchObject({ calls: 2, baseline: 'dear' });
  });

  it('counts anew where there is another baseline, or another price of it', () => {
    const { call, request, report, store } = bench();
    call('cheap');
    request();
    const { since } = report();
    store.follow(policyOf('cheap'), []);
    expect(report()).toMatchObject({
      requests: 0,
      calls: 0,
      spentUsd: 0,
      baseline: 'cheap',
      surfaces: {},
      models: {},
    });
    expect(report().since >= since).toBe(true);
    call('cheap');
    expect(report().savedUsd).toBe(0);
    store.follow(policyOf('cheap', { cheap: { provider: 'one', price: DEAR } }), []);
    expect(report()).toMatchObject({ calls: 0, baselinePrice: DEAR });
  });

  it('knows what has no price, of the policies that requests are still under way on too', () => {
    const { call, report, store } = bench();
    const priced = policyOf('dear', { mystery: { provider: 'one', price: CHEAP } });
    const gone = { ...priced, models: new Map([...priced.models].filter(([name]) => name !== 'mystery')) };
    store.follow(gone, [policyOf('dear')]);
    call('mystery');
    expect(report()).toMatchObject({ calls: 0, unpriced: { calls: 1 } });
    store.follow(priced, []);
    call('mystery');
    expect(report()).toMatchObject({ calls: 1, unpriced: { calls: 1 } });
  });
});
