import type { LongContextPrice, ModelPrice } from '../catalog/catalog-model.js';

/**
 * The price a prompt of so many tokens pays, cached ones included: that of the highest step it is over. OpenAI, Google
 * and xAI bill so, the whole request at one price
 * (developers.openai.com/api/docs/models/gpt-5.4, ai.google.dev/gemini-api/docs/pricing).
 */
export function priceForPrompt(price: ModelPrice, promptTokens: number): ModelPrice | LongContextPrice {
  return price.longContext?.findLast((step) => promptTokens > step.aboveInputTokens) ?? price;
}
