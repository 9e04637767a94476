import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptySurface } from './compile-surface.js';
import { tightenSurface } from './tighten-surface.js';

const bound = (max: number): fc.Arbitrary<number | undefined> =>
  fc.option(fc.integer({ min: 1, max }), { nil: undefined });
const limits = fc.record({
  qualityFloor: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  safetyFloor: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
  latencySloMs: bound(60_000),
  maxCostPerRequest: bound(10),
  maxOutputTokens: bound(100_000),
});

describe('tightenSurface', () => {
  it('never lowers a floor nor raises a cap, whoever set it', () => {
    fc.assert(
      fc.property(limits, limits, (own, by) => {
        const tightened = tightenSurface({ ...emptySurface('support'), ...own }, by);
        for (const floor of ['qualityFloor', 'safetyFloor'] as const) {
          for (const said of [own[floor], by[floor]]) {
            if (said !== undefined) expect(tightened[floor]).toBeGreaterThanOrEqual(said);
          }
        }
        for (const cap of ['latencySloMs', 'maxCostPerRequest', 'maxOutputTokens'] as const) {
          for (const said of [own[cap], by[cap]]) {
            if (said !== undefined) expect(tightened[cap]).toBeLessThanOrEqual(said);
          }
        }
      }),
    );
  });

  it('sets nothing that neither said', () => {
    const surface = emptySurface('support');
    expect(tightenSurface(surface, {})).toBe(surface);
    expect(tightenSurface(surface, { qualityFloor: 0.5 })).toEqual({ ...surface, qualityFloor: 0.5 });
  });
});
