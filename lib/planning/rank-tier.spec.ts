import { describe, expect, it } from 'vitest';
import { compileOptions } from './compile-options.js';
import { rankTier, type RankedCandidate } from './rank-tier.js';
import { PRESET_WEIGHTS } from './ranking-weights.js';
import type { ScoreContext } from './score-candidate.js';
import { type DeploymentSignals, UNKNOWN_SIGNALS } from './signals-snapshot.js';

const { policy } = compileOptions(
  {
    providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: { alpha: { provider: 'one' }, beta: { provider: 'one' } },
    routingRules: { simple_queries: { primary: ['alpha', 'beta'] } },
  },
  {},
);
const deployments = ['alpha', 'beta'].flatMap((name) => policy.models.get(name)?.deployments ?? []);

const SCORE: ScoreContext = {
  weights: PRESET_WEIGHTS.balanced,
  streamed: false,
  targetLatencyMs: 1_500,
  usage: { inputTokens: 100, cachedTokens: 0, outputTokens: 100 },
  referenceCostUsd: 0,
  warm: undefined,
  qualityOf: () => undefined,
};

function rank(
  signals: Record<string, Partial<DeploymentSignals>>,
  random = 0,
  exploration = 0,
): RankedCandidate[] {
  return rankTier(deployments, {
    score: SCORE,
    signals: { of: (id) => ({ ...UNKNOWN_SIGNALS, ...signals[id.slice(id.indexOf('/') + 1)] }) },
    overTargetMs: () => undefined,
    exploration,
    nowMs: 0,
    random: () => random,
    limit: 100,
  });
}

function names(ranked: readonly RankedCandidate[]): string[] {
  return ranked.map(({ deployment }) => deployment.model.name);
}

describe('an alert on a deployment', () => {
  it.each([0, 0.5, 0.999])(
    'puts it behind a peer as fast as itself, without leaving it out (%d)',
    (random) => {
      const ranked = rank({ alpha: { inAlert: true } }, random);
      expect(names(ranked)).toEqual(['beta', 'alpha']);
      expect(ranked.map(({ terms }) => terms.alert)).toEqual([0, 1]);
      expect(ranked.map(({ deferral }) => deferral)).toEqual([undefined, undefined]);
    },
  );

  it('weighs a third more than the target latency', () => {
    // Late both, so that the chance to be late is no difference.
    const alpha = { inAlert: true, latencyMs: 1_500, latencySamples: 10_000 };
    expect(names(rank({ alpha, beta: { latencyMs: 3_400, latencySamples: 10_000 } }))).toEqual([
      'beta',
      'alpha',
    ]);
    expect(names(rank({ alpha, beta: { latencyMs: 3_600, latencySamples: 10_000 } }))).toEqual([
      'alpha',
      'beta',
    ]);
  });

  it('changes nothing where all are in alert', () => {
    const ranked = rank({ alpha: { inAlert: true }, beta: { inAlert: true } });
    expect(names(ranked)).toEqual(['alpha', 'beta']);
  });
});

describe('a critical alert on a deployment', () => {
  const alpha = { inAlert: true, inCriticalAlert: true };

  it('puts it behind whoever can be counted on, however late, and leaves it in', () => {
    const beta = { latencyMs: 60_000, latencySamples: 10_000 };
    const ranked = rank({ alpha, beta });
    expect(names(ranked)).toEqual(['beta', 'alpha']);
    expect(ranked.map(({ deferral }) => deferral?.kind)).toEqual([undefined, 'in_alert']);
  });

  it('puts it before those that can take no call now', () => {
    expect(names(rank({ alpha, beta: { restingUntilMs: 1_000 } }))).toEqual(['alpha', 'beta']);
    expect(names(rank({ alpha, beta: { limit: 1, inFlight: 1 } }))).toEqual(['alpha', 'beta']);
  });

  it('lets a few requests show whether it is well again', () => {
    const beta = { latencyMs: 60_000, latencySamples: 10_000 };
    expect(names(rank({ alpha, beta }, 0.01, 0.02))[0]).toBe('alpha');
    expect(names(rank({ alpha, beta }, 0.03, 0.02))[0]).toBe('beta');
    // However good the others are, and however little there is to choose between them.
    const well = { latencyMs: 300, latencySamples: 10_000, samples: 100 };
    for (const samples of [0, 5]) {
      const tried = rank({ alpha: { ...alpha, samples }, beta: well }, 0.01, 0.02);
      expect(names(tried)).toEqual(['alpha', 'beta']);
      expect(names(rank({ alpha: { ...alpha, samples }, beta: well }, 0.03, 0.02))[0]).toBe('beta');
    }
    expect(names(rank({ alpha, beta: well }, 0, 0))[0]).toBe('beta');
  });
});
