import type { ReasoningDetail } from '../chat-extensions.js';
import { readReasoningDetails } from '../reasoning-details.js';
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

/** The thinking of an assistant message in the history, as blocks. Unsigned thinking is left out: it would be refused. */
export function toReasoningBlocks(message: object): ReasoningBlock[] {
  return readReasoningDetails(message, BEDROCK_REASONING_FORMAT, CLAUDE_REASONING_FORMAT).flatMap(
    ({ type, text = '', signature, data }): ReasoningBlock[] => {
      if (type === 'reasoning.encrypted')
        return data ? [{ reasoningContent: { redactedContent: data } }] : [];
      return signature ? [{ reasoningContent: { reasoningText: { text, signature } } }] : [];
    },
  );
}
