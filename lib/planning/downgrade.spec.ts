import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RequestFeatures } from '../classification/index.js';
import { readConfiguration } from '../config/index.js';
import { expectedCostUsd } from './expected-cost.js';
import { compilePolicy, createPlan, type Plan, type PlanInput, UNKNOWN_SIGNALS } from './index.js';

const FEATURES: RequestFeatures = {
  inputTokens: 100,
  thinkingTokens: 0,
  requestedOutputTokens: 50,
  choices: 1,
  streamed: false,
  capabilities: [],
  parameters: [],
  questionText: '',
  questionCharacters: 0,
  asksThinking: false,
  marksCache: false,
  messageCount: 1,
  toolCount: 0,
};

interface ModelOptions {
  readonly price?: { readonly inputPer1M: number; readonly outputPer1M: number } | undefined;
  readonly quality: number;
}

function planOver(
  models: Readonly<Record<string, ModelOptions>>,
  tiers: readonly (readonly string[])[],
  circumstances: Partial<PlanInput['circumstances']>,
  surfaceOptions: object = {},
): Plan {
  const { policy } = compilePolicy(
    readConfiguration(
      {
        providers: { p: { api: 'openai', apiKey: 'k' } },
        models: Object.fromEntries(
          Object.entries(models).map(([name, options]) => [name, { provider: 'p', ...options }]),
        ),
        routingRules: { work: { tiers: tiers.map((names) => ({ models: [...names] })) } },
        surfaces: { a: surfaceOptions },
      },
      {},
    ),
  );
  const surface = policy.surfaces.get('a');
  if (surface === undefined) throw new Error('There is no surface.');
  return createPlan({
    features: FEATURES,
    classification: { class: 'none', score: 0 },
    requestedModel: 'work',
    circumstances: {
      surface,
      workload: 'interactive',
      deadlineMs: undefined,
      deadlineLimitMs: undefined,
      ...circumstances,
    },
    policy,
    signals: { of: () => UNKNOWN_SIGNALS },
    nowMs: 0,
    random: () => 0.5,
  });
}

const namesOf = ({ attempts }: Plan): string[] => attempts.map(({ deployment }) => deployment.model.name);
const at = (usd: number): ModelOptions['price'] => ({ inputPer1M: usd, outputPer1M: usd });

const DOWNGRADED = { downgradedBy: 'the budget of surface a for this day' };

describe('a plan under a spent budget', () => {
  const models = {
    dear: { price: at(30), quality: 0.9 },
    middle: { price: at(10), quality: 0.7 },
    cheap: { price: at(1), quality: 0.4 },
    twin: { price: at(1), quality: 0.5 },
    mystery: { quality: 0.8 },
  };
  const tiers = [['dear', 'mystery'], ['middle'], ['cheap', 'twin']];

  it('has the cheapest and its equals alone, and says why the others are left out', () => {
    const plan = planOver(models, tiers, DOWNGRADED);
    expect(new Set(namesOf(plan))).toEqual(new Set(['cheap', 'twin']));
    expect(
      plan.rejected.map(({ deployment, reason, detail }) => [deployment.model.name, reason, detail]),
    ).toEqual([
      ['dear', 'budget', 'costs about $0.0045, the cheapest that may serve $0.00015, and a budget is spent'],
      ['mystery', 'budget', 'no price known, and a budget is spent'],
      [
        'middle',
        'budget',
        'costs about $0.0015, the cheapest that may serve $0.00015, and a budget is spent',
      ],
    ]);
    expect(plan.notes[0]).toBe(
      'the budget of surface a for this day is spent: the cheapest that may serve does',
    );
  });

  it('lowers no floor, and leaves a pin alone', () => {
    expect(namesOf(planOver(models, tiers, DOWNGRADED, { qualityFloor: 0.6 }))).toEqual(['middle']);
    expect(namesOf(planOver(models, tiers, DOWNGRADED, { pin: 'dear' }))).toEqual(['dear']);
  });

  it('where no price is known is as ever', () => {
    const plan = planOver({ mystery: { quality: 1 } }, [['mystery']], DOWNGRADED);
    expect(namesOf(plan)).toEqual(['mystery']);
  });

  const modelOf = fc.record({
    price: fc.option(
      fc.integer({ min: 0, max: 5 }).map((usd) => at(usd)),
      { nil: undefined },
    ),
    quality: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
  });
  const anyModels = fc.tuple(modelOf, modelOf, modelOf, modelOf, modelOf);
  const floor = fc.integer({ min: 0, max: 5 }).map((tenths) => tenths / 10);

  it('is a part of the plan without it: nothing that was left out comes in, nothing dearer stays', () => {
    fc.assert(
      fc.property(anyModels, floor, (given, qualityFloor) => {
        const named = Object.fromEntries(given.map((options, index) => [`m${index}`, options]));
        const all = Object.keys(named);
        // Some model must be over the floor, or the boot refuses.
        fc.pre(given.some(({ quality }) => quality >= qualityFloor));
        const split = [all.slice(0, 2), all.slice(2, 4), all.slice(4)];
        const before = planOver(named, split, {}, { qualityFloor });
        const after = planOver(named, split, DOWNGRADED, { qualityFloor });
        expect(after.attempts.length).toBeGreaterThan(0);
        expect(namesOf(before)).toEqual(expect.arrayContaining(namesOf(after)));
        const costOf = ({ deployment }: Plan['attempts'][number]): number =>
          deployment.price === undefined
            ? Infinity
            : expectedCostUsd(deployment.price, { inputTokens: 100, cachedTokens: 0, outputTokens: 50 });
        const cheapest = Math.min(...before.attempts.map(costOf));
        if (cheapest === Infinity) return;
        expect(after.attempts.map(costOf)).toEqual(after.attempts.map(() => cheapest));
        expect(after.attempts).toHaveLength(
          before.attempts.filter((each) => costOf(each) === cheapest).length,
        );
      }),
      { numRuns: 150 },
    );
  });

  it('is ordered by cost over all tiers where nobody waits, with the same candidates', () => {
    const plan = planOver(models, tiers, { cheapestFirst: true });
    expect(namesOf(plan).slice(2)).toEqual(['middle', 'dear', 'mystery']);
    expect(new Set(namesOf(plan).slice(0, 2))).toEqual(new Set(['cheap', 'twin']));
    expect(plan.ranking.preset).toBe('cheapest');
    fc.assert(
      fc.property(anyModels, (given) => {
        const named = Object.fromEntries(given.map((options, index) => [`m${index}`, options]));
        const split = [['m0', 'm1'], ['m2', 'm3'], ['m4']];
        const costs = planOver(named, split, { cheapestFirst: true }).attempts.map(({ deployment }) =>
          deployment.price === undefined ? Infinity : deployment.price.inputPer1M,
        );
        expect(costs).toHaveLength(5);
        expect(costs).toEqual(costs.toSorted((first, second) => (first === second ? 0 : first - second)));
      }),
      { numRuns: 100 },
    );
  });
});
