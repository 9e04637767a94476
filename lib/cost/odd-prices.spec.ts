import { describe, expect, it } from 'vitest';
import type { ModelPrice } from '../catalog/catalog-model.js';
import { findOddPrices, type PriceContext } from './index.js';

const price = (extra: Partial<ModelPrice> = {}): ModelPrice => ({ inputPer1M: 2, outputPer1M: 8, ...extra });
const step = { aboveInputTokens: 1_000, inputPer1M: 4, outputPer1M: 16 };
const free = { inputPer1M: 0, outputPer1M: 0, cachedInputPer1M: 0, cacheWritePer1M: 0 };

describe('findOddPrices', () => {
  it.each<[string, ModelPrice, PriceContext, RegExp]>([
    ['cheaper output', price({ outputPer1M: 1 }), {}, /output \(1\) is cheaper than input \(2\)/],
    ['dearer cache', price({ cachedInputPer1M: 3 }), {}, /cached input \(3\) is dearer/],
    ['free cache', price({ cachedInputPer1M: 0 }), {}, /cached input is free/],
    ['cheaper write', price({ cacheWritePer1M: 0.2 }), {}, /cache write \(0.2\) is cheaper/],
    [
      'dollars per 1,000 tokens, with no list price to tell by',
      { inputPer1M: 0.0005, outputPer1M: 0.0015 },
      {},
      /inputPer1M 0.0005 is under \$0.01 per million tokens: is it per 1,000 tokens\?/,
    ],
    [
      'a cached price per 1,000 tokens',
      price({ cachedInputPer1M: 0.00125 }),
      { listPrice: price({ cachedInputPer1M: 1.25 }) },
      /^cachedInputPer1M 0.00125 is 1000 times off the catalogue's 1.25/,
    ],
    [
      'a price of cache writes per 1,000 tokens',
      price({ cacheWritePer1M: 2_500 }),
      { listPrice: price({ cacheWritePer1M: 2.5 }) },
      /^cacheWritePer1M 2500 is 1000 times off the catalogue's 2.5/,
    ],
    ['free at a paid provider', free, { isPaid: true }, /is 0, at a provider that charges/],
    [
      'a step of its own',
      price({ longContext: [{ ...step, outputPer1M: 3 }] }),
      {},
      /over 1000 tokens: output/,
    ],
    ['a cheaper step', price({ longContext: [{ ...step, inputPer1M: 1 }] }), {}, /over 1000 tokens: cheaper/],
  ])('%s', (_name, odd, context, words) => {
    const found = findOddPrices(odd, context);
    expect(found.join('; ')).toMatch(words);
  });

  it('sees dollars per 1,000 tokens written for those per million, and the other way round', () => {
    const listPrice = price();
    const perThousand = { inputPer1M: 0.002, outputPer1M: 0.008 };
    expect(findOddPrices(perThousand, { listPrice })).toEqual([
      "inputPer1M 0.002 is 1000 times off the catalogue's 2: is it per 1,000 tokens?",
      "outputPer1M 0.008 is 1000 times off the catalogue's 8: is it per 1,000 tokens?",
    ]);
    expect(findOddPrices({ inputPer1M: 2_000, outputPer1M: 8_000 }, { listPrice })).toHaveLength(2);
    expect(findOddPrices({ inputPer1M: 0.21, outputPer1M: 0.81 }, { listPrice })).toEqual([]);
  });

  it.each<[string, ModelPrice, PriceContext]>([
    ['a plain price', price(), {}],
    ['input and output alike', price({ outputPer1M: 2 }), {}],
    ['cache prices', price({ cachedInputPer1M: 0.2, cacheWritePer1M: 2.5 }), {}],
    ['nothing at all, at home', free, {}],
    ['nothing at all, where the catalogue asks', free, { listPrice: price() }],
    ['embeddings', price({ outputPer1M: 0 }), { isEmbedding: true }],
    ['cheap embeddings', { inputPer1M: 0.005, outputPer1M: 0 }, { isEmbedding: true }],
    [
      'a price as low as its list price',
      { inputPer1M: 0.005, outputPer1M: 0.02 },
      { listPrice: { inputPer1M: 0.009, outputPer1M: 0.03 } },
    ],
    ['the lowest there is', { inputPer1M: 0.01, outputPer1M: 0.02 }, {}],
    ['a cached price that the list does not have', price({ cachedInputPer1M: 0.2 }), { listPrice: price() }],
    ['steps', price({ longContext: [step] }), { isPaid: true }],
    ['half of the list', price({ inputPer1M: 1, outputPer1M: 4 }), { listPrice: price(), isPaid: true }],
  ])('leaves %s in peace', (_name, plausible, context) => {
    expect(findOddPrices(plausible, context)).toEqual([]);
  });
});
