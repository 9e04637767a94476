import { isJsonObject } from '../json-reading.js';

/** What clients get as null from OpenAI itself: its schema has it so, or (`system_fingerprint`) recordings do. */
const NULLABLE: ReadonlySet<string> = new Set([
  'content',
  'refusal',
  'logprobs',
  'finish_reason',
  'usage',
  'service_tier',
  'system_fingerprint',
]);

/**
 * Whether a chunk as we would write it says what the one that came says, in a form that OpenAI's schema allows: the same
 * values, but for nulls where either has nothing.
 */
export function saysTheSame(ours: unknown, theirs: unknown): boolean {
  if (ours === theirs) return true;
  if (Array.isArray(ours) || Array.isArray(theirs)) {
    return (
      Array.isArray(ours) &&
      Array.isArray(theirs) &&
      ours.length === theirs.length &&
      ours.every((entry, index) => saysTheSame(entry, theirs[index]))
    );
  }
  if (!isJsonObject(ours) || !isJsonObject(theirs)) return false;
  for (const [name, value] of Object.entries(ours)) {
    const isSame =
      value === null ? theirs[name] === null || isLeftOut(name, theirs) : saysTheSame(value, theirs[name]);
    if (!isSame) return false;
  }
  for (const [name, value] of Object.entries(theirs)) {
    if (!Object.hasOwn(ours, name) && !(value === null && NULLABLE.has(name))) return false;
  }
  return true;
}

/** A chunk may lack `logprobs`, but not `finish_reason`. */
function isLeftOut(name: string, theirs: object): boolean {
  return name !== 'finish_reason' && !Object.hasOwn(theirs, name);
}
