import type { TokenUsage } from '../../chat/chat-types.js';
import { countOf, objectOf } from '../json-reading.js';

/**
 * Bedrock's `usage` in OpenAI's accounting: `inputTokens` leaves out what was read from or written to the cache (user
 * guide, "Prompt caching"), `outputTokens` includes thinking, which is not told apart. Undefined while neither input nor
 * output was reported.
 */
export function fromBedrockUsage(value: unknown): TokenUsage | undefined {
  const usage = objectOf(value);
  const input = countOf(usage?.inputTokens);
  const output = countOf(usage?.outputTokens);
  if (input === undefined && output === undefined) {
    return undefined;
  }
  const cacheRead = countOf(usage?.cacheReadInputTokens) ?? 0;
  const cacheWrite = countOf(usage?.cacheWriteInputTokens) ?? 0;
  return {
    promptTokens: (input ?? 0) + cacheRead + cacheWrite,
    completionTokens: output ?? 0,
    cachedTokens: cacheRead,
    cacheWriteTokens: cacheWrite,
    reasoningTokens: 0,
  };
}
