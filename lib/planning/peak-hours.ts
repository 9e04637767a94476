import { instantOf, localTimeAt } from '../calendar/index.js';
import type { Workload } from '../context/index.js';
import type { RankingPreset } from './ranking-preset.js';

const MINUTE_MS = 60_000;
const MINUTES_A_DAY = 1_440;

/** The hours in which most users work, compiled. */
export interface PolicyPeakHours {
  readonly timezone: string;
  /** On which the hours begin; 0 is Sunday. */
  readonly days: ReadonlySet<number>;
  /** Since midnight, inclusive. */
  readonly fromMinute: number;
  /** Since midnight, exclusive; under `fromMinute`: on the next day. */
  readonly toMinute: number;
  readonly inPeak: Readonly<Record<Workload, RankingPreset>>;
  readonly offPeak: Readonly<Record<Workload, RankingPreset>>;
}

interface Minute {
  readonly minute: number;
  readonly isPeak: boolean;
}

/** The calendar is asked once a minute: clocks are put forward and back between two of them. */
const minutes = new WeakMap<PolicyPeakHours, Minute>();

/** What work is ranked by at an instant. Pure: what it remembers is what it would find again. */
export function presetAt(
  peakHours: PolicyPeakHours | undefined,
  workload: Workload,
  nowMs: number,
): RankingPreset {
  if (peakHours === undefined) return 'balanced';
  return (isPeak(peakHours, nowMs) ? peakHours.inPeak : peakHours.offPeak)[workload];
}

/** Whether an instant is within the hours. */
export function isPeak(peakHours: PolicyPeakHours, nowMs: number): boolean {
  const minute = Math.floor(nowMs / MINUTE_MS);
  const known = minutes.get(peakHours);
  if (known?.minute === minute) return known.isPeak;
  const found = findPeak(peakHours, minute * MINUTE_MS) !== undefined;
  minutes.set(peakHours, { minute, isPeak: found });
  return found;
}

/** When the hours end that an instant is within, in epoch milliseconds; undefined: it is within none. */
export function peakEndsAt(peakHours: PolicyPeakHours, nowMs: number): number | undefined {
  const found = findPeak(peakHours, Math.floor(nowMs / MINUTE_MS) * MINUTE_MS);
  if (found === undefined) return undefined;
  const { year, month, day, beganDaysAgo } = found;
  const endsNextDay = peakHours.toMinute <= peakHours.fromMinute ? 1 : 0;
  return instantOf(peakHours.timezone, {
    year,
    month,
    day: day - beganDaysAgo + endsNextDay,
    minuteOfDay: peakHours.toMinute,
  });
}

function findPeak(
  { timezone, days, fromMinute, toMinute }: PolicyPeakHours,
  atMs: number,
): { year: number; month: number; day: number; beganDaysAgo: 0 | 1 } | undefined {
  const { weekday, minuteOfDay, ...date } = localTimeAt(timezone, atMs);
  const isOvernight = toMinute <= fromMinute;
  const end = isOvernight ? MINUTES_A_DAY : toMinute;
  if (days.has(weekday) && minuteOfDay >= fromMinute && minuteOfDay < end)
    return { ...date, beganDaysAgo: 0 };
  const yesterday = (weekday + 6) % 7;
  if (isOvernight && days.has(yesterday) && minuteOfDay < toMinute) return { ...date, beganDaysAgo: 1 };
  return undefined;
}
