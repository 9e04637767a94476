import type { ModelPrice } from '../catalog/catalog-model.js';

/**
 * Dollars per 1,000 tokens at list price, input and output mixed 3 to 1: the measure of a rule's `maxCostPer1k`. The
 * price below the first step for long prompts: a rule is judged before any prompt is known.
 */
export function mixedPricePer1k(price: ModelPrice): number {
  return (3 * price.inputPer1M + price.outputPer1M) / 4 / 1_000;
}

/** At or under passes; the slack is for binary fractions alone. */
export function isWithinPrice(pricePer1k: number, maxPer1k: number): boolean {
  return pricePer1k <= maxPer1k * (1 + 1e-9);
}
