import type { ModelPrice } from '../catalog/catalog-model.js';
import type { TokenUsage } from '../chat/chat-types.js';
import { priceForPrompt } from './price-for-prompt.js';

const PER_MILLION = 1_000_000;

/**
 * What a call cost in US dollars at the given price: cached and cache-write tokens at their own price, thinking
 * tokens as output (all three providers bill them so), a long prompt at the price of its length.
 *
 * Anthropic's cache writes of an hour cost more than those of five minutes; usage does not tell them apart, and all
 * count at `cacheWritePer1M`.
 */
export function costOfUsage(usage: TokenUsage, price: ModelPrice): number {
  const { inputPer1M, outputPer1M, cachedInputPer1M, cacheWritePer1M } = priceForPrompt(
    price,
    usage.promptTokens,
  );
  const cached = Math.min(usage.cachedTokens, usage.promptTokens);
  const written = Math.min(usage.cacheWriteTokens, usage.promptTokens - cached);
  const plain = usage.promptTokens - cached - written;
  return (
    (plain * inputPer1M +
      cached * (cachedInputPer1M ?? inputPer1M) +
      written * (cacheWritePer1M ?? inputPer1M) +
      usage.completionTokens * outputPer1M) /
    PER_MILLION
  );
}
