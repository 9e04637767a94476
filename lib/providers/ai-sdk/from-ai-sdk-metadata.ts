import type { ReasoningDetail, ToolCallExtraContent } from '../chat-extensions.js';
import { isJsonObject, nonEmptyTextOf, objectOf } from '../json-reading.js';

/** OpenRouter's names for whose thinking it is. */
export const CLAUDE_FORMAT = 'anthropic-claude-v1';
export const GEMINI_FORMAT = 'google-gemini-v1';

/** What makes thinking, a text or a tool call fit to be given back to its maker. */
export interface AiSdkSignatures {
  /** Claude's signature of a block of thinking. */
  readonly claude?: string;
  /** Claude's thinking itself, encrypted. */
  readonly claudeRedacted?: string;
  /** Gemini's signature of a thought, a text or a tool call. */
  readonly gemini?: string;
}

/**
 * Reads the signatures out of `providerMetadata`. They are looked for by the name of the field and not of the provider,
 * which differs between hosts (`anthropic` and `bedrock`, `google` and `vertex`) and may be the user's own:
 * `signature` and `redactedData` of `@ai-sdk/anthropic` and `@ai-sdk/amazon-bedrock`, `thoughtSignature` of
 * `@ai-sdk/google` and `@ai-sdk/openai-compatible`.
 */
export function signaturesOf(providerMetadata: unknown): AiSdkSignatures {
  const fields = Object.values(objectOf(providerMetadata) ?? {}).filter(isJsonObject);
  const find = (name: string): string | undefined =>
    fields.map((field) => nonEmptyTextOf(field[name])).find((value) => value !== undefined);
  const claude = find('signature');
  const claudeRedacted = find('redactedData');
  const gemini = find('thoughtSignature');
  return {
    ...(claude === undefined ? {} : { claude }),
    ...(claudeRedacted === undefined ? {} : { claudeRedacted }),
    ...(gemini === undefined ? {} : { gemini }),
  };
}

/**
 * A block of thinking as it goes to the client and comes back; undefined for what could not be given back.
 *
 * @param index - Its place among the blocks of the answer.
 */
export function toReasoningDetail(
  text: string,
  { claude, claudeRedacted, gemini }: AiSdkSignatures,
  index: number,
): ReasoningDetail | undefined {
  if (claudeRedacted !== undefined) {
    return { type: 'reasoning.encrypted', data: claudeRedacted, format: CLAUDE_FORMAT, index };
  }
  if (claude !== undefined) {
    return { type: 'reasoning.text', text, signature: claude, format: CLAUDE_FORMAT, index };
  }
  return gemini === undefined
    ? undefined
    : { type: 'reasoning.text', text, signature: gemini, format: GEMINI_FORMAT, index };
}

/** The place of Gemini's signature on a message or a tool call; nothing where there is none. */
export function toExtraContent({ gemini }: AiSdkSignatures): { extra_content?: ToolCallExtraContent } {
  return gemini === undefined ? {} : { extra_content: { google: { thought_signature: gemini } } };
}
