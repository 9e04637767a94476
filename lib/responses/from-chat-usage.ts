import type { ResponseUsage } from 'openai/resources/responses/responses';
import { objectOf } from './json-reading.js';

function countOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

/**
 * A chat completion's `usage` as a response's; undefined where the provider reported none, as zeros would be a claim.
 *
 * Source: OpenAI API reference, Responses, `usage`. `cache_write_tokens` stands in its current schema.
 */
export function fromChatUsage(value: unknown): ResponseUsage | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const usage = objectOf(value);
  const prompt = objectOf(usage.prompt_tokens_details);
  const inputTokens = countOf(usage.prompt_tokens);
  const outputTokens = countOf(usage.completion_tokens);
  return {
    input_tokens: inputTokens,
    input_tokens_details: {
      cached_tokens: countOf(prompt.cached_tokens),
      cache_write_tokens: countOf(prompt.cache_write_tokens),
    },
    output_tokens: outputTokens,
    output_tokens_details: {
      reasoning_tokens: countOf(objectOf(usage.completion_tokens_details).reasoning_tokens),
    },
    total_tokens: countOf(usage.total_tokens) || inputTokens + outputTokens,
  };
}
