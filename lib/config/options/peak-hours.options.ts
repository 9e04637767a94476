import { IsOptional } from '../class-validator.js';
import { Section } from '../section.decorators.js';
import { IsClockTime, IsListOf, IsOneOf, IsTimezone } from '../validators.js';

/**
 * What the candidates of a tier are ranked by: latency, errors, load and cost together (`balanced`); cost; latency;
 * quality.
 *
 * @publicApi
 */
export type RankingPreset = 'balanced' | 'cheapest' | 'fastest' | 'best';

export const RANKING_PRESETS = [
  'balanced',
  'cheapest',
  'fastest',
  'best',
] as const satisfies readonly RankingPreset[];

/** As JavaScript counts them: Sunday is 0. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/**
 * What work is ranked by outside the peak.
 *
 * @publicApi
 */
export class OffPeakOptions {
  /** @defaultValue 'balanced' */
  @IsOneOf(RANKING_PRESETS)
  interactive: RankingPreset = 'balanced';

  /** @defaultValue 'balanced' */
  @IsOneOf(RANKING_PRESETS)
  background: RankingPreset = 'balanced';
}

/**
 * When most of your users work, and what is ranked by what then. Enqueued background work is held back meanwhile.
 *
 * @example
 * ```yaml
 * peakHours: { timezone: America/New_York, days: [mon, tue, wed, thu, fri], from: '09:00', to: '18:00' }
 * ```
 * @publicApi
 */
export class PeakHoursOptions {
  /** Whose clock `from` and `to` are read off, summer time included: an IANA name. @defaultValue 'UTC' */
  @IsTimezone()
  timezone = 'UTC';

  /** On which the hours begin. @defaultValue all seven */
  @IsOptional()
  @IsListOf(WEEKDAYS)
  days?: (typeof WEEKDAYS)[number][];

  /** `HH:MM`, that minute included. */
  @IsClockTime()
  from!: string;

  /** `HH:MM`, that minute excluded; `24:00` is the end of the day. Before `from`: on the next day. */
  @IsClockTime()
  to!: string;

  /** What interactive work is ranked by in these hours. @defaultValue 'best' */
  @IsOneOf(RANKING_PRESETS)
  interactive: RankingPreset = 'best';

  /** What background work is ranked by in these hours. @defaultValue 'cheapest' */
  @IsOneOf(RANKING_PRESETS)
  background: RankingPreset = 'cheapest';

  @Section(() => OffPeakOptions)
  offPeak: OffPeakOptions = new OffPeakOptions();
}
