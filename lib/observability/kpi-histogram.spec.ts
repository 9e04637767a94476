import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KpiHistogram } from './kpi-histogram.js';
import { latencies } from './kpi-records.spec-support.js';

const SHARES = { p50: 50, p95: 95, p99: 99 } as const;
const times = fc.array(
  fc.oneof(
    fc.double({ min: 0.0011, max: 5, noNaN: true }),
    fc.double({ min: 1, max: 10_000, noNaN: true }),
    fc.double({ min: 1, max: 86_400_000, noNaN: true }),
  ),
  { minLength: 1, maxLength: 300 },
);

function histogramOf(values: readonly number[]): KpiHistogram {
  const histogram = new KpiHistogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

function exact(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.ceil((percent * sorted.length) / 100) - 1] ?? Number.NaN;
}

describe('KpiHistogram', () => {
  it('is within 1 % of the exact percentiles of 100,000 log-normal latencies', () => {
    const values = latencies(100_000);
    const read = histogramOf(values).percentiles()!;
    expect(read.count).toBe(100_000);
    for (const [name, percent] of Object.entries(SHARES)) {
      const error = Math.abs(read[name as keyof typeof SHARES] / exact(values, percent) - 1);
      expect(error, name).toBeLessThan(0.01);
    }
  });

  it('is within 1 %, whatever the times, from microseconds to days', () => {
    fc.assert(
      fc.property(times, (values) => {
        const read = histogramOf(values).percentiles()!;
        for (const [name, percent] of Object.entries(SHARES)) {
          const expected = exact(values, percent);
          expect(Math.abs(read[name as keyof typeof SHARES] / expected - 1)).toBeLessThanOrEqual(0.01);
        }
      }),
    );
  });

  it('merged from parts is what it would be as a whole', () => {
    fc.assert(
      fc.property(fc.array(times, { minLength: 1, maxLength: 6 }), (parts) => {
        const merged = new KpiHistogram();
        for (const part of parts) merged.merge(histogramOf(part));
        const whole = histogramOf(parts.flat());
        expect([...merged.buckets()]).toEqual([...whole.buckets()]);
        expect(merged.percentiles()).toEqual(whole.percentiles());
      }),
    );
  });

  it('takes what no clock should give for the nearest it knows, and says nothing of nothing', () => {
    expect(new KpiHistogram().percentiles()).toBeUndefined();
    expect(histogramOf([-5]).percentiles()).toEqual({ count: 1, p50: 0, p95: 0, p99: 0 });
    expect(histogramOf([Infinity]).percentiles()?.p50).toBe(2_592_000_000);
  });
});
