const NUMBER = /^\d+(?:\.\d+)?$/;

/**
 * Reads how long a provider asks us to wait, in milliseconds: `retry-after-ms` (OpenAI's own header) before
 * `retry-after`, which holds seconds or an HTTP date (RFC 9110, 10.2.3). A date in the past means now (0); what
 * cannot be read means undefined.
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
    return Math.ceil(Number(milliseconds));
  }
  const value = headers['retry-after']?.trim();
  if (value === undefined || value === '') {
    return undefined;
  }
  if (NUMBER.test(value)) {
    return Math.ceil(Number(value) * 1000);
  }
  // Date.parse takes a bare or negative number for a year; an HTTP date begins with the day's name.
  const dateMs = /^[A-Za-z]{3}/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs);
}
