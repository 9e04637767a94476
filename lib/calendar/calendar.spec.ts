import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instantOf, isTimezone, localTimeAt, periodAt } from './index.js';

const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'Pacific/Apia',
  'America/Santiago',
];
const HOUR_MS = 3_600_000;
const instant = fc.integer({ min: Date.UTC(2010, 0), max: Date.UTC(2035, 0) });

const at = (text: string): number => Date.parse(text);

describe('periodAt', () => {
  it.each([
    ['UTC', 'day', '2026-11-30T23:59:59.999Z', '2026-11-30', '2026-11-30T00:00Z', '2026-12-01T00:00Z'],
    ['UTC', 'month', '2024-02-29T12:00Z', '2024-02', '2024-02-01T00:00Z', '2024-03-01T00:00Z'],
    ['UTC', 'month', '2026-12-31T23:00Z', '2026-12', '2026-12-01T00:00Z', '2027-01-01T00:00Z'],
    ['America/New_York', 'day', '2026-12-01T04:59Z', '2026-11-30', '2026-11-30T05:00Z', '2026-12-01T05:00Z'],
    // Put forward on 8 March and back on 1 November 2026: days of 23 and 25 hours.
    ['America/New_York', 'day', '2026-03-08T12:00Z', '2026-03-08', '2026-03-08T05:00Z', '2026-03-09T04:00Z'],
    ['America/New_York', 'day', '2026-11-01T12:00Z', '2026-11-01', '2026-11-01T04:00Z', '2026-11-02T05:00Z'],
    ['America/New_York', 'month', '2026-03-20T12:00Z', '2026-03', '2026-03-01T05:00Z', '2026-04-01T04:00Z'],
    // Put forward at midnight: the day begins at one.
    ['Africa/Cairo', 'day', '2026-04-24T12:00Z', '2026-04-24', '2026-04-23T22:00Z', '2026-04-24T21:00Z'],
    // The 30th of December 2011 was left out.
    ['Pacific/Apia', 'day', '2011-12-29T20:00Z', '2011-12-29', '2011-12-29T10:00Z', '2011-12-30T10:00Z'],
    ['Asia/Kolkata', 'month', '2026-11-30T18:29Z', '2026-11', '2026-10-31T18:30Z', '2026-11-30T18:30Z'],
  ] as const)('in %s, the %s of %s is %s', (zone, length, now, name, from, to) => {
    expect(periodAt(zone, length, at(now))).toEqual({ name, startsAtMs: at(from), endsAtMs: at(to) });
  });

  it('holds its instant, follows on the one before, and is one of as many as there are names', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom('day', 'month'),
        instant,
        (zone, length, now) => {
          const period = periodAt(zone, length, now);
          expect(period.startsAtMs).toBeLessThanOrEqual(now);
          expect(period.endsAtMs).toBeGreaterThan(now);
          expect(periodAt(zone, length, period.startsAtMs)).toEqual(period);
          expect(periodAt(zone, length, period.endsAtMs - 1)).toEqual(period);
          const next = periodAt(zone, length, period.endsAtMs);
          expect(next.startsAtMs).toBe(period.endsAtMs);
          expect(next.name > period.name).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('localTimeAt and instantOf', () => {
  it('are each other’s inverse, but for the hour that comes twice', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), instant, (zone, now) => {
        const minute = Math.floor(now / 60_000) * 60_000;
        const found = instantOf(zone, localTimeAt(zone, minute));
        expect([minute, minute - HOUR_MS, minute - HOUR_MS / 2]).toContain(found);
        expect(localTimeAt(zone, found)).toEqual(localTimeAt(zone, minute));
      }),
      { numRuns: 500 },
    );
  });

  it('take the first of two hours', () => {
    const twice = { year: 2026, month: 11, day: 1, minuteOfDay: 90 };
    expect(instantOf('America/New_York', twice)).toBe(at('2026-11-01T05:30Z'));
    expect(localTimeAt('America/New_York', at('2026-11-01T06:30Z'))).toMatchObject({ minuteOfDay: 90 });
  });

  it('take the moment that clocks are put forward for a time that none shows', () => {
    const missing = { year: 2026, month: 3, day: 8, minuteOfDay: 2 * 60 + 30 };
    expect(instantOf('America/New_York', missing)).toBe(at('2026-03-08T07:00Z'));
    expect(localTimeAt('America/New_York', at('2026-03-08T07:00Z'))).toMatchObject({
      minuteOfDay: 180,
      weekday: 0,
    });
  });
});

describe('isTimezone', () => {
  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires'])('knows %s', (name) => {
    expect(isTimezone(name)).toBe(true);
  });

  it.each(['', 'Mars/Olympus', 5, undefined, 'x'.repeat(1_000)])('does not know %j', (name) => {
    expect(isTimezone(name)).toBe(false);
  });
});
