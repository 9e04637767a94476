import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ModelPrice } from '../catalog/catalog-model.js';
import { NO_USAGE, type TokenUsage } from '../chat/index.js';
import {
  affordableOutputTokens,
  cappedOutputTokens,
  costOfUsage,
  isWithinPrice,
  mixedPricePer1k,
} from './index.js';

const price: ModelPrice = { inputPer1M: 3, outputPer1M: 15, cachedInputPer1M: 0.3, cacheWritePer1M: 3.75 };
const usage = (counts: Partial<TokenUsage>): TokenUsage => ({ ...NO_USAGE, ...counts });

describe('costOfUsage', () => {
  it.each<[string, Partial<TokenUsage>, number]>([
    ['nothing', {}, 0],
    ['plain input', { promptTokens: 1_000_000 }, 3],
    ['output', { completionTokens: 1_000_000 }, 15],
    ['thinking, inside the output, once', { completionTokens: 1_000_000, reasoningTokens: 900_000 }, 15],
    ['cached input at its own price', { promptTokens: 1_000_000, cachedTokens: 1_000_000 }, 0.3],
    ['cache writes at their own price', { promptTokens: 1_000_000, cacheWriteTokens: 1_000_000 }, 3.75],
    [
      'all at once',
      {
        promptTokens: 1_000,
        cachedTokens: 600,
        cacheWriteTokens: 300,
        completionTokens: 200,
        reasoningTokens: 50,
      },
      (100 * 3 + 600 * 0.3 + 300 * 3.75 + 200 * 15) / 1e6,
    ],
    ['more cached than there were (a provider that miscounts)', { promptTokens: 10, cachedTokens: 99 }, 3e-6],
  ])('%s', (_name, counts, dollars) => {
    expect(costOfUsage(usage(counts), price)).toBeCloseTo(dollars, 12);
  });

  it('charges cached and written tokens as plain ones where they have no price of their own', () => {
    const plain = { inputPer1M: 3, outputPer1M: 15 };
    const counts = { promptTokens: 900, cachedTokens: 300, cacheWriteTokens: 300 };
    expect(costOfUsage(usage(counts), plain)).toBeCloseTo((900 * 3) / 1e6, 12);
  });

  it('is never negative, and never dearer than every token at its dearest price', () => {
    const count = fc.nat(2_000_000);
    const rate = fc.double({ min: 0, max: 100, noNaN: true });
    fc.assert(
      fc.property(
        fc.record({
          promptTokens: count,
          completionTokens: count,
          cachedTokens: count,
          cacheWriteTokens: count,
          reasoningTokens: count,
        }),
        fc.record({ inputPer1M: rate, outputPer1M: rate, cachedInputPer1M: rate, cacheWritePer1M: rate }),
        (counts, rates) => {
          const dollars = costOfUsage(counts, rates);
          const dearest = Math.max(rates.inputPer1M, rates.cachedInputPer1M, rates.cacheWritePer1M);
          const most = (counts.promptTokens * dearest + counts.completionTokens * rates.outputPer1M) / 1e6;
          expect(dollars).toBeGreaterThanOrEqual(0);
          expect(dollars).toBeLessThanOrEqual(most * (1 + 1e-9));
        },
      ),
    );
  });
});

describe('the price of a rule', () => {
  it('lets $1 in and $5 out pass exactly 0.002', () => {
    const mixed = mixedPricePer1k({ inputPer1M: 1, outputPer1M: 5 });
    expect(mixed).toBeCloseTo(0.002, 15);
    expect(isWithinPrice(mixed, 0.002)).toBe(true);
    expect(isWithinPrice(mixed, 0.001_999)).toBe(false);
    expect(isWithinPrice(mixedPricePer1k({ inputPer1M: 1, outputPer1M: 5.001 }), 0.002)).toBe(false);
  });

  it.each([
    [0.1, 0.4],
    [0.3, 2.5],
    [0.7, 0.1],
    [1.1, 4.4],
  ])(
    'lets a price pass its own value, whatever binary fractions make of it ($%d, $%d)',
    (inputPer1M, outputPer1M) => {
      const written = Number(((3 * inputPer1M + outputPer1M) / 4 / 1_000).toFixed(9));
      expect(isWithinPrice(mixedPricePer1k({ inputPer1M, outputPer1M }), written)).toBe(true);
    },
  );

  it('lets a free model pass a cap of zero, and nothing else', () => {
    expect(isWithinPrice(mixedPricePer1k({ inputPer1M: 0, outputPer1M: 0 }), 0)).toBe(true);
    expect(isWithinPrice(mixedPricePer1k({ inputPer1M: 0.000_001, outputPer1M: 0 }), 0)).toBe(false);
  });
});

describe('affordableOutputTokens', () => {
  it.each([
    // 1,000 prompt tokens may turn out 1,200: $0.0036, or $0.0045 where they are written to the cache.
    ['after the prompt', 0.02, 1_000, 1, false, 1_093],
    ['after a prompt written to the cache', 0.02, 1_000, 1, true, 1_033],
    ['shared by the choices', 0.02, 1_000, 2, false, 546],
    ['nothing where the prompt eats it up', 0.002, 1_000, 1, false, 0],
    ['nothing at zero dollars', 0, 0, 1, false, 0],
    ['exactly what the money pays for', 0.0015, 0, 1, false, 100],
  ])('%s', (_name, ceiling, inputTokens, choices, marksCache, tokens) => {
    expect(affordableOutputTokens(ceiling, price, { inputTokens, choices, marksCache })).toBe(tokens);
  });

  it('takes the input price for a cache write that has none of its own, or a cheaper one', () => {
    const prompt = { inputTokens: 1_000, choices: 1 };
    for (const cacheWritePer1M of [undefined, 0, 3]) {
      const plain = {
        inputPer1M: 3,
        outputPer1M: 15,
        ...(cacheWritePer1M !== undefined && { cacheWritePer1M }),
      };
      expect(affordableOutputTokens(0.02, plain, { ...prompt, marksCache: true })).toBe(1_093);
    }
  });

  it('is without end where output is free, unless the prompt alone is too dear', () => {
    const free = { inputPer1M: 1, outputPer1M: 0 };
    const prompt = { choices: 1, marksCache: false };
    expect(affordableOutputTokens(0.01, free, { ...prompt, inputTokens: 1_000 })).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(affordableOutputTokens(0.01, free, { ...prompt, inputTokens: 100_000 })).toBe(0);
  });

  it('never spends more than the ceiling, and one more token for each choice would', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.0001, max: 5, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.nat(20_000),
        fc.integer({ min: 1, max: 4 }),
        (ceiling, inputPer1M, outputPer1M, inputTokens, choices) => {
          const rates = { inputPer1M, outputPer1M };
          const tokens = affordableOutputTokens(ceiling, rates, { inputTokens, choices, marksCache: false });
          const promptTokens = Math.ceil(inputTokens * 1.2);
          const cost = (each: number) =>
            costOfUsage(usage({ promptTokens, completionTokens: each * choices }), rates);
          if (tokens > 0) expect(cost(tokens)).toBeLessThanOrEqual(ceiling * (1 + 1e-6) + 1e-12);
          expect(cost(tokens + 1)).toBeGreaterThan(ceiling * (1 - 1e-6) - 1e-12);
        },
      ),
    );
  });
});

describe('cappedOutputTokens', () => {
  const bounds = {
    requested: undefined,
    modelMaxOutputTokens: 4096,
    contextWindow: 16_385,
    inputTokens: 100,
  };

  it('sends no limit above what the model can write', () => {
    expect(cappedOutputTokens({ ...bounds, affordable: 13_333 })).toBeUndefined();
    expect(cappedOutputTokens({ ...bounds, affordable: 13_333, requested: 500 })).toBe(500);
  });

  it('sends no limit above what the window has room for', () => {
    const sent = cappedOutputTokens({
      ...bounds,
      modelMaxOutputTokens: undefined,
      contextWindow: 1_000,
      affordable: 950,
    });
    expect(sent).toBe(880);
  });

  it('leaves an answer its room, however little the window has left', () => {
    for (const inputTokens of [6_700, 6_830, 7_500, 7_900]) {
      const full = { ...bounds, modelMaxOutputTokens: undefined, contextWindow: 8_192, inputTokens };
      expect(cappedOutputTokens({ ...full, affordable: 1_000 })).toBeGreaterThanOrEqual(256);
      expect(cappedOutputTokens({ ...full, affordable: 40 })).toBe(40);
    }
  });

  it('never lets a limit above what the dollars pay for through, however tight the window', () => {
    const tight = { ...bounds, modelMaxOutputTokens: undefined, contextWindow: 8_192, inputTokens: 6_004 };
    expect(cappedOutputTokens({ ...tight, affordable: 1_000, requested: 2_000 })).toBe(1_000);
    expect(cappedOutputTokens({ ...tight, affordable: 1_000 })).toBeLessThanOrEqual(1_000);
  });

  it("lowers the client's limit to what the dollars pay for", () => {
    expect(cappedOutputTokens({ ...bounds, affordable: 300 })).toBe(300);
    expect(cappedOutputTokens({ ...bounds, affordable: 300, requested: 1_000 })).toBe(300);
    expect(cappedOutputTokens({ ...bounds, affordable: Number.POSITIVE_INFINITY })).toBeUndefined();
  });
});
