import { instantOf, localTimeAt } from './local-time.js';

/**
 * How long a budget lasts.
 *
 * @publicApi
 */
export type PeriodLength = 'day' | 'month';

/** A day or a month of a zone's calendar. */
export interface Period {
  /** `2026-11-30`, `2026-11`. */
  readonly name: string;
  readonly startsAtMs: number;
  /** The first instant of the next one. */
  readonly endsAtMs: number;
}

/** The day or month of a zone's calendar that an instant is in. Days of 23 and 25 hours have their own length. */
export function periodAt(timezone: string, length: PeriodLength, epochMs: number): Period {
  const { year, month, day } = localTimeAt(timezone, epochMs);
  const firstDay = length === 'day' ? day : 1;
  const start = { year, month, day: firstDay, minuteOfDay: 0 };
  const end = length === 'day' ? { ...start, day: day + 1 } : { ...start, month: month + 1 };
  const monthName = `${year}-${String(month).padStart(2, '0')}`;
  return {
    name: length === 'day' ? `${monthName}-${String(day).padStart(2, '0')}` : monthName,
    startsAtMs: instantOf(timezone, start),
    endsAtMs: instantOf(timezone, end),
  };
}
