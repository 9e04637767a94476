import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findMoveOn } from './find-move-on.js';
import { findSecondCopy, type PaceBeside } from './find-second-copy.js';

const STREAM: PaceBeside = {
  targetMs: 2_000,
  streamed: true,
  usualMs: 800,
  usualP95Ms: 1_700,
  nextUsualP95Ms: 900,
  nextExpectedMs: 600,
  isTrial: false,
};

describe('the moment for a second copy', () => {
  it.each<[string, Partial<PaceBeside>, number | undefined]>([
    ['while the next will likely be in time, where most waits are over by then', {}, 1_310],
    [
      'that to move on where the next would only be in time beside calls that are in time themselves',
      { nextUsualP95Ms: 1_400, nextExpectedMs: 1_000 },
      2_000,
    ],
    [
      'that to move on where many take so long and hardly one takes longer',
      { usualMs: 1_300, usualP95Ms: 1_500 },
      1_800,
    ],
    ['that to move on where its spread is not known', { usualMs: undefined }, 2_000],
    ['that to move on where that is earlier', { usualMs: 250, usualP95Ms: 400 }, 1_100],
    ['that to move on of a whole answer: its copy would be paid for whole', { streamed: false }, 2_000],
    ['that to move on where nothing is known of it', { usualP95Ms: undefined }, 2_000],
    [
      'that to move on where none comes after it',
      { nextUsualP95Ms: undefined, nextExpectedMs: undefined },
      2_000,
    ],
    ['none without a target', { targetMs: undefined }, undefined],
    ['early enough for the next where it is only tried out', { isTrial: true }, 1_100],
    [
      'that to move on where it is tried out and unknown, or it would stay so',
      { isTrial: true, usualP95Ms: undefined },
      2_000,
    ],
    ['a quarter of the target at least', { isTrial: true, nextUsualP95Ms: 1_900 }, 500],
    [
      'that to move on where it is tried out and nothing is known of the next',
      { isTrial: true, nextUsualP95Ms: undefined, nextExpectedMs: undefined },
      2_000,
    ],
  ])('is %s', (_what, pace, expected) => {
    expect(findSecondCopy({ ...STREAM, ...pace })).toBe(expected);
  });

  it('is never after the moment to move on, and joins no more than 15 of 100 but of one that is tried out', () => {
    const ms = fc.double({ min: 1, max: 60_000, noNaN: true });
    const maybe = fc.option(ms, { nil: undefined });
    const pace: fc.Arbitrary<PaceBeside> = fc.record({
      targetMs: maybe,
      streamed: fc.boolean(),
      usualMs: maybe,
      usualP95Ms: maybe,
      nextUsualP95Ms: maybe,
      nextExpectedMs: maybe,
      isTrial: fc.boolean(),
    });
    fc.assert(
      fc.property(pace, (drawn) => {
        const moveOn = findMoveOn(drawn);
        const second = findSecondCopy(drawn);
        expect(second === undefined).toBe(moveOn === undefined);
        if (second === undefined || moveOn === undefined) return;
        expect(second).toBeGreaterThan(0);
        expect(second).toBeLessThanOrEqual(moveOn);
        if (!drawn.streamed) expect(second).toBe(moveOn);
        const { usualP95Ms = 0, usualMs = 0 } = drawn;
        if (drawn.isTrial || usualMs === 0 || usualMs >= usualP95Ms) return;
        // z of a log-normal wait of that length.
        const sigma = Math.log(usualP95Ms / usualMs) / 1.645;
        expect(Math.log(second / usualMs) / sigma).toBeGreaterThan(1.03);
      }),
    );
  });
});
