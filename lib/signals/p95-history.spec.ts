import { describe, expect, it } from 'vitest';
import { P95History } from './p95-history.js';

function fill(history: P95History, window: number, values: readonly number[]): void {
  for (const value of values) history.add(value, window * 10_000 + 5_000);
}

describe('P95History', () => {
  it('reads the last complete windows, the newest first, and not the one that runs', () => {
    const history = new P95History();
    fill(history, 1, [100, 200, 300, 400, 500]);
    fill(history, 2, [10, 20, 30, 40, 50, 60]);
    fill(history, 3, [9_000, 9_000, 9_000, 9_000, 9_000]);
    expect(history.read(35_000)).toEqual([60, 500]);
    expect(history.read(40_000)).toEqual([9_000, 60, 500]);
  });

  it('says nothing of a window with few samples', () => {
    const history = new P95History();
    fill(history, 1, [100, 100, 100, 100, 100]);
    fill(history, 2, [9_000, 9_000]);
    expect(history.read(30_000)).toEqual([undefined, 100]);
  });

  it('forgets windows that are long past', () => {
    const history = new P95History();
    fill(history, 1, [100, 100, 100, 100, 100]);
    expect(history.read(79_000)).toEqual([undefined, undefined, undefined, undefined, undefined, 100]);
    expect(history.read(80_000)).toEqual([]);
  });

  it('holds of a busy window as many samples as it needs, and no more', () => {
    const history = new P95History();
    fill(
      history,
      1,
      Array.from({ length: 10_000 }, (_, index) => index),
    );
    const [p95] = history.read(20_000);
    // Of the last 128.
    expect(p95).toBeGreaterThanOrEqual(9_872);
    expect(p95).toBeLessThanOrEqual(9_999);
  });
});
