import type { ReasoningMemoryOptions } from '../config/index.js';
import { TurnMemory } from '../pipeline/index.js';
import { ResponseItems } from './response-items.js';

/** What is kept of answers: two memories, one bound. */
export interface AnswerMemories {
  readonly turns: TurnMemory;
  readonly items: ResponseItems;
}

/**
 * The memories an option asks for: those there are, within its bounds, or new ones; undefined: none, and what was kept is
 * forgotten.
 */
export function answerMemories(
  { enabled, maxEntries, maxBytes, ttlMs }: ReasoningMemoryOptions,
  present: AnswerMemories | undefined,
): AnswerMemories | undefined {
  if (!enabled) return undefined;
  const half = { maxEntries, ttlMs, maxBytes: Math.floor(maxBytes / 2) };
  if (present === undefined) return { turns: new TurnMemory(half), items: new ResponseItems(half) };
  present.turns.resize(half);
  present.items.resize(half);
  return present;
}
