import type { ReasoningDetail } from '../chat-extensions.js';
import { countOf, isJsonObject, listOf, nonEmptyTextOf, textOf } from '../json-reading.js';
import type { ReasoningBlock } from './bedrock-wire.js';

/** Says whose signature it is: only who signed it can check it. */
export const BEDROCK_REASONING_FORMAT = 'bedrock-converse-v1';
/** Claude's signatures hold wherever Claude runs (Anthropic's documentation of extended thinking). */
const CLAUDE_REASONING_FORMAT = 'anthropic-claude-v1';

/** A signed piece of thinking, for the client to send back as it is. */
export function toSignedDetail(text: string, signature: string, index: number): ReasoningDetail {
  return { type: 'reasoning.text', text, signature, format: BEDROCK_REASONING_FORMAT, index };
}

/** Thinking that only the provider can read. */
export function toEncryptedDetail(data: string, index: number): ReasoningDetail {
  return { type: 'reasoning.encrypted', data, format: BEDROCK_REASONING_FORMAT, index };
}

/**
 * The thinking of an assistant message in the history, as blocks. Pieces of one block, which a client may have
 * collected from a stream one by one, are put together by their `index`. Thinking without a signature, and what other
 * providers signed, is left out: it would be refused.
 */
export function toReasoningBlocks(message: object): ReasoningBlock[] {
  const details = 'reasoning_details' in message ? message.reasoning_details : undefined;
  const texts = new Map<unknown, { text: string; signature: string }>();
  const encrypted: { readonly key: unknown; readonly data: string }[] = [];
  const order = new Set<unknown>();
  listOf(details).forEach((detail, position) => {
    if (!isJsonObject(detail) || !isKnownFormat(detail.format)) return;
    const key = countOf(detail.index) ?? `at ${position}`;
    if (detail.type === 'reasoning.text') {
      const known = texts.get(key) ?? { text: '', signature: '' };
      known.text += textOf(detail.text) ?? '';
      known.signature += textOf(detail.signature) ?? '';
      texts.set(key, known);
      order.add(key);
    } else if (detail.type === 'reasoning.encrypted') {
      const data = nonEmptyTextOf(detail.data);
      if (data !== undefined) encrypted.push({ key, data });
      order.add(key);
    }
  });
  return [...order].flatMap((key): ReasoningBlock[] => {
    const text = texts.get(key);
    return [
      ...(text === undefined || text.signature === '' ? [] : [{ reasoningContent: { reasoningText: text } }]),
      ...encrypted
        .filter((entry) => entry.key === key)
        .map(({ data }) => ({ reasoningContent: { redactedContent: data } })),
    ];
  });
}

function isKnownFormat(format: unknown): boolean {
  return format === BEDROCK_REASONING_FORMAT || format === CLAUDE_REASONING_FORMAT;
}
