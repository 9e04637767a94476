import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PaceWatch, type UsualWaits, type Waiting } from './pace-watch.js';

const NOW = 1_000_000;
const USUAL: UsualWaits = { p95TimeToFirstTokenMs: 400, p95LatencyMs: 4_000 };

/** Calls that have waited so long by now. */
function waits(...waitedMs: readonly number[]): Waiting[] {
  return waitedMs.map((ms) => ({ startedAtMs: NOW - ms, streamed: true }));
}

describe('PaceWatch', () => {
  it('bears one overdue call, and takes two for a sign', () => {
    const pace = new PaceWatch();
    expect(pace.isSlow(waits(5_000, 100), USUAL, NOW)).toBe(false);
    expect(pace.isSlow(waits(5_000, 601), USUAL, NOW)).toBe(true);
  });

  it('takes no wait up to half over the usual for one', () => {
    expect(new PaceWatch().isSlow(waits(600, 600, 600), USUAL, NOW)).toBe(false);
  });

  it('takes none for one that nobody notices', () => {
    const usual = { p95TimeToFirstTokenMs: 20, p95LatencyMs: 20 };
    expect(new PaceWatch().isSlow(waits(250, 250), usual, NOW)).toBe(false);
    expect(new PaceWatch().isSlow(waits(251, 251), usual, NOW)).toBe(true);
  });

  it('measures whole answers by their own usual time', () => {
    const whole = waits(5_000, 5_000).map((call) => ({ ...call, streamed: false }));
    expect(new PaceWatch().isSlow(whole, USUAL, NOW)).toBe(false);
    expect(new PaceWatch().isSlow(whole, { ...USUAL, p95LatencyMs: 3_000 }, NOW)).toBe(true);
  });

  it('knows nothing where nothing is usual yet', () => {
    const unknown = { p95TimeToFirstTokenMs: undefined, p95LatencyMs: undefined };
    expect(new PaceWatch().isSlow(waits(60_000, 60_000), unknown, NOW)).toBe(false);
  });

  it('is refuted by as many answers to calls sent later: a slow tail is overtaken', () => {
    const pace = new PaceWatch();
    pace.answered(NOW - 1_000);
    expect(pace.isSlow(waits(2_000, 1_500), USUAL, NOW)).toBe(true);
    pace.answered(NOW - 1_200);
    expect(pace.isSlow(waits(2_000, 1_500), USUAL, NOW)).toBe(false);
    // A third one stands against two.
    expect(pace.isSlow(waits(2_000, 1_500, 1_400), USUAL, NOW)).toBe(true);
  });

  it('is not refuted by answers to calls sent before', () => {
    const pace = new PaceWatch();
    for (let index = 0; index < 50; index += 1) pace.answered(NOW - 2_000);
    expect(pace.isSlow(waits(2_000, 1_500), USUAL, NOW)).toBe(true);
  });

  it('counts calls given up on, as long as they are news', () => {
    const pace = new PaceWatch();
    pace.givenUp(NOW - 900, NOW);
    expect(pace.isSlow([], USUAL, NOW)).toBe(false);
    pace.givenUp(NOW - 800, NOW);
    expect(pace.isSlow([], USUAL, NOW)).toBe(true);
    expect(pace.isSlow([], USUAL, NOW + 9_100)).toBe(true);
    expect(pace.isSlow([], USUAL, NOW + 9_201)).toBe(false);
  });

  it('adds the given up and the overdue', () => {
    const pace = new PaceWatch();
    pace.givenUp(NOW - 900, NOW);
    expect(pace.isSlow(waits(700), USUAL, NOW)).toBe(true);
  });

  it('never becomes slow by an answer, nor well by a call that waits longer', () => {
    const call = fc.integer({ min: 0, max: 3_000 });
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 12 }),
        fc.array(call, { maxLength: 12 }),
        fc.array(call, { maxLength: 80, size: 'max' }),
        call,
        (overdue, givenUp, answered, more) => {
          const watch = (): PaceWatch => {
            const pace = new PaceWatch();
            for (const ms of answered) pace.answered(NOW - ms);
            for (const ms of givenUp) pace.givenUp(NOW - ms, NOW);
            return pace;
          };
          const isSlow = watch().isSlow(waits(...overdue), USUAL, NOW);
          if (!isSlow && answered.length < 64) {
            const pace = watch();
            pace.answered(NOW - more);
            expect(pace.isSlow(waits(...overdue), USUAL, NOW)).toBe(false);
          }
          if (isSlow) {
            // At the time of the newest that is told of: no answer comes to stand behind it.
            const newest = Math.min(...overdue.filter((ms) => ms > 600), ...givenUp);
            expect(watch().isSlow(waits(...overdue, Math.max(newest, 601)), USUAL, NOW)).toBe(true);
          }
        },
      ),
    );
  });
});
