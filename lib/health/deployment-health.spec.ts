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
      { samples: 20, errorRate: 0.15, consecutiveFailures: 3 },
      'closed',
      'the last 3 calls failed',
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
      false,
    ],
    ['a few old faults', { samples: 0, consecutiveFailures: 3 }, 'closed', undefined, false],
    ['a wait', { restingUntilMs: NOW + 4_500 }, 'closed', 'rate-limited for another 5 s', true],
    ['a wait that is over', { restingUntilMs: NOW }, 'closed', undefined, false],
  ])('judges %s', (_what, signals, breaker, trouble, isOut) => {
    expect(judge(signals)).toMatchObject({ breaker, trouble, isOut });
  });

  it('takes a full one for busy, not for out', () => {
    expect(judge({ inFlight: 4 }, 4)).toMatchObject({ trouble: 'at capacity (4 in flight)', isOut: false });
  });
});

describe('sumHeadroom', () => {
  it('adds up, never under zero, and knows none where one has no limit', () => {
    expect(sumHeadroom([judge({ inFlight: 1 }, 4), judge({ inFlight: 9 }, 4)])).toBe(3);
    expect(sumHeadroom([judge({}, 4), judge({})])).toBeUndefined();
    expect(sumHeadroom([])).toBeUndefined();
  });
});
