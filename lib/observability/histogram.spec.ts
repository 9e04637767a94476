import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './histogram.js';

const SHARES = { p50: 50, p95: 95, p99: 99 } as const;

describe('LatencyHistogram', () => {
  it('says nothing before the first sample', () => {
    expect(new LatencyHistogram().percentiles()).toBeUndefined();
  });

  it('is exact up to 255 ms', () => {
    const histogram = new LatencyHistogram();
    for (let value = 1; value <= 200; value++) histogram.record(value);
    expect(histogram.percentiles()).toEqual({ count: 200, p50: 100, p95: 190, p99: 198 });
  });

  it('takes what no clock should give for the nearest it knows', () => {
    const histogram = new LatencyHistogram();
    histogram.record(-5);
    expect(histogram.percentiles()).toEqual({ count: 1, p50: 0, p95: 0, p99: 0 });
    const longest = new LatencyHistogram();
    longest.record(Infinity);
    expect(longest.percentiles()!.p50).toBeGreaterThanOrEqual(3_600_000);
    expect(longest.percentiles()!.p50).toBeLessThan(3_600_000 * 1.01);
  });

  it('is within 1 % above the sample at the share, whatever the samples', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(300), fc.nat(20_000), fc.nat(3_600_000)), { minLength: 1 }),
        (values) => {
          const histogram = new LatencyHistogram();
          for (const value of values) histogram.record(value);
          const sorted = values.toSorted((left, right) => left - right);
          const read = histogram.percentiles()!;
          expect(read.count).toBe(values.length);
          for (const [name, percent] of Object.entries(SHARES)) {
            const exact = sorted[Math.ceil((percent * values.length) / 100) - 1]!;
            const got = read[name as keyof typeof SHARES];
            expect(got).toBeGreaterThanOrEqual(exact);
            expect(got).toBeLessThanOrEqual(exact + Math.max(0, exact * 0.01));
          }
        },
      ),
    );
  });
});
