import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MinuteUsage } from './minute-usage.js';

const NO_TOKENS = { tokensPerMinute: undefined };

describe('MinuteUsage', () => {
  it('never lets more through in any minute than the limit, and is free again when it says so', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.integer({ min: 0, max: 12_000 }), { minLength: 1, maxLength: 80 }),
        (requestsPerMinute, gapsMs) => {
          const usage = new MinuteUsage();
          const limits = { requestsPerMinute, ...NO_TOKENS };
          const sentMs: number[] = [];
          let nowMs = 1_000_000;
          for (const gapMs of gapsMs) {
            nowMs += gapMs;
            const freeAtMs = usage.freeAtMs(limits, nowMs);
            if (freeAtMs > nowMs) {
              expect(freeAtMs - nowMs).toBeLessThanOrEqual(60_000);
              expect(usage.freeAtMs(limits, freeAtMs)).toBeLessThanOrEqual(freeAtMs);
              nowMs = freeAtMs;
            }
            usage.add(1, 0, nowMs);
            sentMs.push(nowMs);
            // A minute, less the step in which it is counted.
            const recent = sentMs.filter((at) => nowMs - at < 55_000).length;
            expect(recent).toBeLessThanOrEqual(requestsPerMinute);
          }
        },
      ),
    );
  });

  it('counts tokens apart from requests', () => {
    const usage = new MinuteUsage();
    usage.add(1, 900, 100_000);
    expect(usage.freeAtMs({ requestsPerMinute: undefined, tokensPerMinute: 1_000 }, 100_000)).toBe(0);
    usage.add(0, 100, 101_000);
    expect(usage.freeAtMs({ requestsPerMinute: undefined, tokensPerMinute: 1_000 }, 101_000)).toBe(160_000);
    expect(usage.freeAtMs({ requestsPerMinute: 2, ...NO_TOKENS }, 101_000)).toBe(0);
  });

  it('is free where there is no limit', () => {
    const usage = new MinuteUsage();
    usage.add(1_000, 1_000_000, 5_000);
    expect(usage.freeAtMs({ requestsPerMinute: undefined, ...NO_TOKENS }, 5_000)).toBe(0);
  });
});
