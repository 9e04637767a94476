/**
 * How often a global pattern matches, counted up to `cap`. By the pattern itself: `matchAll` copies it at every call, V8
 * drops the machine code of a copy with the next collections, and to compile the classifier's patterns again took 13 ms of
 * the event loop.
 */
export function countMatches(text: string, pattern: RegExp, cap: number): number {
  let count = 0;
  pattern.lastIndex = 0;
  while (count < cap && pattern.test(text)) count += 1;
  return count;
}
