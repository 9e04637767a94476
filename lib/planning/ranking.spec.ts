import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileOptions } from './compile-options.js';
import type { PolicyDeployment } from './policy-snapshot.js';
import { type RankOptions, rankTier } from './rank-tier.js';
import { RANKING_PRESETS, type RankingPreset } from './ranking-preset.js';
import { PRESET_WEIGHTS } from './ranking-weights.js';
import type { WarmPrompt } from './score-candidate.js';
import { type DeploymentSignals, UNKNOWN_SIGNALS } from './signals-snapshot.js';

const { policy } = compileOptions(
  {
    providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: {
      dear: {
        provider: 'one',
        price: { inputPer1M: 10, outputPer1M: 30, cachedInputPer1M: 1 },
        quality: 0.9,
      },
      middle: { provider: 'one', price: { inputPer1M: 2, outputPer1M: 6 }, quality: 0.7 },
      cheap: { provider: 'one', price: { inputPer1M: 0.1, outputPer1M: 0.4 }, quality: 0.4 },
    },
    routingRules: { simple_queries: { primary: ['dear', 'middle', 'cheap'] } },
  },
  {},
);
const ALL = ['dear', 'middle', 'cheap'].flatMap((name) => policy.models.get(name)?.deployments ?? []);
const KNOWN: DeploymentSignals = {
  ...UNKNOWN_SIGNALS,
  samples: 64,
  firstTokenSamples: 64,
  timeToFirstTokenMs: 500,
  p95TimeToFirstTokenMs: 900,
  firstTokenByInput: { meanX: 400, meanY: 500, slope: 0, weight: 300 },
};

interface Scene {
  readonly preset?: RankingPreset;
  readonly signals?: Readonly<Record<string, Partial<DeploymentSignals>>>;
  readonly warm?: WarmPrompt;
  readonly random?: () => number;
  readonly exploration?: number;
  readonly overTargetMs?: number;
  readonly limit?: number;
  readonly deployments?: readonly PolicyDeployment[];
}

function rank(scene: Scene = {}): ReturnType<typeof rankTier> {
  const options: RankOptions = {
    score: {
      weights: PRESET_WEIGHTS[scene.preset ?? 'balanced'],
      streamed: true,
      targetLatencyMs: 1_500,
      usage: { inputTokens: 2_000, cachedTokens: 0, outputTokens: 200 },
      referenceCostUsd: (2_000 * 10 + 200 * 30) / 1e6,
      warm: scene.warm,
      qualityOf: ({ model }) => model.quality,
    },
    signals: { of: (id) => ({ ...KNOWN, ...scene.signals?.[id.slice(id.indexOf('/') + 1)] }) },
    overTargetMs: () => scene.overTargetMs,
    exploration: scene.exploration ?? 0,
    nowMs: 0,
    random: scene.random ?? (() => 0),
    limit: scene.limit ?? 100,
  };
  return rankTier(scene.deployments ?? ALL, options);
}

const first = (scene: Scene): string | undefined => rank(scene)[0]?.deployment.model.name;

function shareFirst(name: string, scene: Scene, rounds = 2_000): number {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  let count = 0;
  for (let round = 0; round < rounds; round += 1) if (first({ ...scene, random }) === name) count += 1;
  return count / rounds;
}

describe('the presets', () => {
  it.each<[RankingPreset, string]>([
    ['cheapest', 'cheap'],
    ['best', 'dear'],
    ['balanced', 'cheap'],
  ])('%s, of three that are alike but for price and quality, takes the %s one', (preset, expected) => {
    expect(first({ preset })).toBe(expected);
  });

  it('fastest takes the quick one, whatever it costs', () => {
    expect(first({ preset: 'fastest', signals: { dear: { timeToFirstTokenMs: 200 } } })).toBe('dear');
  });

  it('none of them takes one that fails most of its calls', () => {
    for (const preset of RANKING_PRESETS.filter((name) => name !== 'best' && name !== 'cheapest')) {
      for (const name of ['dear', 'middle', 'cheap']) {
        expect(first({ preset, signals: { [name]: { errorRate: 0.9 } } })).not.toBe(name);
      }
    }
  });
});

describe('the score', () => {
  const signals = fc.record({
    samples: fc.nat(64),
    errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
    timeToFirstTokenMs: fc.integer({ min: 1, max: 20_000 }),
    p95TimeToFirstTokenMs: fc.option(fc.integer({ min: 1, max: 30_000 }), { nil: undefined }),
    inFlight: fc.nat(100),
    inAlert: fc.boolean(),
    inCriticalAlert: fc.boolean(),
  });
  const scene = fc.record({
    preset: fc.constantFrom(...RANKING_PRESETS),
    signals: fc.record({ dear: signals, middle: signals, cheap: signals }),
  });

  it('of one candidate is the same whoever else is there: none is better off without another', () => {
    fc.assert(
      fc.property(scene, fc.constantFrom(...ALL), (given, gone) => {
        const scores = new Map(rank(given).map(({ deployment, terms }) => [deployment.id, terms.score]));
        const without = rank({ ...given, deployments: ALL.filter((one) => one !== gone) });
        for (const { deployment, terms } of without) expect(terms.score).toBe(scores.get(deployment.id));
        const best = Math.min(...scores.values());
        expect(Math.min(...without.map(({ terms }) => terms.score))).toBeGreaterThanOrEqual(best);
      }),
    );
  });

  it('is a number, and never falls for more latency, errors or load', () => {
    const more = fc.record({
      timeToFirstTokenMs: fc.nat(20_000),
      inFlight: fc.nat(50),
      errorRate: fc.double({ min: 0, max: 0.5, noNaN: true }),
    });
    fc.assert(
      fc.property(scene, more, (given, added) => {
        const before = rank(given).find(({ deployment }) => deployment.model.name === 'middle');
        const { middle } = given.signals;
        const worse = {
          ...middle,
          timeToFirstTokenMs: middle.timeToFirstTokenMs + added.timeToFirstTokenMs,
          inFlight: middle.inFlight + added.inFlight,
          errorRate: Math.min(1, middle.errorRate + added.errorRate),
        };
        const after = rank({ ...given, signals: { ...given.signals, middle: worse } });
        const found = after.find(({ deployment }) => deployment.model.name === 'middle');
        expect(Number.isFinite(found?.terms.score)).toBe(true);
        expect(found?.terms.score).toBeGreaterThanOrEqual((before?.terms.score ?? Infinity) - 1e-6);
      }),
    );
  });
});

describe('who shares the traffic', () => {
  const alike = { deployments: ALL.slice(0, 1).flatMap((one) => [one, { ...one, id: 'one/other' }]) };

  it('are those near the best, the one with the lighter load more often', () => {
    expect(shareFirst('dear', alike)).toBe(1);
    const ids = new Map<string, number>();
    let state = 7;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    for (let round = 0; round < 2_000; round += 1) {
      const [chosen] = rank({ ...alike, random, signals: { other: { inFlight: 1 } } });
      const id = chosen?.deployment.id ?? '';
      ids.set(id, (ids.get(id) ?? 0) + 1);
    }
    // Of two drawn, the busier one is first only where both draws are it.
    expect((ids.get('one/other') ?? 0) / 2_000).toBeCloseTo(0.25, 1);
  });

  it('is never one that is far behind', () => {
    expect(shareFirst('dear', {})).toBe(0);
  });
});

describe('exploration', () => {
  const unknown = { dear: { samples: 0, timeToFirstTokenMs: undefined } };

  it('sends its share to one of which nothing is known now, and no more', () => {
    expect(shareFirst('dear', { signals: unknown, exploration: 0.05 })).toBeCloseTo(0.05, 1);
    expect(shareFirst('dear', { signals: unknown, exploration: 0 })).toBe(0);
  });

  it('sends nothing to one that is being tried already, nor to one that rests', () => {
    const tried = { dear: { ...unknown.dear, inFlight: 1 } };
    expect(shareFirst('dear', { signals: tried, exploration: 0.5 })).toBe(0);
    const resting = { dear: { ...unknown.dear, restingUntilMs: 60_000 } };
    expect(shareFirst('dear', { signals: resting, exploration: 0.5 })).toBe(0);
  });
});

describe('one that misses its target', () => {
  const late = { cheap: { recentP95TimeToFirstTokenMs: [1_700, 1_800] } };

  it('gives way, but for the share that shows whether it keeps it again', () => {
    const [chosen, ...others] = rank({ signals: late, overTargetMs: 1_500, random: () => 0.5 });
    expect(chosen?.deployment.model.name).toBe('middle');
    expect(others.at(-1)?.deferral).toMatchObject({ kind: 'over_target' });
    expect(others.at(-1)?.deferral?.text).toContain('1500 ms');
    const explored = shareFirst('cheap', { signals: late, overTargetMs: 1_500, exploration: 0.1 });
    expect(explored).toBeGreaterThan(0.06);
    expect(explored).toBeLessThan(0.14);
  });

  it('stays where no target holds', () => {
    expect(first({ signals: late })).toBe('cheap');
  });
});

describe('a warm prompt', () => {
  const twins = ALL.slice(0, 1).flatMap((one) => [one, { ...one, id: 'one/twin' }]);
  const warm = { deployment: 'one/twin', cachedTokens: 1_800 };

  it('keeps a conversation where it is cheaper', () => {
    let state = 3;
    const random = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    for (let round = 0; round < 100; round += 1) {
      const [chosen] = rank({ deployments: twins, warm, random });
      expect(chosen?.deployment.id).toBe('one/twin');
      expect(chosen?.terms.expectedCostUsd).toBeCloseTo((200 * 10 + 1_800 * 1 + 200 * 30) / 1e6, 9);
    }
  });

  it('holds nobody at a dear model where another is cheaper all the same', () => {
    expect(first({ warm: { deployment: 'one/dear', cachedTokens: 1_800 } })).toBe('cheap');
  });

  it('holds nobody at one that is out', () => {
    const [chosen] = rank({ deployments: twins, warm, signals: { twin: { restingUntilMs: 1 } } });
    expect(chosen?.deployment.id).toBe('one/dear');
  });
});
