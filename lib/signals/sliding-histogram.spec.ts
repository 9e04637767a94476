import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingHistogram } from './sliding-histogram.js';

const WINDOW_MS = 60_000;

function nearestRank(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((first, second) => first - second);
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN;
}

describe('SlidingHistogram', () => {
  it('gives percentiles within 1 % of the exact ones', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(50, 90, 95, 99, 100),
        (values, percent) => {
          const histogram = new SlidingHistogram(WINDOW_MS);
          for (const value of values) histogram.record(value, 1_000);
          const exact = nearestRank(values, percent);
          const read = histogram.percentile(percent, 1_000) ?? Number.NaN;
          expect(Math.abs(read - exact)).toBeLessThanOrEqual(Math.max(1, exact * 0.01));
          expect(histogram.count(1_000)).toBe(values.length);
        },
      ),
    );
  });

  it('forgets what is older than its window, and keeps what is younger than half of it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 60 }),
        fc.nat(200_000),
        (gapsMs, quietMs) => {
          const histogram = new SlidingHistogram(WINDOW_MS);
          const times: number[] = [];
          let nowMs = 5_000;
          for (const gapMs of gapsMs) {
            nowMs += gapMs;
            times.push(nowMs);
            histogram.record(100, nowMs);
          }
          nowMs += quietMs;
          const count = histogram.count(nowMs);
          expect(count).toBeLessThanOrEqual(times.filter((at) => nowMs - at <= WINDOW_MS).length);
          expect(count).toBeGreaterThanOrEqual(times.filter((at) => nowMs - at < WINDOW_MS / 2).length);
        },
      ),
    );
  });

  it('has no percentile of nothing', () => {
    expect(new SlidingHistogram(WINDOW_MS).percentile(95, 0)).toBeUndefined();
  });
});
