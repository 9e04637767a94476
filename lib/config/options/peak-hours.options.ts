import { IsOptional } from '../class-validator.js';
import { Section } from '../section.decorators.js';
import { PRESETS } from './ranking.options.js';
import { IsClockTime, IsListOf, IsOneOf, IsTimezone } from '../validators.js';

type Preset = (typeof PRESETS)[number];

/** As JavaScript counts them: Sunday is 0. */
export const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;

/**
 * What work is ranked by outside the peak.
 *
 * @publicApi
 */
export class OffPeakOptions {
  /** @defaultValue `ranking.preset`, or else 'balanced' */
  @IsOptional()
  @IsOneOf(PRESETS)
  interactive?: Preset;

  /** @defaultValue `ranking.preset`, or else 'balanced' */
  @IsOptional()
  @IsOneOf(PRESETS)
  background?: Preset;
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
  @IsOneOf(PRESETS)
  interactive: Preset = 'best';

  /** What background work is ranked by in these hours. @defaultValue 'cheapest' */
  @IsOneOf(PRESETS)
  background: Preset = 'cheapest';

  @Section(() => OffPeakOptions)
  offPeak: OffPeakOptions = new OffPeakOptions();
}
