import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PolicyDeployment, type DeploymentSignals, UNKNOWN_SIGNALS } from '../planning/index.js';
import { callsOf, judgeLane, type LaneCircumstances } from './lane-share.js';

const SHARES = { backgroundShare: 0.1, interactiveShare: 0.5 };

function circumstances(
  maxConcurrency: number | undefined,
  live: Partial<DeploymentSignals>,
  more: Partial<LaneCircumstances> = {},
): LaneCircumstances {
  return {
    deployments: [{ id: 'a', maxConcurrency } as PolicyDeployment],
    signals: { of: () => ({ ...UNKNOWN_SIGNALS, ...live }) },
    shares: SHARES,
    running: 0,
    starting: 0,
    isPeak: false,
    nowMs: 1_000,
    ...more,
  };
}

describe('judgeLane', () => {
  it.each([
    ['no limit known', circumstances(undefined, {}), true],
    ['no limit known, but a queue', circumstances(undefined, { queued: 1 }), false],
    ['no limit known, in the peak', circumstances(undefined, {}, { isPeak: true }), false],
    ['all taken, but it has its share', circumstances(10, { inFlight: 10, queued: 5 }), true],
    ['all taken, and its share is under way', circumstances(10, { inFlight: 10 }, { running: 1 }), false],
    ['all taken, in the peak', circumstances(10, { inFlight: 10 }, { isPeak: true }), false],
    ['room', circumstances(10, { inFlight: 7 }, { running: 2 }), true],
    ['little room', circumstances(10, { inFlight: 8 }, { running: 2 }), false],
    [
      'room, but some was begun just now',
      circumstances(10, { inFlight: 7 }, { running: 2, starting: 1 }),
      false,
    ],
    ['room, but its own is all taken', circumstances(10, { inFlight: 5 }, { running: 5 }), false],
    ['half of it free in the peak', circumstances(10, { inFlight: 4 }, { isPeak: true }), true],
    ['less than half of it free in the peak', circumstances(10, { inFlight: 5 }, { isPeak: true }), false],
    ['it rests', circumstances(10, { restingUntilMs: 2_000 }), false],
    ['it fails', circumstances(10, { breaker: 'open', breakerShare: 0 }), false],
    ['one call at once', circumstances(1, { inFlight: 1 }), true],
    [
      'no share at all',
      circumstances(1, { inFlight: 1 }, { shares: { ...SHARES, backgroundShare: 0 } }),
      false,
    ],
  ])('%s: %#', (_name, given, mayRun) => {
    expect(judgeLane(given).mayRun).toBe(mayRun);
  });

  it('never takes more than its part, and always has its least, outside the peak', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 20 }),
        fc.boolean(),
        (capacity, running, interactive, queued, isPeak) => {
          const given = circumstances(
            capacity,
            { inFlight: running + interactive, queued },
            { running, isPeak },
          );
          const { mayRun, mayHaveShare } = judgeLane(given);
          const { least, most } = callsOf(capacity, SHARES);
          expect(least).toBeGreaterThanOrEqual(1);
          expect(most).toBeLessThanOrEqual(Math.max(1, capacity / 2));
          expect(mayHaveShare).toBe(running < most);
          if (running >= most) expect(mayRun).toBe(false);
          if (!isPeak && running < least) expect(mayRun).toBe(true);
        },
      ),
    );
  });
});
