import { describe, expect, it } from 'vitest';
import { DailySpending } from './daily-spending.js';

describe('DailySpending', () => {
  it('keeps no more than a day may cost, and begins anew with the next', () => {
    let nowMs = 10 * 86_400_000;
    const spending = new DailySpending(() => nowMs);
    expect(spending.keep(0.6, 1)).toBe(true);
    expect(spending.keep(0.5, 1)).toBe(false);
    expect(spending.keep(0.4, 1)).toBe(true);
    spending.settle(0.6, 0.1);
    expect(spending.keep(0.5, 1)).toBe(true);
    expect(spending.keep(0.01, 1)).toBe(false);
    nowMs += 86_400_000;
    expect(spending.keep(1, 1)).toBe(true);
    // What was kept yesterday is none of today's.
    spending.settle(2, 0);
    expect(spending.keep(1, 1)).toBe(true);
  });
});
