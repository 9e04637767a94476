/** Rounded: a health answer is read by people. */
export function share(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

export function wholeMs(value: number | undefined): number | null {
  return value === undefined ? null : Math.round(value);
}

/** ISO time; null: never. */
export function isoTime(epochMs: number | undefined): string | null {
  return epochMs === undefined || epochMs === 0 ? null : new Date(epochMs).toISOString();
}

/** The latest of some times; undefined: none. */
export function latest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
