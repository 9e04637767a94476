import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MODEL_CAPABILITIES } from '../catalog/catalog-model.js';
import type { Demand } from './demand.js';
import { findRequestRejection } from './eligibility/find-rejection.js';
import type { PolicyDeployment } from './policy-snapshot.js';
import { boundsOf, isWithin } from './tier-bounds.js';

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });
const dollars = fc.integer({ min: 0, max: 100 }).map((value) => value / 10);
const price = fc.record(
  {
    inputPer1M: dollars,
    outputPer1M: dollars,
    cacheWritePer1M: dollars,
    longContext: fc.constant([{ aboveInputTokens: 500, inputPer1M: 90, outputPer1M: 90 }]),
  },
  { requiredKeys: ['inputPer1M', 'outputPer1M'] },
);
const candidate = fc
  .record({
    capabilities: maybe(fc.subarray([...MODEL_CAPABILITIES]).map((names) => new Set(names))),
    contextWindow: maybe(fc.integer({ min: 100, max: 5_000 })),
    maxOutputTokens: maybe(fc.integer({ min: 10, max: 1_000 })),
    replaysThinking: fc.boolean(),
    unsupportedParameters: fc.subarray(['seed', 'n', 'logit_bias'] as const).map((names) => new Set(names)),
    price: maybe(price),
  })
  .map(({ capabilities, ...rest }) => ({ ...rest, model: { capabilities } }) as unknown as PolicyDeployment);
const demand = fc
  .record({
    inputTokens: fc.nat(4_000),
    thinkingTokens: fc.nat(1_000),
    capabilities: fc.subarray([...MODEL_CAPABILITIES], { maxLength: 2 }),
    parameters: fc.subarray(['seed', 'n', 'logit_bias'] as const, { maxLength: 1 }),
    choices: fc.integer({ min: 1, max: 4 }),
    marksCache: fc.boolean(),
    outputTokens: maybe(fc.integer({ min: 1, max: 900 })),
    maxCostPerRequest: maybe(fc.integer({ min: 0, max: 200 }).map((value) => value / 10_000)),
    dropsParameters: fc.boolean(),
  })
  .map(
    ({ outputTokens, maxCostPerRequest, dropsParameters, ...features }) =>
      ({ features, outputTokens, dropsParameters, surface: { maxCostPerRequest } }) as unknown as Demand,
  );

describe('a request within the bounds of a tier', () => {
  it('is rejected by none of its candidates', () => {
    let within = 0;
    fc.assert(
      fc.property(fc.array(candidate, { minLength: 1, maxLength: 3 }), demand, (candidates, asked) => {
        const bounds = boundsOf(candidates);
        if (bounds === undefined || !isWithin(bounds, asked)) return;
        within += 1;
        for (const one of candidates) expect(findRequestRejection(one, asked)).toBeUndefined();
      }),
      { numRuns: 3_000 },
    );
    // It would hold of bounds that let nothing in, too.
    expect(within).toBeGreaterThan(30);
  });
});
