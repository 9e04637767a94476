/** A `Date` of the specification in the seconds of `created`; undefined for anything else, and for no date at all. */
export function fromAiSdkTimestamp(value: unknown): number | undefined {
  if (!(value instanceof Date)) return undefined;
  const seconds = Math.floor(value.getTime() / 1000);
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : undefined;
}
