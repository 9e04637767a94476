import type { ReasoningDetail } from '../chat-extensions.js';
import { nonEmptyTextOf, textOf, type JsonObject } from '../json-reading.js';
import { readReasoningDetails } from '../reasoning-details.js';
import type { RedactedThinkingBlock, ThinkingBlock } from './anthropic-wire.js';

/** OpenRouter's name for Claude's signed thinking. */
const FORMAT = 'anthropic-claude-v1';

/**
 * A block of thinking as it goes to the client and comes back; undefined for what could not be given back: thinking
 * without its signature. With `display: omitted` the text is empty and the signature alone counts.
 */
export function fromThinkingBlock(block: JsonObject, index: number): ReasoningDetail | undefined {
  if (block.type === 'redacted_thinking') {
    const data = nonEmptyTextOf(block.data);
    return data === undefined ? undefined : { type: 'reasoning.encrypted', data, format: FORMAT, index };
  }
  const signature = block.type === 'thinking' ? nonEmptyTextOf(block.signature) : undefined;
  if (signature === undefined) {
    return undefined;
  }
  return { type: 'reasoning.text', text: textOf(block.thinking) ?? '', signature, format: FORMAT, index };
}

/** A block of thinking and its place among the blocks of its answer. */
export interface PlacedThinking {
  readonly index: number;
  readonly block: ThinkingBlock | RedactedThinkingBlock;
}

/** Claude's thinking in an assistant message of the history. Without its signature it would be refused. */
export function toThinkingBlocks(message: object): PlacedThinking[] {
  return readReasoningDetails(message, FORMAT).flatMap(
    ({ type, index, text, signature, data }): PlacedThinking[] => {
      if (type === 'reasoning.encrypted') {
        return data ? [{ index, block: { type: 'redacted_thinking', data } }] : [];
      }
      return signature ? [{ index, block: { type: 'thinking', thinking: text ?? '', signature } }] : [];
    },
  );
}
