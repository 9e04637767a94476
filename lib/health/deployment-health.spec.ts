import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyDeployment } from '../planning/index.js';
import { LiveSignals, type LiveDeployment } from '../signals/index.js';
import { TelemetryBus } from '../telemetry/index.js';
import { judgeDeployment, sumHeadroom } from './deployment-health.js';

const NOW = 1_000_000;
const IDLE = new LiveSignals(new TelemetryBus()).of('none');

function judge(
  signals: Partial<LiveDeployment>,
  maxConcurrency?: number,
): ReturnType<typeof judgeDeployment> {
  const deployment = { id: 'p/m', provider: 'p', maxConcurrency } as PolicyDeployment;
  return judgeDeployment(deployment, { ...IDLE, ...signals }, NOW);
}

const SLOW = 'slow (calls wait longer than usual, and none sent later was answered)';

describe('judgeDeployment', () => {
  it('takes one without traffic for well', () => {
    expect(judge({})).toMatchObject({ breaker: 'closed', trouble: undefined, isOut: false });
  });

  it.each<[string, Partial<LiveDeployment>, string, string | undefined, boolean]>([
    [
      'one failure among few calls',
      { samples: 2, errorRate: 0.5, consecutiveFailures: 1 },
      'closed',
      'the last call failed',
      false,
    ],
    [
      'one failure among many',
      { samples: 20, errorRate: 0.05, consecutiveFailures: 1 },
      'closed',
      undefined,
      false,
    ],
    [
      'three in a row among many',
      { samples: 60, errorRate: 0.05, consecutiveFailures: 3 },
      'closed',
      'the last 3 calls failed',
      false,
    ],
    [
      'four in a row and no other call',
      { samples: 4, errorRate: 1, consecutiveFailures: 4 },
      'closed',
      'the last 4 calls failed',
      false,
    ],
    [
      'an open breaker',
      { samples: 10, errorRate: 0.5, breaker: 'open', breakerShare: 0, breakerUntilMs: NOW + 2_500 },
      'open',
      'failing (50 % of the last 10 calls), tried again in 3 s',
      true,
    ],
    [
      'a breaker whose pause is over: nobody knows yet',
      { samples: 4, errorRate: 1, consecutiveFailures: 12, breaker: 'half_open', breakerShare: 1 },
      'half_open',
      'the last 12 calls failed',
      true,
    ],
    [
      'a probe under way',
      { samples: 1, errorRate: 1, consecutiveFailures: 8, breaker: 'half_open', breakerShare: 0 },
      'half_open',
      'failing (100 % of the last 1 calls), being tried now',
      true,
    ],
    [
      'one whose probe was answered',
      { samples: 8, errorRate: 0.8, breaker: 'ramping', breakerShare: 0.1 },
      'ramping',
      undefined,
      false,
    ],
    [
      'faults out of the window',
      { samples: 0, consecutiveFailures: 7, breaker: 'half_open', breakerShare: 1 },
      'half_open',
      undefined,
      false,
    ],
    ['many faults that its breaker bears', { samples: 40, errorRate: 0.15 }, 'closed', undefined, false],
    ['a few old faults', { samples: 0, consecutiveFailures: 3 }, 'closed', undefined, false],
    ['one that is slow', { isSlow: true }, 'closed', SLOW, false],
    ['a wait', { restingUntilMs: NOW + 4_500 }, 'closed', 'rate-limited for another 5 s', false],
    ['a wait that is over', { restingUntilMs: NOW }, 'closed', undefined, false],
  ])('judges %s', (_what, signals, breaker, trouble, isOut) => {
    expect(judge(signals)).toMatchObject({ breaker, trouble, isOut });
  });

  it('takes a full one for busy, not for out', () => {
    expect(judge({ inFlight: 4 }, 4)).toMatchObject({ trouble: 'at capacity (4 in flight)', isOut: false });
  });
});

describe('isOut', () => {
  const state = fc.record({
    samples: fc.nat(64),
    errorRate: fc.integer({ min: 0, max: 20 }).map((value) => value / 20),
    consecutiveFailures: fc.nat(12),
    inFlight: fc.nat(9),
    restingUntilMs: fc.constantFrom(0, NOW + 1_000),
    isSlow: fc.boolean(),
    inAlert: fc.boolean(),
    inCriticalAlert: fc.boolean(),
  });
  const breaker = fc.constantFrom<LiveDeployment['breaker']>('closed', 'open', 'half_open', 'ramping');

  it('is what the breaker says, whatever else is known: full, slow, resting and in alert have answered', () => {
    fc.assert(
      fc.property(state, breaker, (known, said) => {
        const isBroken = said === 'open' || said === 'half_open';
        expect(judge({ ...known, breaker: said }, 4).isOut).toBe(isBroken && known.samples > 0);
      }),
    );
  });

  it('ends with the window: nobody sends traffic to an instance that is taken out, to prove it well', () => {
    const open = { breaker: 'open', breakerShare: 0, breakerUntilMs: NOW + 1 } as const;
    expect(judge({ ...open, samples: 1, errorRate: 1 }).isOut).toBe(true);
    expect(judge({ ...open, samples: 0 }).isOut).toBe(false);
  });
});

describe('headroom', () => {
  it('is what is left of the ceiling, or of less where less was found out', () => {
    expect(judge({ inFlight: 3, limit: 5 }, 10).headroom).toBe(2);
    expect(judge({ inFlight: 3, limit: 50 }, 10).headroom).toBe(7);
    expect(judge({ inFlight: 3, limit: 5 }).headroom).toBe(2);
    expect(judge({ inFlight: 7, limit: 5 }).headroom).toBe(0);
    expect(judge({ inFlight: 3 }).headroom).toBeUndefined();
  });
});

describe('sumHeadroom', () => {
  it('adds up, never under zero, and knows none where one has no limit', () => {
    expect(sumHeadroom([judge({ inFlight: 1 }, 4), judge({ inFlight: 9 }, 4)])).toBe(3);
    expect(sumHeadroom([judge({}, 4), judge({})])).toBeUndefined();
    expect(sumHeadroom([])).toBeUndefined();
  });
});
