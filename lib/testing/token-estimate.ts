import { isRecord } from './json-value.js';

/** Members that are no prompt text: names of kinds, ids, media. */
const NO_TEXT = new Set([
  'type',
  'role',
  'id',
  'tool_call_id',
  'tool_use_id',
  'url',
  'data',
  'thoughtSignature',
]);

/** A token for every four characters, rounded up: near enough for a simulation, and easy to expect in a test. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / 4);
}

/** The number of characters in all texts of a parsed JSON value. */
export function countCharacters(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countCharacters(item), 0);
  if (!isRecord(value)) return 0;
  let sum = 0;
  for (const [name, member] of Object.entries(value)) if (!NO_TEXT.has(name)) sum += countCharacters(member);
  return sum;
}

/**
 * Cuts a text into pieces about as large as tokens: a word with the space before it, or a part of a long one. The
 * pieces joined are the text; no character outside the basic plane is cut in two.
 */
export function splitIntoTokens(text: string): string[] {
  return text.match(/\s*\S{1,12}|\s+/gu) ?? [];
}

/** Joins so many neighbours each: some providers send several tokens at once. */
export function groupPieces(pieces: readonly string[], size: number): string[] {
  const groups: string[] = [];
  for (let index = 0; index < pieces.length; index += size)
    groups.push(pieces.slice(index, index + size).join(''));
  return groups;
}
