import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { p95, summariseRecent } from './recent-calls.js';

describe('p95', () => {
  it('is the smallest value that 95 % do not exceed', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 300 }), (values) => {
        const found = p95(values);
        const share = (limit: number): number =>
          values.filter((value) => value <= limit).length / values.length;
        expect(values).toContain(found);
        expect(share(found ?? Number.NaN)).toBeGreaterThanOrEqual(0.95);
        const smaller = values.filter((value) => value < (found ?? 0));
        if (smaller.length > 0) expect(share(Math.max(...smaller))).toBeLessThan(0.95);
      }),
    );
  });

  it('leaves out what is not known, and is undefined of nothing', () => {
    expect(p95([])).toBeUndefined();
    expect(p95([undefined])).toBeUndefined();
    expect(p95([undefined, 7, undefined])).toBe(7);
  });
});

describe('summariseRecent', () => {
  it('keeps answers and first tokens apart', () => {
    expect(
      summariseRecent([
        { isError: false, latencyMs: 900, timeToFirstTokenMs: undefined },
        { isError: false, latencyMs: undefined, timeToFirstTokenMs: 80 },
        { isError: true, latencyMs: undefined, timeToFirstTokenMs: undefined },
        { isError: true, latencyMs: undefined, timeToFirstTokenMs: undefined },
      ]),
    ).toEqual({ calls: 4, errorRate: 0.5, p95LatencyMs: 900, p95TimeToFirstTokenMs: 80 });
  });

  it('has no error rate to fear without calls', () => {
    expect(summariseRecent([])).toMatchObject({ calls: 0, errorRate: 0, p95LatencyMs: undefined });
  });
});
