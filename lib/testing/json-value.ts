/** A JSON object whose members are not yet known. */
export type JsonRecord = Record<string, unknown>;

/** Whether a parsed JSON value is an object: neither null nor an array. */
export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value itself where it is an object, else an empty one. */
export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

/** The value itself where it is an array, else an empty one. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** The objects of an array; anything else in it is left out. */
export function recordsOf(value: unknown): JsonRecord[] {
  return listOf(value).filter(isRecord);
}

/** The value itself where it is a string, else the empty string. */
export function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The value itself where it is a positive whole number. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined;
}
