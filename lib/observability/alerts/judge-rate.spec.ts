import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AlertBasis, burnLimit, FAST_BURN, judgeRate, type RateWindow } from './judge-rate.js';
import { lowerBound, normalQuantile, upperBound } from './wilson-bound.js';

const LIMITS = { limit: 0.02, minRequests: 300, z: normalQuantile(0.99) };
const EMPTY: RateWindow = { total: 0, bad: 0, passedOver: 0, goodRun: 0 };

const windows = fc
  .record({
    total: fc.nat(5_000),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    passedOver: fc.nat(500),
    goodRun: fc.nat(500),
  })
  .map(({ share, ...rest }): RateWindow => ({ ...rest, bad: Math.floor(rest.total * share) }));
const bases = fc.constantFrom<AlertBasis | undefined>('fast', 'slow', undefined);
const RANK = { well: 0, standing: 1, warning: 2, critical: 3 };

describe('judgeRate', () => {
  it('is never milder where one more has failed', () => {
    fc.assert(
      fc.property(windows, windows, bases, (fast, slow, basis) => {
        fc.pre(fast.bad < fast.total && slow.bad < slow.total);
        const before = judgeRate(fast, slow, LIMITS, basis).state;
        const after = judgeRate(
          { ...fast, bad: fast.bad + 1, goodRun: 0 },
          { ...slow, bad: slow.bad + 1 },
          LIMITS,
          basis,
        ).state;
        expect(RANK[after]).toBeGreaterThanOrEqual(RANK[before]);
      }),
    );
  });

  it('raises nothing at or under the limit, nor on too little', () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.nat(5_000), windows, (total, bad, slow) => {
        const fast = { ...EMPTY, total, bad: Math.min(bad, Math.floor(total * LIMITS.limit)) };
        expect(RANK[judgeRate(fast, slow, LIMITS, undefined).state]).toBeLessThan(RANK.warning);
        const few = { ...EMPTY, total: total % 300, bad: total % 300 };
        expect(RANK[judgeRate(few, few, LIMITS, undefined).state]).toBeLessThan(RANK.warning);
      }),
    );
  });

  it('has hysteresis: nothing is raised and well at a time, and between them the alert stands', () => {
    const at = (bad: number): string =>
      judgeRate({ ...EMPTY, total: 10_000, bad }, EMPTY, LIMITS, 'fast').state;
    expect([at(0), at(100), at(101), at(200), at(232), at(240)]).toEqual([
      'well',
      'well',
      'standing',
      'standing',
      'standing',
      'warning',
    ]);
    expect([at(2_900), at(3_000)]).toEqual(['warning', 'critical']);
  });

  it('is well where nothing is left, unless that is because it is passed over', () => {
    const before: RateWindow = { ...EMPTY, total: 400, bad: 100 };
    expect(judgeRate(EMPTY, before, LIMITS, 'fast').state).toBe('well');
    expect(judgeRate({ ...EMPTY, passedOver: 1 }, before, LIMITS, 'fast').state).toBe('standing');
    // Nothing bad is known any more, and it may be that nobody will ever try it as long as the alert stands.
    expect(judgeRate({ ...EMPTY, passedOver: 1 }, { ...EMPTY, passedOver: 9 }, LIMITS, 'fast').state).toBe(
      'well',
    );
  });

  it.each([
    ['2 %: it does not fail 28.8 % of its calls', 0.02, 14],
    ['1 %: nor 14.4 %', 0.01, 33],
    ['0.01 %: no more than the least traffic', 0.0001, 300],
    ['50 %: five at least', 0.5, 5],
  ])('is well while it is passed over once enough calls in a row were, at %s', (_, limit, enough) => {
    const at = (goodRun: number): string => {
      const fast = { total: 8, bad: 0, passedOver: 392, goodRun };
      return judgeRate(fast, { ...fast, total: 400, bad: 300 }, { ...LIMITS, limit }, 'fast').state;
    };
    expect([at(enough - 1), at(enough)]).toEqual(['standing', 'well']);
  });

  it('has a critical limit that can be exceeded, whatever the limit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.000_001, max: 0.999, noNaN: true }), (limit) => {
        expect(burnLimit(limit, FAST_BURN)).toBeGreaterThan(limit);
        expect(burnLimit(limit, FAST_BURN)).toBeLessThan(1);
      }),
    );
  });
});

describe("Wilson's bounds", () => {
  it('lie on either side of what was seen, and close in with more of it', () => {
    const shares = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(shares, fc.integer({ min: 1, max: 1e6 }), (share, count) => {
        const z = LIMITS.z;
        expect(lowerBound(share, count, z)).toBeLessThanOrEqual(share + 1e-12);
        expect(upperBound(share, count, z)).toBeGreaterThanOrEqual(share - 1e-12);
        expect(lowerBound(share, count * 2, z)).toBeGreaterThanOrEqual(lowerBound(share, count, z) - 1e-12);
        expect(upperBound(share, count * 2, z)).toBeLessThanOrEqual(upperBound(share, count, z) + 1e-12);
      }),
    );
  });

  it.each([
    [0.5, 0],
    [0.9, 1.2816],
    [0.95, 1.6449],
    [0.99, 2.3263],
    [0.999, 3.0902],
  ])('know the quantile of %d', (confidence, z) => {
    expect(normalQuantile(confidence)).toBeCloseTo(z, 3);
  });

  it('are the published ones', () => {
    // 10 of 100 at 95 % on both sides: Wilson (1927), as in every textbook.
    expect(lowerBound(0.1, 100, 1.96)).toBeCloseTo(0.0552, 4);
    expect(upperBound(0.1, 100, 1.96)).toBeCloseTo(0.1744, 4);
    expect([lowerBound(0, 0, 2), upperBound(0, 0, 2)]).toEqual([0, 1]);
  });
});
