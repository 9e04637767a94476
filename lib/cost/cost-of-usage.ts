import type { ModelPrice } from '../catalog/catalog-model.js';
import type { TokenUsage } from '../chat/chat-types.js';

const PER_MILLION = 1_000_000;

/**
 * What a call cost in US dollars at the given price: cached and cache-write tokens at their own price, thinking
 * tokens as output (all three providers bill them so).
 */
export function costOfUsage(usage: TokenUsage, price: ModelPrice): number {
  const cached = Math.min(usage.cachedTokens, usage.promptTokens);
  const written = Math.min(usage.cacheWriteTokens, usage.promptTokens - cached);
  const plain = usage.promptTokens - cached - written;
  return (
    (plain * price.inputPer1M +
      cached * (price.cachedInputPer1M ?? price.inputPer1M) +
      written * (price.cacheWritePer1M ?? price.inputPer1M) +
      usage.completionTokens * price.outputPer1M) /
    PER_MILLION
  );
}
