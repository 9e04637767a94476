import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelPrice } from '../catalog/catalog-model.js';
import { NO_USAGE, type TokenUsage } from '../chat/index.js';
import { affordableOutputTokens, costOfUsage, mixedPricePer1k, priceForPrompt } from './index.js';

const price: ModelPrice = {
  inputPer1M: 1,
  outputPer1M: 4,
  cachedInputPer1M: 0.1,
  longContext: [
    { aboveInputTokens: 200_000, inputPer1M: 2, outputPer1M: 6, cachedInputPer1M: 0.2 },
    { aboveInputTokens: 500_000, inputPer1M: 3, outputPer1M: 9 },
  ],
};
const usage = (counts: Partial<TokenUsage>): TokenUsage => ({ ...NO_USAGE, ...counts });

describe('long prompts', () => {
  it.each([
    ['at the step: still the lower price', 200_000, 1],
    ['one over it', 200_001, 2],
    ['between the steps', 500_000, 2],
    ['over the last', 500_001, 3],
  ])('%s', (_name, promptTokens, inputPer1M) => {
    expect(priceForPrompt(price, promptTokens).inputPer1M).toBe(inputPer1M);
  });

  it('pay the price of their step for the whole request: prompt, cache and answer', () => {
    const long = usage({ promptTokens: 300_000, cachedTokens: 250_000, completionTokens: 1_000 });
    expect(costOfUsage(long, price)).toBeCloseTo((50_000 * 2 + 250_000 * 0.2 + 1_000 * 6) / 1e6, 12);
    // Cached tokens count for the length, and a step without a cache price asks its input price.
    const longer = usage({ promptTokens: 600_000, cachedTokens: 599_000, cacheWriteTokens: 1_000 });
    expect(costOfUsage(longer, price)).toBeCloseTo((600_000 * 3) / 1e6, 12);
  });

  it("cost what OpenAI's own rule says: over 272,000 tokens twice the input and 1.5 times the output", () => {
    const gpt: ModelPrice = {
      inputPer1M: 2.5,
      outputPer1M: 15,
      longContext: [{ aboveInputTokens: 272_000, inputPer1M: 5, outputPer1M: 22.5 }],
    };
    const short = costOfUsage(usage({ promptTokens: 272_000, completionTokens: 10_000 }), gpt);
    const long = costOfUsage(usage({ promptTokens: 272_001, completionTokens: 10_000 }), gpt);
    expect(short).toBeCloseTo(0.68 + 0.15, 12);
    expect(long).toBeCloseTo(1.360005 + 0.225, 12);
  });

  it('leave the list price of a rule as it is', () => {
    expect(mixedPricePer1k(price)).toBe(mixedPricePer1k({ inputPer1M: 1, outputPer1M: 4 }));
  });

  it('are held to a dollar ceiling at the price of their step', () => {
    // $1.00 pays 300,000 tokens at $2 and then 66,666 of output at $6.
    expect(affordableOutputTokens(1, price, 300_000, 1)).toBe(66_666);
    expect(affordableOutputTokens(0.5, price, 300_000, 1)).toBe(0);
  });

  it('never cost more than the ceiling, at any length', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 10, noNaN: true }),
        fc.nat(1_000_000),
        fc.integer({ min: 1, max: 4 }),
        (ceiling, promptTokens, choices) => {
          const tokens = affordableOutputTokens(ceiling, price, promptTokens, choices);
          const cost = costOfUsage(usage({ promptTokens, completionTokens: tokens * choices }), price);
          if (tokens > 0) expect(cost).toBeLessThanOrEqual(ceiling * (1 + 1e-9) + 1e-12);
        },
      ),
    );
  });
});
