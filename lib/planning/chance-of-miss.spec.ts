import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chanceOfMiss } from './chance-of-miss.js';

describe('chanceOfMiss', () => {
  it('is the tail of a log-normal latency', () => {
    // 1.96 standard deviations up: one in forty.
    const sigma = 0.3;
    const p95 = 400 * Math.exp(1.645 * sigma);
    expect(chanceOfMiss(400, 400, p95, 400 * Math.exp(1.96 * sigma))).toBeCloseTo(0.025, 4);
    expect(chanceOfMiss(400, 400, p95, 400 * Math.exp(3.09 * sigma))).toBeCloseTo(0.001, 4);
  });

  it('is between nothing and its most, and never less for more latency', () => {
    const ms = fc.integer({ min: 1, max: 100_000 });
    const maybe = fc.option(ms, { nil: undefined });
    fc.assert(
      fc.property(ms, fc.nat(50_000), maybe, maybe, ms, (low, more, usual, p95, targetMs) => {
        const chance = chanceOfMiss(low, usual, p95, targetMs);
        expect(chance).toBeGreaterThanOrEqual(0);
        expect(chance).toBeLessThanOrEqual(0.04);
        expect(chanceOfMiss(low + more, usual, p95, targetMs)).toBeGreaterThanOrEqual(chance - 1e-7);
      }),
    );
  });

  it('is its most for one that usually misses', () => {
    expect(chanceOfMiss(2_000, 2_000, 2_500, 1_500)).toBe(0.04);
  });
});
