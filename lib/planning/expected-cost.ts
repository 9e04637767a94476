import type { ModelPrice } from '../catalog/catalog-model.js';
import { priceForPrompt } from '../cost/index.js';

const PER_MILLION = 1_000_000;

/** What a request will use, as far as that can be told. */
export interface ExpectedUsage {
  readonly inputTokens: number;
  /** Of these, what the provider's prompt cache holds. */
  readonly cachedTokens: number;
  /** Over all choices. */
  readonly outputTokens: number;
}

/** What a request costs at the cheapest that may serve it. */
export interface CheapestCost {
  readonly usd: number;
  /** By which all are compared. */
  readonly usage: ExpectedUsage;
}

/** US dollars for this request; 0 where no price is known, as the ledger has it. */
export function expectedCostUsd(price: ModelPrice | undefined, usage: ExpectedUsage): number {
  if (price === undefined) return 0;
  const { inputPer1M, outputPer1M, cachedInputPer1M = inputPer1M } = priceForPrompt(price, usage.inputTokens);
  const cached = Math.min(usage.cachedTokens, usage.inputTokens);
  return (
    ((usage.inputTokens - cached) * inputPer1M +
      cached * cachedInputPer1M +
      usage.outputTokens * outputPer1M) /
    PER_MILLION
  );
}
