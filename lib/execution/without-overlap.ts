/** A shorter repetition may be meant: "very very". */
const MIN_OVERLAP = 12;
/** Models that repeat begin with the last words, not with the last page. */
export const MAX_OVERLAP = 120;

/** What a continuation says beyond what was said already: models like to begin with the last words once more. */
export function withoutOverlap(said: string, continuation: string): string {
  // Little was said, and all of it is said again.
  if (said.length <= MAX_OVERLAP && continuation.startsWith(said)) return continuation.slice(said.length);
  const longest = Math.min(said.length, continuation.length, MAX_OVERLAP);
  for (let length = longest; length >= MIN_OVERLAP; length -= 1) {
    if (said.endsWith(continuation.slice(0, length))) return continuation.slice(length);
  }
  return continuation;
}
