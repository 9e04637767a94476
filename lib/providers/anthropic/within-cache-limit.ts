import { isJsonObject } from '../json-reading.js';
import type { AnthropicMessage, AnthropicTool, CacheControl, TextBlock } from './anthropic-wire.js';

/** "A maximum of 4 blocks with cache_control may be provided": a fifth is a 400. */
const MAX_CACHE_MARKS = 4;

/** The parts of a request that may hold cache marks, in the order in which Anthropic puts its prompt together. */
export interface CacheMarkedPrompt {
  readonly tools: readonly AnthropicTool[];
  readonly system: readonly TextBlock[];
  readonly messages: readonly AnthropicMessage[];
}

/**
 * Leaves the last four cache marks and takes the earlier ones away: a mark says how far a prefix reaches that is to be
 * kept, so the later ones cover what the earlier ones did, and a client that marks every turn goes on reading what its
 * last request has written. (The AI SDK keeps the first four, which pins the cache to the beginning of a conversation.)
 */
export function withinCacheLimit(prompt: CacheMarkedPrompt): CacheMarkedPrompt {
  const { tools, system, messages } = prompt;
  let surplus = countMarks([tools, system, messages]) - MAX_CACHE_MARKS;
  if (surplus <= 0) return prompt;

  const unmark = <Block extends object>(block: Block): Block => {
    const { cache_control: mark, ...rest } = block as Block & { cache_control?: CacheControl };
    if (mark === undefined || surplus <= 0) return block;
    surplus -= 1;
    return rest as Block;
  };
  const unmarkWithin = <Block extends { readonly content?: unknown }>(block: Block): Block =>
    Array.isArray(block.content)
      ? { ...block, content: block.content.map((inner: object) => unmarkWithin(unmark(inner))) }
      : block;
  return {
    tools: tools.map(unmark),
    system: system.map(unmark),
    messages: messages.map(unmarkWithin),
  };
}

/** Marks stand on tools, on blocks, and on the blocks of a tool's result. */
function countMarks(values: readonly unknown[]): number {
  return values.reduce<number>((count, value) => {
    if (Array.isArray(value)) return count + countMarks(value);
    if (!isJsonObject(value)) return count;
    const own = value.cache_control === undefined ? 0 : 1;
    return count + own + (Array.isArray(value.content) ? countMarks(value.content) : 0);
  }, 0);
}
