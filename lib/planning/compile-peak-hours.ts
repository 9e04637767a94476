import { type PeakHoursOptions, WEEKDAYS } from '../config/index.js';
import type { PolicyPeakHours } from './peak-hours.js';
import type { RankingPreset } from './ranking-preset.js';
import type { ProofNotes } from './proof-notes.js';

/** The hours as numbers. */
export function compilePeakHours(
  options: PeakHoursOptions | undefined,
  /** What work is ranked by at any hour, where nothing is said of the hour. */
  atAnyHour: RankingPreset,
  notes: ProofNotes,
): PolicyPeakHours | undefined {
  if (options === undefined) return undefined;
  const { timezone, days = WEEKDAYS, from, to, interactive, background, offPeak } = options;
  const fromMinute = minuteOf(from);
  const toMinute = minuteOf(to);
  if (fromMinute === toMinute) {
    notes.error('peakHours.to', 'is the same as `from`: for whole days write from "00:00" to "24:00"');
  }
  if (from === '24:00') notes.error('peakHours.from', 'must be before the end of the day: write "00:00"');
  if (days.length === 0) notes.error('peakHours.days', 'must name a day, or be left out for all of them');
  return {
    timezone,
    days: new Set(days.map((day) => WEEKDAYS.indexOf(day))),
    fromMinute,
    toMinute,
    inPeak: { interactive, background },
    offPeak: {
      interactive: offPeak.interactive ?? atAnyHour,
      background: offPeak.background ?? atAnyHour,
    },
  };
}

function minuteOf(clockTime: string): number {
  const [hours = 0, minutes = 0] = clockTime.split(':').map(Number);
  return hours * 60 + minutes;
}
