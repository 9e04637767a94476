/** What a provider says is left of one of its limits. */
export interface RateLimitWindow {
  readonly unit: 'requests' | 'tokens';
  readonly remaining: number;
  /** At least 1. */
  readonly limit: number;
  /** When all of it is there again; undefined: it does not say, or not so that it can be read. */
  readonly resetAfterMs: number | undefined;
}

const COUNT = /^\d{1,15}$/;
const SECONDS = /^\d{1,9}(?:\.\d{1,9})?$/;
const DURATION =
  /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,12}(?:\.\d{1,9})?)ms)?$/;
const UNITS_MS = [86_400_000, 3_600_000, 60_000, 1_000, 1] as const;
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T/;

/** The headers of one limit: OpenAI's names, which most imitators have too, and Anthropic's. */
const WINDOWS = [
  ...(['requests', 'tokens'] as const).map((unit) => ({
    unit,
    remaining: `x-ratelimit-remaining-${unit}`,
    limit: `x-ratelimit-limit-${unit}`,
    reset: `x-ratelimit-reset-${unit}`,
  })),
  ...(['requests', 'tokens', 'input-tokens', 'output-tokens'] as const).map((name) => ({
    unit: name === 'requests' ? ('requests' as const) : ('tokens' as const),
    remaining: `anthropic-ratelimit-${name}-remaining`,
    limit: `anthropic-ratelimit-${name}-limit`,
    reset: `anthropic-ratelimit-${name}-reset`,
  })),
] as const;

/**
 * Reads what is left of a key's limits out of an answer's headers: OpenAI's `x-ratelimit-…`, whose resets are durations
 * (`6m0s`, `12ms`), and Anthropic's `anthropic-ratelimit-…`, whose resets are times (RFC 3339). What cannot be read is
 * as if it were not there.
 *
 * @param headers Names in lower case.
 * @param nowMs The present, in milliseconds since 1970.
 */
export function readRateLimits(
  headers: Readonly<Record<string, string>>,
  nowMs: number,
): readonly RateLimitWindow[] {
  const windows: RateLimitWindow[] = [];
  for (const { unit, remaining, limit, reset } of WINDOWS) {
    const left = countOf(headers[remaining]);
    const whole = countOf(headers[limit]);
    // Some send a limit of 0 or -1 where there is none.
    if (left === undefined || whole === undefined || whole < 1) continue;
    windows.push({
      unit,
      remaining: Math.min(left, whole),
      limit: whole,
      resetAfterMs: resetAfterMs(headers[reset], nowMs),
    });
  }
  return windows;
}

function countOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? '';
  return COUNT.test(trimmed) ? Number(trimmed) : undefined;
}

function resetAfterMs(text: string | undefined, nowMs: number): number | undefined {
  const value = text?.trim() ?? '';
  if (value === '' || value.length > 64) return undefined;
  if (SECONDS.test(value)) return Math.ceil(Number(value) * 1_000);
  const parts = DURATION.exec(value);
  if (parts !== null) {
    const sum = UNITS_MS.reduce((total, unitMs, index) => total + Number(parts[index + 1] ?? 0) * unitMs, 0);
    return Math.ceil(sum);
  }
  const atMs = DATE_TIME.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
