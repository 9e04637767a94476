import type { TokenUsage } from '../../chat/chat-types.js';
import { countOf, objectOf } from '../json-reading.js';

/**
 * Reads `usageMetadata`; undefined while it counts nothing (Vertex sends it empty on early chunks).
 *
 * Thinking is counted apart from the candidates and added, prompts made of tool results
 * (`toolUsePromptTokenCount`) apart from the prompt and added; cached tokens are inside the prompt. A count that is
 * absent is zero.
 */
export function fromGeminiUsage(value: unknown): TokenUsage | undefined {
  const usage = objectOf(value);
  const promptTokens = countOf(usage?.promptTokenCount);
  const candidateTokens = countOf(usage?.candidatesTokenCount);
  const reasoningTokens = countOf(usage?.thoughtsTokenCount);
  if (promptTokens === undefined && candidateTokens === undefined && reasoningTokens === undefined) {
    return undefined;
  }
  const allPromptTokens = (promptTokens ?? 0) + (countOf(usage?.toolUsePromptTokenCount) ?? 0);
  return {
    promptTokens: allPromptTokens,
    completionTokens: (candidateTokens ?? 0) + (reasoningTokens ?? 0),
    cachedTokens: Math.min(countOf(usage?.cachedContentTokenCount) ?? 0, allPromptTokens),
    cacheWriteTokens: 0,
    reasoningTokens: reasoningTokens ?? 0,
  };
}
