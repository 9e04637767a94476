/** Timers hold no longer wait (24.8 days): one over it would be no wait at all. */
const MAX_WAIT_MS = 2 ** 31 - 1;

const NUMBER = /^\d+(?:\.\d+)?$/;

/**
 * Reads how long a provider asks us to wait, in milliseconds: `retry-after-ms` (OpenAI's own header) before
 * `retry-after`, which holds seconds or an HTTP date (RFC 9110, 10.2.3). A date in the past means now (0); what
 * cannot be read means undefined. Waits over 24 days, endless ones among them, are 24 days: timers and dates hold no more.
 *
 * @param headers Names in lower case.
 * @param nowMs The present, in milliseconds since 1970: a date is a wait only against a clock.
 */
export function parseRetryAfter(
  headers: Readonly<Record<string, string>>,
  nowMs: number,
): number | undefined {
  const milliseconds = headers['retry-after-ms']?.trim();
  if (milliseconds !== undefined && NUMBER.test(milliseconds)) {
    return boundedWaitMs(Number(milliseconds));
  }
  const value = headers['retry-after']?.trim();
  if (value === undefined || value === '') {
    return undefined;
  }
  if (NUMBER.test(value)) {
    return boundedWaitMs(Number(value) * 1000);
  }
  // Date.parse takes a bare or negative number for a year; an HTTP date begins with the day's name.
  const dateMs = /^[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : boundedWaitMs(dateMs - nowMs);
}

/** A wait in whole milliseconds that a timer holds. */
export function boundedWaitMs(waitMs: number): number {
  return Math.max(0, Math.min(Math.ceil(waitMs), MAX_WAIT_MS));
}
