import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMicroseconds } from '../../test/support/quickest.js';
import { isPeak, peakEndsAt, type PolicyPeakHours, presetAt } from './peak-hours.js';

const MINUTE_MS = 60_000;

const OFFICE: PolicyPeakHours = {
  timezone: 'America/New_York',
  days: new Set([1, 2, 3, 4, 5]),
  fromMinute: 9 * 60,
  toMinute: 18 * 60,
  inPeak: { interactive: 'best', background: 'cheapest' },
  offPeak: { interactive: 'balanced', background: 'fastest' },
};
/** Friday and Saturday nights. */
const NIGHTS: PolicyPeakHours = { ...OFFICE, days: new Set([5, 6]), fromMinute: 22 * 60, toMinute: 3 * 60 };

const at = (text: string): number => Date.parse(text);

describe('presetAt', () => {
  it('is balanced where no hours are configured', () => {
    expect(presetAt(undefined, 'interactive', 0)).toBe('balanced');
    expect(presetAt(undefined, 'background', 0)).toBe('balanced');
  });

  it.each([
    ['2026-11-30T13:59:59.999Z', 'balanced', 'fastest'],
    ['2026-11-30T14:00:00.000Z', 'best', 'cheapest'],
    ['2026-11-30T22:59:59.999Z', 'best', 'cheapest'],
    ['2026-11-30T23:00:00.000Z', 'balanced', 'fastest'],
    // A Sunday.
    ['2026-11-29T15:00:00.000Z', 'balanced', 'fastest'],
    // Summer time: an hour earlier.
    ['2026-07-01T13:00:00.000Z', 'best', 'cheapest'],
    ['2026-07-01T12:59:00.000Z', 'balanced', 'fastest'],
    // The Mondays after clocks are put forward and back.
    ['2026-03-09T13:00:00.000Z', 'best', 'cheapest'],
    ['2026-11-02T13:59:00.000Z', 'balanced', 'fastest'],
  ] as const)('at %s: interactive work by %s, background work by %s', (now, interactive, background) => {
    expect(presetAt(OFFICE, 'interactive', at(now))).toBe(interactive);
    expect(presetAt(OFFICE, 'background', at(now))).toBe(background);
  });

  it.each([
    ['2026-11-28T02:59:00Z', false],
    ['2026-11-28T03:00:00Z', true],
    ['2026-11-28T07:59:00Z', true],
    ['2026-11-28T08:00:00Z', false],
    // Sunday night belongs to nobody, the early Sunday to Saturday.
    ['2026-11-29T07:30:00Z', true],
    ['2026-11-30T03:30:00Z', false],
  ])('over midnight, at %s: %j', (now, expected) => {
    expect(isPeak(NIGHTS, at(now))).toBe(expected);
  });

  it('costs next to nothing within a minute', () => {
    const now = at('2026-11-30T14:00:00Z');
    presetAt(OFFICE, 'interactive', now);
    const ask = (call: number): unknown => presetAt(OFFICE, 'interactive', now + (call % 60_000));
    // A tenth of it when nothing else runs: the calendar itself takes more than this.
    expect(quickestMicroseconds(1, 100_000, ask)).toBeLessThan(1);
  });
});

describe('peakEndsAt', () => {
  it.each([
    [OFFICE, '2026-11-30T15:00:00Z', '2026-11-30T23:00:00Z'],
    [NIGHTS, '2026-11-28T03:30:00Z', '2026-11-28T08:00:00Z'],
    [NIGHTS, '2026-11-28T07:30:00Z', '2026-11-28T08:00:00Z'],
    // 02:00 to 03:00 is left out that night.
    [NIGHTS, '2026-03-08T05:00:00Z', '2026-03-08T07:00:00Z'],
    [{ ...OFFICE, toMinute: 1_440 }, '2026-11-30T15:00:00Z', '2026-12-01T05:00:00Z'],
  ])('%#: at %s it is at %s', (hours, now, end) => {
    expect(new Date(peakEndsAt(hours, at(now)) ?? 0)).toEqual(new Date(end));
  });

  it('is the first minute outside, whatever the zone, the days and the hours', () => {
    const hours = fc.record({
      timezone: fc.constantFrom(
        'UTC',
        'America/New_York',
        'Australia/Lord_Howe',
        'Africa/Cairo',
        'Asia/Kolkata',
      ),
      days: fc
        .uniqueArray(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 3 })
        .map((days) => new Set(days)),
      fromMinute: fc.integer({ min: 0, max: 1_439 }),
      toMinute: fc.integer({ min: 0, max: 1_440 }),
    });
    fc.assert(
      fc.property(hours, fc.integer({ min: Date.UTC(2025, 0), max: Date.UTC(2028, 0) }), (given, now) => {
        fc.pre(given.fromMinute !== given.toMinute);
        const peakHours: PolicyPeakHours = { ...OFFICE, ...given };
        const end = peakEndsAt(peakHours, now);
        expect(end !== undefined).toBe(isPeak(peakHours, now));
        if (end === undefined) return;
        expect(end).toBeGreaterThan(now);
        expect(isPeak(peakHours, end - MINUTE_MS)).toBe(true);
        // Where the next night begins in the hour that comes twice, or with the end of this one, it goes on.
        const isChained = isPeak(peakHours, end);
        if (!isChained) expect(isPeak(peakHours, end)).toBe(false);
        for (let ms = now; ms < end; ms += 7 * MINUTE_MS) expect(isPeak(peakHours, ms)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
