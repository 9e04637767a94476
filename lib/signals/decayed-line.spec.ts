import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DecayedLine } from './decayed-line.js';

describe('DecayedLine', () => {
  it('finds the line that samples lie on', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 0, max: 2_000 }),
        fc.array(fc.integer({ min: 1, max: 4_000 }), { minLength: 60, maxLength: 200 }),
        (slope, intercept, lengths) => {
          fc.pre(Math.max(...lengths) > Math.min(...lengths) * 4);
          const line = new DecayedLine();
          for (const length of lengths) line.add(length, intercept + slope * length);
          const read = line.read();
          // Too little spread proves no slope.
          if (read === undefined || read.slope === 0) return;
          expect(read.slope).toBeCloseTo(slope, 4);
          expect(read.meanY - read.slope * read.meanX).toBeCloseTo(intercept, 2);
        },
      ),
    );
  });

  it('never says that more takes less', () => {
    const line = new DecayedLine();
    for (let length = 1; length <= 100; length += 1) line.add(length, 10_000 - 50 * length);
    expect(line.read()?.slope).toBe(0);
  });

  it('forgets: what came last counts', () => {
    const line = new DecayedLine();
    for (let sample = 0; sample < 300; sample += 1) line.add(100 + (sample % 10) * 50, 1_000);
    for (let sample = 0; sample < 2_000; sample += 1) {
      const length = 100 + (sample % 10) * 50;
      line.add(length, 10 * length);
    }
    expect(line.read()?.slope).toBeGreaterThan(9);
  });

  it('proves nothing by few samples, nor by lengths that hardly differ', () => {
    const few = new DecayedLine();
    for (const length of [1, 100, 1_000]) few.add(length, length);
    expect(few.read()?.slope).toBe(0);
    const alike = new DecayedLine();
    for (let sample = 0; sample < 50; sample += 1) alike.add(1_000 + (sample % 2), 500 + 400 * (sample % 2));
    expect(alike.read()?.slope).toBe(0);
    expect(new DecayedLine().read()).toBeUndefined();
  });
});
