import { describe, expect, it } from 'vitest';
import { apgr, apgrBetterment, cpt } from './routing-measures.js';

describe('routing measures', () => {
  // PGR by share sent: 0, 1/2, 1, 1, 1.
  const gains = [0, 1, 0, 1];

  it('rewards an order that sends first what gains', () => {
    expect(apgr([0, 2, 0, 1], gains)).toBeCloseTo((0.25 + 0.75 + 1 + 1) / 4);
    expect(cpt([0, 2, 0, 1], gains, 0.5)).toBe(0.25);
    expect(cpt([0, 2, 0, 1], gains, 0.8)).toBe(0.5);
    expect(apgr([2, 0, 1, -1], gains)).toBeCloseTo((0 + 0 + 0.25 + 0.75) / 4);
  });

  it('gives one half to what tells nothing apart, wherever the rows stand', () => {
    expect(apgr([3, 3, 3, 3], gains)).toBeCloseTo(0.5);
    expect(apgr([3, 3, 3, 3], [1, 1, 0, 0])).toBeCloseTo(0.5);
  });

  it('lets a loss count against', () => {
    expect(apgr([3, 2, 1], [-1, 1, 1])).toBeCloseTo((-0.5 - 0.5 + 0.5) / 3);
  });

  it('is undefined where there is nothing to gain', () => {
    expect(apgr([1, 2], [0, 0])).toBeUndefined();
    expect(cpt([1, 2], [1, -1], 0.5)).toBeUndefined();
    expect(apgr([], [])).toBeUndefined();
  });

  it('tells the difference of two rankings, and how much of it may be chance', () => {
    const [better, base] = [
      [0, 2, 0, 1],
      [2, 0, 1, 1],
    ];
    const { difference, standardError } = apgrBetterment(better, base, gains);
    expect(difference).toBeCloseTo((apgr(better, gains) ?? 0) - (apgr(base, gains) ?? 0));
    const often = <Value>(values: readonly Value[]): Value[] =>
      Array.from({ length: 25 }, () => values).flat();
    const many = apgrBetterment(often(better), often(base), often(gains));
    expect(many.difference).toBeCloseTo(difference, 1);
    // A hundred rows for four: a fifth of the error.
    expect(many.standardError).toBeCloseTo(standardError / 5, 1);
    expect(apgrBetterment(base, base, gains)).toEqual({ difference: 0, standardError: 0 });
  });
});
