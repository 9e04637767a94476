import type { CompletionUsage, TokenUsage } from '../../chat/chat-types.js';
import { toCompletionUsage } from '../completion-usage.js';
import { countOf, objectOf, type JsonObject } from '../json-reading.js';

export interface OpenAiUsage {
  readonly tokens: TokenUsage;
  /** The same for the client, with the details the provider gave beyond ours (audio, predictions). */
  readonly completionUsage: CompletionUsage;
}

/**
 * Reads the `usage` of OpenAI and its imitators; undefined where there is none.
 *
 * Cached tokens stand in `prompt_tokens_details.cached_tokens`, at DeepSeek in `prompt_cache_hit_tokens`, at Mistral
 * in `num_cached_tokens`, at Moonshot in `cached_tokens`. xAI leaves reasoning tokens out of `completion_tokens` and
 * counts them only in the total; Google's compatible endpoint does too, and does not even name them. They are added,
 * because they are paid for as output. A total that says more for no such reason is not believed.
 *
 * @param model As the answer names it; undefined where it does not.
 */
export function fromOpenAiUsage(value: unknown, model?: string): OpenAiUsage | undefined {
  const usage = objectOf(value);
  if (usage === undefined) {
    return undefined;
  }
  const promptTokens = countOf(usage.prompt_tokens);
  const reportedCompletionTokens = countOf(usage.completion_tokens);
  if (promptTokens === undefined && reportedCompletionTokens === undefined) {
    return undefined;
  }
  const promptDetails = objectOf(usage.prompt_tokens_details) ?? {};
  const completionDetails = objectOf(usage.completion_tokens_details) ?? {};
  const completionTokens = reportedCompletionTokens ?? 0;
  const beyondSum = (countOf(usage.total_tokens) ?? 0) - (promptTokens ?? 0) - completionTokens;
  const namedReasoningTokens =
    countOf(completionDetails.reasoning_tokens) ?? countOf(usage.reasoning_tokens) ?? 0;
  const isNamelessThinking = namedReasoningTokens === 0 && /gemini/i.test(model ?? '');
  const reasoningTokens = isNamelessThinking ? Math.max(0, beyondSum) : namedReasoningTokens;
  const isReasoningExtra = reasoningTokens > 0 && beyondSum === reasoningTokens;
  const cachedTokens = Math.min(
    countOf(promptDetails.cached_tokens) ??
      countOf(usage.prompt_cache_hit_tokens) ??
      countOf(usage.num_cached_tokens) ??
      countOf(usage.cached_tokens) ??
      0,
    promptTokens ?? 0,
  );
  const allCompletionTokens = completionTokens + (isReasoningExtra ? reasoningTokens : 0);
  const tokens: TokenUsage = {
    promptTokens: promptTokens ?? 0,
    completionTokens: allCompletionTokens,
    cachedTokens,
    // OpenRouter reports tokens as both written and read; a part must not outgrow the whole, or prices go negative.
    cacheWriteTokens: Math.min(
      countOf(promptDetails.cache_write_tokens) ?? 0,
      (promptTokens ?? 0) - cachedTokens,
    ),
    reasoningTokens: Math.min(reasoningTokens, allCompletionTokens),
  };
  const ours = toCompletionUsage(tokens);
  return {
    tokens,
    completionUsage: {
      ...ours,
      prompt_tokens_details: { ...countsOf(promptDetails), ...ours.prompt_tokens_details },
      completion_tokens_details: { ...countsOf(completionDetails), ...ours.completion_tokens_details },
    },
  };
}

/** The details that are counts; lists and nested objects have no place in OpenAI's schema. */
function countsOf(details: JsonObject): Record<string, number> {
  return Object.fromEntries(
    Object.entries(details).flatMap(([name, value]) => {
      const count = countOf(value);
      return count === undefined ? [] : [[name, count]];
    }),
  );
}
