import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chanceOfMiss } from './chance-of-miss.js';

const MANY = 1e9;

describe('chanceOfMiss', () => {
  it('is the tail of a log-normal latency', () => {
    // 1.96 standard deviations up: one in forty.
    const sigma = 0.3;
    const p95 = 400 * Math.exp(1.645 * sigma);
    expect(chanceOfMiss(400, 400, p95, MANY, 400 * Math.exp(1.96 * sigma))).toBeCloseTo(0.025, 4);
    expect(chanceOfMiss(400, 400, p95, MANY, 400 * Math.exp(3.09 * sigma))).toBeCloseTo(0.001, 4);
  });

  it('is between nothing and its most, and never less for more latency', () => {
    const ms = fc.integer({ min: 1, max: 100_000 });
    const maybe = fc.option(ms, { nil: undefined });
    fc.assert(
      fc.property(
        ms,
        fc.nat(50_000),
        maybe,
        maybe,
        fc.nat(400),
        ms,
        (low, more, usual, p95, samples, targetMs) => {
          const chance = chanceOfMiss(low, usual, p95, samples, targetMs);
          expect(chance).toBeGreaterThanOrEqual(0);
          expect(chance).toBeLessThanOrEqual(0.04);
          expect(chanceOfMiss(low + more, usual, p95, samples, targetMs)).toBeGreaterThanOrEqual(
            chance - 1e-7,
          );
        },
      ),
    );
  });

  it('takes none for steady that merely seems so: a few calls say little of the spread', () => {
    const seeming = [1, 10, 40, 400].map((samples) => chanceOfMiss(550, 550, 600, samples, 1_500));
    expect(seeming).toEqual(seeming.toSorted((first, second) => second - first));
    expect(seeming[0]).toBeGreaterThan(chanceOfMiss(450, 450, 800, MANY, 1_500));
    expect(chanceOfMiss(550, undefined, 600, 10, 1_500)).toBe(chanceOfMiss(550, 550, undefined, 10, 1_500));
  });

  it('is its most for one that usually misses', () => {
    expect(chanceOfMiss(2_000, 2_000, 2_500, MANY, 1_500)).toBe(0.04);
  });
});
