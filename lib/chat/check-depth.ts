import { InvalidRequestError } from '../errors/invalid-request-error.js';

/** Far above what a conversation of 2,000 messages needs, and walked in some ten milliseconds. */
const MAX_OBJECTS = 250_000;

/**
 * Bounded and without recursion: a body nested a million deep must not overflow the stack. A level holds an object
 * once, or one that an injected caller made of shared or circular parts would never be walked to its end.
 *
 * @throws {@link InvalidRequestError} where it is deeper than `limit` levels, or larger than any conversation.
 */
export function checkDepth(root: object, limit: number): void {
  let level = new Set<object>([root]);
  let count = 1;
  for (let depth = 0; level.size > 0; depth += 1) {
    if (depth > limit) {
      throw new InvalidRequestError(`The request is nested deeper than ${limit} levels.`);
    }
    const next = new Set<object>();
    for (const value of level) {
      for (const child of Array.isArray(value)
        ? (value as unknown[])
        : Object.values(value as Record<string, unknown>)) {
        if (typeof child === 'object' && child !== null) next.add(child);
      }
    }
    level = next;
    count += level.size;
    if (count > MAX_OBJECTS) {
      throw new InvalidRequestError(`The request has more than ${MAX_OBJECTS} objects and lists in it.`);
    }
  }
}
