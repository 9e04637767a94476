import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileOptions } from './compile-options.js';
import { rankTier, type RankOptions } from './rank-tier.js';
import { RANKING_PRESETS } from './ranking-preset.js';
import { PRESET_WEIGHTS } from './ranking-weights.js';
import { type DeploymentSignals, UNKNOWN_SIGNALS } from './signals-snapshot.js';
import { StandingCandidates } from './standing-candidates.js';

const NAMES = Array.from({ length: 24 }, (_, index) => `model-${index}`);
const { policy } = compileOptions(
  {
    providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: Object.fromEntries(
      NAMES.map((name, index) => [
        name,
        {
          provider: 'one',
          // Some alike, some without a price.
          price:
            index % 7 === 0
              ? undefined
              : { inputPer1M: index % 5, cachedInputPer1M: 0, outputPer1M: 1 + (index % 3) },
          quality: index % 6 === 0 ? undefined : (index % 4) / 4,
          maxConcurrency: index % 2 === 0 ? 4 : undefined,
        },
      ]),
    ),
    routingRules: { simple_queries: { primary: NAMES } },
  },
  {},
);
const DEPLOYMENTS = NAMES.flatMap((name) => policy.models.get(name)?.deployments ?? []);
const STANDING = new StandingCandidates(DEPLOYMENTS);

const maybe = <Value>(value: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(value, { nil: undefined, freq: 4 });
const line = fc.record({
  meanX: fc.constantFrom(100, 400),
  meanY: fc.integer({ min: 200, max: 3_000 }),
  slope: fc.constantFrom(0, 0.5, 2),
  weight: fc.constantFrom(1, 20, 200),
});
const latencyMs = fc.integer({ min: 100, max: 4_000 });
const recent = fc.constantFrom([], [], [1_200, undefined], [3_000, 2_800], [undefined, 2_500, 2_600]);

/** Mostly in good health, as most are: the others have a state of their own each. */
const state: fc.Arbitrary<Partial<DeploymentSignals>> = fc.oneof(
  { weight: 12, arbitrary: fc.constant({}) },
  fc.constant({ samples: 0, inFlight: 0 }),
  fc.constant({ restingUntilMs: 2_000 }),
  fc.constant({ restingUntilMs: 500 }),
  fc.constant({ breaker: 'open' as const, breakerShare: 0 }),
  fc.constant({ breaker: 'ramping' as const, breakerShare: 0.5 }),
  fc.constant({ isSlow: true }),
  fc.constant({ inAlert: true }),
  fc.constant({ inFlight: 50 }),
);
const signals: fc.Arbitrary<DeploymentSignals> = fc
  .tuple(
    fc.record({
      inFlight: fc.constantFrom(0, 1, 3),
      samples: fc.constantFrom(1, 10, 64),
      errorRate: fc.constantFrom(0, 0, 0.1, 1),
      timeToFirstTokenMs: maybe(latencyMs),
      firstTokenSamples: fc.constantFrom(1, 20),
      latencyMs: maybe(latencyMs),
      latencySamples: fc.constantFrom(1, 20),
      p95TimeToFirstTokenMs: maybe(latencyMs),
      p95LatencyMs: maybe(latencyMs),
      recentP95TimeToFirstTokenMs: recent,
      recentP95LatencyMs: recent,
      firstTokenByInput: maybe(line),
      durationByOutput: maybe(line),
    }),
    state,
  )
  .map(([usual, own]) => ({ ...UNKNOWN_SIGNALS, ...usual, ...own }));

const scene = fc.record({
  live: fc.array(signals, { minLength: DEPLOYMENTS.length, maxLength: DEPLOYMENTS.length }),
  preset: fc.constantFrom(...RANKING_PRESETS),
  streamed: fc.boolean(),
  inputTokens: fc.constantFrom(20, 400, 5_000),
  limit: fc.constantFrom(1, 3, 8),
  targetMs: fc.constantFrom(undefined, 1_500, 2_600),
  exploration: fc.constantFrom(0, 0.02, 0.5),
  warm: fc.constantFrom(undefined, { deployment: DEPLOYMENTS[19]?.id ?? '', cachedTokens: 4_000 }),
  seed: fc.nat(),
});

/** Each call of it gives the same numbers again. */
function randomFrom(seed: number): () => number {
  let drawn = seed >>> 0;
  return () => {
    drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0;
    return drawn / 2 ** 32;
  };
}

function optionsOf(one: typeof scene extends fc.Arbitrary<infer Value> ? Value : never): RankOptions {
  const live = new Map(DEPLOYMENTS.map(({ id }, index) => [id, one.live[index] ?? UNKNOWN_SIGNALS]));
  return {
    score: {
      weights: PRESET_WEIGHTS[one.preset],
      streamed: one.streamed,
      targetLatencyMs: 1_500,
      usage: { inputTokens: one.inputTokens, cachedTokens: 0, outputTokens: 200 },
      referenceCostUsd: 0.01,
      warm: one.warm,
      qualityOf: ({ model }) => model.quality,
    },
    signals: { of: (id) => live.get(id) ?? UNKNOWN_SIGNALS },
    overTargetMs: () => one.targetMs,
    exploration: one.exploration,
    nowMs: 1_000,
    random: randomFrom(one.seed),
    limit: one.limit,
  };
}

describe('what is kept of a tier from one request to the next', () => {
  it('changes nothing of who comes first, of the terms and of the draws', () => {
    fc.assert(
      fc.property(scene, (one) => {
        const plain = optionsOf(one);
        const kept = optionsOf(one);
        expect(rankTier(DEPLOYMENTS, { ...kept, standing: STANDING })).toEqual(rankTier(DEPLOYMENTS, plain));
        expect(kept.random()).toBe(plain.random());
      }),
      { numRuns: 500 },
    );
  });

  it('hopes the best of one that was never seen', () => {
    const seen = { ...UNKNOWN_SIGNALS, samples: 10, timeToFirstTokenMs: 200, firstTokenSamples: 10 };
    const unseen = { ...UNKNOWN_SIGNALS, samples: 1 };
    const live = DEPLOYMENTS.map((_, index) => (index === 3 ? unseen : seen));
    const one = { live, preset: 'fastest', streamed: true, inputTokens: 400, limit: 8 } as const;
    const options = optionsOf({ ...one, targetMs: undefined, exploration: 0, warm: undefined, seed: 1 });
    const ranked = rankTier(DEPLOYMENTS, { ...options, standing: new StandingCandidates(DEPLOYMENTS) });
    const quickestMs = Math.min(...ranked.map(({ terms }) => terms.expectedLatencyMs));
    const found = ranked.find(({ deployment }) => deployment === DEPLOYMENTS[3]);
    expect(found?.terms.expectedLatencyMs).toBe(quickestMs);
  });

  it('follows one whose state alone has changed', () => {
    const healthy: DeploymentSignals = {
      ...UNKNOWN_SIGNALS,
      samples: 10,
      timeToFirstTokenMs: 500,
      firstTokenSamples: 10,
      firstTokenByInput: { meanX: 400, meanY: 500, slope: 0, weight: 200 },
    };
    const live = DEPLOYMENTS.map(() => healthy);
    const first = (): string | undefined => {
      const one = { live, preset: 'fastest', streamed: true, inputTokens: 400, limit: 3 } as const;
      const options = optionsOf({ ...one, targetMs: undefined, exploration: 0, warm: undefined, seed: 1 });
      const reads = { ...options.signals, ofAll: () => [...live] };
      return rankTier(DEPLOYMENTS, { ...options, signals: reads, standing: STANDING })[0]?.deployment.model
        .name;
    };
    live[17] = { ...healthy, timeToFirstTokenMs: 100, firstTokenByInput: undefined };
    expect(first()).toBe('model-17');
    live[17] = { ...healthy, isSlow: true };
    live[21] = { ...healthy, timeToFirstTokenMs: 100, firstTokenByInput: undefined };
    expect(first()).toBe('model-21');
  });
});
