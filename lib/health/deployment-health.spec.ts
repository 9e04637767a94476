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
      'four of four after others that failed',
      { samples: 4, errorRate: 1, consecutiveFailures: 12 },
      'half_open',
      'the last 12 calls failed',
      true,
    ],
    [
      'half of many',
      { samples: 10, errorRate: 0.5, consecutiveFailures: 0 },
      'open',
      'failing (50 % of the last 10 calls)',
      true,
    ],
    ['faults out of the window', { samples: 0, consecutiveFailures: 7 }, 'half_open', undefined, false],
    [
      'a trial that failed',
      { samples: 1, errorRate: 1, consecutiveFailures: 8 },
      'half_open',
      'the last 8 calls failed',
      true,
    ],
    ['a few old faults', { samples: 0, consecutiveFailures: 3 }, 'closed', undefined, false],
    ['a wait', { restingUntilMs: NOW + 4_500 }, 'closed', 'rate-limited for another 5 s', false],
    ['a wait that is over', { restingUntilMs: NOW }, 'closed', undefined, false],
  ])('judges %s', (_what, signals, breaker, trouble, isOut) => {
    expect(judge(signals)).toMatchObject({ breaker, trouble, isOut });
  });

  it('takes a full one for busy, not for out', () => {
    expect(judge({ inFlight: 4 }, 4)).toMatchObject({ trouble: 'at capacity (4 in flight)', isOut: false });
  });
});

/** What is known after these calls, the oldest first: those of the window, and failures right before them. */
function after(older: number, calls: readonly ('failed' | 'succeeded')[]): Partial<LiveDeployment> {
  const failed = calls.filter((call) => call === 'failed').length;
  const sinceSuccess = calls.length - 1 - calls.lastIndexOf('succeeded');
  return {
    samples: calls.length,
    errorRate: calls.length === 0 ? 0 : failed / calls.length,
    consecutiveFailures: sinceSuccess === calls.length ? older + sinceSuccess : sinceSuccess,
  };
}

describe('isOut', () => {
  const history = fc.tuple(
    fc.nat(12),
    fc.array(fc.constantFrom<'failed' | 'succeeded'>('failed', 'succeeded'), { maxLength: 12 }),
  );
  const isOutAfter = (older: number, calls: readonly ('failed' | 'succeeded')[]): boolean =>
    judge(after(older, calls)).isOut;

  it('never ends with a further failure, nor where a call had failed instead, nor with more failures before', () => {
    fc.assert(
      fc.property(history, fc.nat(), ([older, calls], position) => {
        if (!isOutAfter(older, calls)) return;
        expect(isOutAfter(older, [...calls, 'failed'])).toBe(true);
        expect(isOutAfter(older, calls.with(position % calls.length, 'failed'))).toBe(true);
        expect(isOutAfter(older + 1, calls)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('comes with five failures in a row and no success since, wherever the window ends between them', () => {
    for (let inWindow = 1; inWindow <= 12; inWindow += 1) {
      const calls = Array.from({ length: inWindow }, () => 'failed' as const);
      for (let older = 0; older <= 12; older += 1) {
        expect(isOutAfter(older, calls), `${older} and ${inWindow}`).toBe(older + inWindow >= 5);
      }
    }
  });

  it('ends with a success among few calls, and with the window', () => {
    expect(isOutAfter(12, ['failed', 'failed', 'succeeded'])).toBe(false);
    expect(isOutAfter(12, [])).toBe(false);
  });
});

describe('sumHeadroom', () => {
  it('adds up, never under zero, and knows none where one has no limit', () => {
    expect(sumHeadroom([judge({ inFlight: 1 }, 4), judge({ inFlight: 9 }, 4)])).toBe(3);
    expect(sumHeadroom([judge({}, 4), judge({})])).toBeUndefined();
    expect(sumHeadroom([])).toBeUndefined();
  });
});
