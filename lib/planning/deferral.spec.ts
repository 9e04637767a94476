import { describe, expect, it } from 'vitest';
import { compileOptions } from './compile-options.js';
import { capacityOf, type Deferral, findDeferral, isFailing, severityOf } from './deferral.js';
import { type DeploymentSignals, UNKNOWN_SIGNALS } from './signals-snapshot.js';

const NOW = 1_000_000;
const { policy } = compileOptions(
  {
    providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1' } },
    models: { limited: { provider: 'one', maxConcurrency: 4 } },
    routingRules: { simple_queries: { primary: 'limited' } },
  },
  {},
);

function deferral(signals: Partial<DeploymentSignals>): Deferral | undefined {
  const [deployment] = policy.models.get('limited')?.deployments ?? [];
  if (deployment === undefined) throw new Error('no deployment');
  return findDeferral(deployment, { ...UNKNOWN_SIGNALS, ...signals }, NOW);
}

const RESTING = { restingUntilMs: NOW + 2_001 };
const OPEN = {
  breaker: 'open',
  breakerShare: 0,
  breakerUntilMs: NOW + 1_500,
  samples: 8,
  errorRate: 0.75,
} as const;
const PROBED = { breaker: 'half_open', breakerShare: 0, samples: 8, errorRate: 0.75 } as const;
const FULL = { inFlight: 4 };

describe('findDeferral', () => {
  it.each<[string, Partial<DeploymentSignals>, string, string]>([
    ['a rest', RESTING, 'resting', 'rate-limited for another 3 s'],
    ['an open breaker', OPEN, 'failing', 'failing (75 % of the last 8 calls), tried again in 2 s'],
    ['a probe under way', PROBED, 'failing', 'failing (75 % of the last 8 calls), being tried now'],
    ['its ceiling', FULL, 'full', 'at capacity (4 in flight)'],
    ['who waits there', { ...FULL, queued: 3 }, 'full', 'at capacity (4 in flight, 3 waiting)'],
    ['a limit found under its ceiling', { inFlight: 2, limit: 2 }, 'full', 'at capacity (2 in flight)'],
    [
      'its pace',
      { isSlow: true },
      'slow',
      'slow (calls wait longer than usual, and none sent later was answered)',
    ],
  ])('says so of %s', (_what, signals, kind, text) => {
    expect(deferral(signals)).toEqual({ kind, text });
  });

  it.each<[string, Partial<DeploymentSignals>]>([
    ['one nothing is known of', {}],
    ['a rest that is over', { restingUntilMs: NOW }],
    ['faults that its breaker bears', { samples: 9, errorRate: 1 }],
    ['one that waits for its probe', { ...PROBED, breakerShare: 1 }],
    ['one that recovers: chance decides elsewhere', { breaker: 'ramping', breakerShare: 0.1 }],
    ['one with a place left', { inFlight: 3, queued: 2 }],
    ['a limit found over its ceiling', { inFlight: 3, limit: 9 }],
    ['an alert', { inAlert: true }],
  ])('says nothing of %s', (_what, signals) => {
    expect(deferral(signals)).toBeUndefined();
  });

  it('tells the worst of what holds at once', () => {
    expect(deferral({ ...RESTING, ...OPEN, ...FULL, isSlow: true })?.kind).toBe('resting');
    expect(deferral({ ...OPEN, ...FULL, isSlow: true })?.kind).toBe('failing');
    expect(deferral({ ...FULL, isSlow: true })?.kind).toBe('full');
  });
});

describe('severityOf', () => {
  it('orders those over their target before the slow, the recovering, those in alert, the full, the failing and the resting', () => {
    const kinds = ['over_target', 'slow', 'ramping', 'in_alert', 'full', 'failing', 'resting'] as const;
    expect([undefined, ...kinds].map(severityOf)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('capacityOf', () => {
  it.each([
    [undefined, undefined, undefined],
    [5, undefined, 5],
    [undefined, 7, 7],
    [5, 7, 5],
    [9, 7, 7],
  ])('is, of a ceiling of %s and a limit of %s, %s', (maxConcurrency, limit, expected) => {
    expect(capacityOf({ maxConcurrency }, { limit })).toBe(expected);
  });
});

describe('isFailing', () => {
  it('is one whose breaker is open or waits for its probe', () => {
    const states = ['closed', 'open', 'half_open', 'ramping'] as const;
    expect(states.filter((breaker) => isFailing({ breaker }))).toEqual(['open', 'half_open']);
  });
});
