const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What a clock on the wall shows. */
export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** Since midnight, as the clock shows it: on a day of 23 or 25 hours too. */
  readonly minuteOfDay: number;
  /** 0 is Sunday. */
  readonly weekday: number;
}

/** They are slow to make. As many as there are zones in configurations. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timezone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timezone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: timezone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formatters.set(timezone, formatter);
  }
  return formatter;
}

/** Whether the runtime knows the zone: `Europe/Berlin`, `UTC`. */
export function isTimezone(name: unknown): name is string {
  if (typeof name !== 'string' || name.length > 64) return false;
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What the wall clock shows as if it were UTC, in epoch milliseconds. */
function wallMs(timezone: string, epochMs: number): number {
  if (timezone === 'UTC') return epochMs;
  const field: Record<string, number> = {};
  for (const { type, value } of formatterOf(timezone).formatToParts(epochMs)) field[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = field;
  // The formatter leaves out what is under a second.
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((epochMs % 1_000) + 1_000) % 1_000);
}

/** What a clock in the zone shows at an instant. */
export function localTimeAt(timezone: string, epochMs: number): LocalTime {
  const wall = new Date(wallMs(timezone, epochMs));
  return {
    year: wall.getUTCFullYear(),
    month: wall.getUTCMonth() + 1,
    day: wall.getUTCDate(),
    minuteOfDay: wall.getUTCHours() * 60 + wall.getUTCMinutes(),
    weekday: wall.getUTCDay(),
  };
}

/**
 * The first instant at which a clock in the zone shows this time or a later one. Where clocks are put forward over it,
 * that is the moment they are; where they are put back it is the first of the two.
 *
 * @param month - 1 to 12; as `day`, it may be over its end, and counts on then.
 * @param minuteOfDay - 0 to 1440.
 */
export function instantOf(
  timezone: string,
  { year, month, day, minuteOfDay }: Omit<LocalTime, 'weekday'>,
): number {
  const wanted = Date.UTC(year, month - 1, day) + minuteOfDay * MINUTE_MS;
  const before = wallMs(timezone, wanted - DAY_MS) - (wanted - DAY_MS);
  const after = wallMs(timezone, wanted + DAY_MS) - (wanted + DAY_MS);
  const fitting = [wanted - before, wanted - after].filter((at) => wallMs(timezone, at) === wanted);
  if (fitting.length > 0) return Math.min(...fitting);
  // No clock ever shows it. Between the two, the clocks are put forward.
  let low = Math.min(wanted - before, wanted - after) - 1;
  let high = Math.max(wanted - before, wanted - after);
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (wallMs(timezone, middle) >= wanted) high = middle;
    else low = middle;
  }
  return high;
}
