import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findMoveOn, type PaceOfAttempt } from './find-move-on.js';

const STREAM: PaceOfAttempt = {
  targetMs: 2_000,
  streamed: true,
  usualP95Ms: undefined,
  nextUsualP95Ms: undefined,
};

describe('the moment to move on', () => {
  it.each<[string, Partial<PaceOfAttempt>, number | undefined]>([
    ['the target where nothing is known', {}, 2_000],
    ['the target where only the next is known', { nextUsualP95Ms: 300 }, 2_000],
    ['early enough that the next keeps the target', { usualP95Ms: 400, nextUsualP95Ms: 600 }, 1_400],
    ['half the target where nothing is known of the next', { usualP95Ms: 400 }, 1_000],
    [
      'the target where a wait is hardly unusual before it',
      { usualP95Ms: 1_700, nextUsualP95Ms: 600 },
      2_000,
    ],
    [
      'later than the target where it usually takes longer',
      { usualP95Ms: 4_000, nextUsualP95Ms: 600 },
      4_400,
    ],
    [
      'not before the usual where the next is too slow for the target',
      { usualP95Ms: 400, nextUsualP95Ms: 9_000 },
      480,
    ],
    ['none of a stream without a target', { targetMs: undefined, usualP95Ms: 400 }, undefined],
    ['none of a whole answer of which nothing is known', { targetMs: undefined, streamed: false }, undefined],
    [
      'twice the usual for a whole answer without a target',
      { targetMs: undefined, streamed: false, usualP95Ms: 6_000 },
      12_000,
    ],
    [
      'three seconds at least for a whole answer without a target',
      { targetMs: undefined, streamed: false, usualP95Ms: 300 },
      3_000,
    ],
  ])('is %s', (_what, pace, expected) => {
    expect(findMoveOn({ ...STREAM, ...pace })).toBe(expected);
  });

  it('is a whole number, never before what is usual, and never over the target for a deployment that keeps it', () => {
    const ms = fc.double({ min: 1, max: 60_000, noNaN: true });
    const maybe = fc.option(ms, { nil: undefined });
    fc.assert(
      fc.property(ms, fc.boolean(), maybe, maybe, (targetMs, streamed, usualP95Ms, nextUsualP95Ms) => {
        const moveOn = findMoveOn({ targetMs, streamed, usualP95Ms, nextUsualP95Ms });
        expect(moveOn).toBeDefined();
        if (moveOn === undefined) return;
        expect(moveOn).toBeGreaterThan(0);
        if (usualP95Ms === undefined) {
          expect(moveOn).toBe(targetMs);
          return;
        }
        expect(Number.isInteger(moveOn)).toBe(true);
        expect(moveOn).toBeGreaterThanOrEqual(usualP95Ms);
        if (usualP95Ms * 1.1 <= targetMs) expect(moveOn).toBeLessThanOrEqual(Math.ceil(targetMs));
      }),
    );
  });

  it('comes no later where the next is slower', () => {
    const ms = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(ms, ms, ms, ms, (targetMs, usualP95Ms, nextUsualP95Ms, slower) => {
        const pace = { ...STREAM, targetMs, usualP95Ms };
        const later = findMoveOn({ ...pace, nextUsualP95Ms: nextUsualP95Ms + slower });
        expect(later).toBeLessThanOrEqual(findMoveOn({ ...pace, nextUsualP95Ms }) ?? 0);
      }),
    );
  });
});
