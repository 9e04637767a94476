import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RollingCounts } from './rolling-counts.js';

const WINDOW_MS = 10_000;
const SLICE_MS = 1_000;

describe('RollingCounts', () => {
  it('holds what is in the last ten slices, whatever the gaps', () => {
    const gaps = fc.array(fc.record({ gapMs: fc.nat(25_000), column: fc.nat(2) }), { maxLength: 80 });
    fc.assert(
      fc.property(gaps, fc.nat(1e9), (added, startMs) => {
        const counts = new RollingCounts(WINDOW_MS, 3);
        const samples: { slice: number; column: number }[] = [];
        let nowMs = startMs;
        for (const { gapMs, column } of added) {
          nowMs += gapMs;
          counts.add(nowMs, column);
          const slice = Math.floor(nowMs / SLICE_MS);
          samples.push({ slice, column });
          const inWindow = samples.filter((sample) => sample.slice > slice - 10);
          expect([...counts.read(nowMs)]).toEqual(
            [0, 1, 2].map((wanted) => inWindow.filter((sample) => sample.column === wanted).length),
          );
        }
      }),
    );
  });

  it('is empty after a whole window of silence', () => {
    const counts = new RollingCounts(WINDOW_MS, 1);
    counts.add(0, 0);
    expect(counts.read(9_999)[0]).toBe(1);
    expect(counts.read(10_000)[0]).toBe(0);
  });

  it('takes back what still stands in the window, and nothing else', () => {
    const counts = new RollingCounts(WINDOW_MS, 2);
    counts.add(0, 0);
    counts.add(0, 1, 40);
    counts.add(5_000, 0);
    counts.add(5_000, 1, 7);
    const takeBack = (nowMs: number, atMs: number, amount: number): number[] => {
      counts.takeBack(nowMs, atMs, [1, amount]);
      return [...counts.read(nowMs)];
    };
    expect(takeBack(6_000, 5_999, 8)).toEqual([2, 47]);
    expect(takeBack(6_000, 4_000, 7)).toEqual([2, 47]);
    expect(takeBack(6_000, 9_000, 7)).toEqual([2, 47]);
    expect(takeBack(6_000, 0, 40)).toEqual([1, 7]);
    expect(takeBack(6_000, 0, 40)).toEqual([1, 7]);
    expect(takeBack(12_000, 2_000, 0)).toEqual([1, 7]);
    expect(takeBack(16_000, 5_000, 7)).toEqual([0, 0]);
  });

  it('survives a clock that is set back', () => {
    const counts = new RollingCounts(WINDOW_MS, 1);
    counts.add(100_000, 0);
    counts.add(97_000, 0);
    expect(counts.read(97_000)[0]).toBe(2);
    counts.add(50_000, 0);
    expect(counts.read(50_000)[0]).toBe(1);
    expect(counts.read(60_000)[0]).toBe(0);
  });
});
