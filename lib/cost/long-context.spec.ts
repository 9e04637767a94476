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
const prompt = (inputTokens: number) => ({ inputTokens, choices: 1, marksCache: false });

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
    // 300,000 tokens may turn out 360,000: at $2 they leave $0.28 of $1.00, which pays for 46,666 of output at $6.
    expect(affordableOutputTokens(1, price, prompt(300_000))).toBe(46_666);
    expect(affordableOutputTokens(0.5, price, prompt(300_000))).toBe(0);
  });

  it('are held to it where the estimate is under a step and the prompt turns out over it', () => {
    const dear: ModelPrice = {
      inputPer1M: 10,
      outputPer1M: 100,
      longContext: [{ aboveInputTokens: 1_010, inputPer1M: 20, outputPer1M: 200 }],
    };
    const completionTokens = affordableOutputTokens(0.2, dear, prompt(1_004));
    expect(completionTokens).toBeGreaterThan(0);
    expect(costOfUsage(usage({ promptTokens: 1_012, completionTokens }), dear)).toBeLessThanOrEqual(0.2);
  });

  it('never cost more than the ceiling, at any length that the estimate allows, written to the cache or not', () => {
    const written: ModelPrice = {
      ...price,
      cacheWritePer1M: 1.25,
      longContext: price.longContext?.map((step) => ({ ...step, cacheWritePer1M: step.inputPer1M * 1.25 })),
    };
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 10, noNaN: true }),
        fc.nat(1_000_000),
        fc.double({ min: 0, max: 1.2, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        (ceiling, inputTokens, timesEstimate, writtenShare, choices, marksCache) => {
          const tokens = affordableOutputTokens(ceiling, written, { inputTokens, choices, marksCache });
          const promptTokens = Math.floor(inputTokens * timesEstimate);
          const cost = costOfUsage(
            usage({
              promptTokens,
              completionTokens: tokens * choices,
              cacheWriteTokens: marksCache ? Math.floor(promptTokens * writtenShare) : 0,
            }),
            written,
          );
          if (tokens > 0) expect(cost).toBeLessThanOrEqual(ceiling * (1 + 1e-9) + 1e-12);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});
