import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quickestMs } from '../../test/support/quickest.js';
import { RANKING_PRESETS } from './ranking-preset.js';
import { Catalog, MODEL_CAPABILITIES, qualityOf } from '../catalog/index.js';
import type { RequestFeatures } from '../classification/index.js';
import { readConfiguration } from '../config/index.js';
import { ModelNotFoundError } from '../errors/model-not-found-error.js';
import {
  compilePolicy,
  createPlan,
  type DeploymentSignals,
  type Plan,
  type PlanInput,
  type PolicyDeployment,
  type PolicyModel,
  type PolicySnapshot,
  type PolicySurface,
  UNKNOWN_SIGNALS,
} from './index.js';

const NOW = 1_700_000_000_000;

/** mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const FEATURES: RequestFeatures = {
  inputTokens: 100,
  thinkingTokens: 0,
  requestedOutputTokens: undefined,
  choices: 1,
  streamed: true,
  capabilities: ['streaming'],
  parameters: [],
  questionText: '',
  questionCharacters: 0,
  asksThinking: false,
  marksCache: false,
  messageCount: 1,
  toolCount: 0,
};

function policyOf(raw: object): PolicySnapshot {
  return compilePolicy(readConfiguration(raw, {})).policy;
}

interface Asked {
  readonly requestedModel?: string;
  readonly surface?: string;
  readonly class?: string;
  readonly features?: Partial<RequestFeatures>;
  readonly circumstances?: Partial<PlanInput['circumstances']>;
  readonly signals?: Readonly<Record<string, Partial<DeploymentSignals>>>;
  readonly seed?: number;
}

function plan(policy: PolicySnapshot, asked: Asked = {}): Plan {
  const surface = asked.surface === undefined ? policy.defaultSurface : policy.surfaces.get(asked.surface);
  if (surface === undefined) throw new Error(`no surface ${String(asked.surface)}`);
  return createPlan({
    features: { ...FEATURES, ...asked.features },
    classification: { class: asked.class ?? 'simple_queries', score: 0.1 },
    requestedModel: asked.requestedModel ?? 'auto',
    circumstances: {
      surface,
      workload: surface.workload,
      deadlineMs: undefined,
      deadlineLimitMs: undefined,
      ...asked.circumstances,
    },
    policy,
    signals: { of: (id) => ({ ...UNKNOWN_SIGNALS, ...asked.signals?.[id] }) },
    nowMs: NOW,
    random: seeded(asked.seed ?? 1),
    candidatesPerTier: 100,
  });
}

const names = ({ attempts }: Plan): string[] => attempts.map(({ deployment }) => deployment.model.name);

// ---- properties over generated policies ------------------------------------------------------------------------

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined });
/** Hard limits are rare, or hardly a candidate would be left to look at. */
const rarely = <Value>(arbitrary: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
const share = fc.integer({ min: 0, max: 20 }).map((value) => value / 20);
const dollars = fc.integer({ min: 0, max: 100 }).map((value) => value / 10);
const price = fc.record({ inputPer1M: dollars, outputPer1M: dollars });
const capabilities = fc.subarray([...MODEL_CAPABILITIES], { minLength: 5 });
const deployment = fc.record({
  provider: fc.constantFrom('one', 'two'),
  weight: maybe(fc.integer({ min: 1, max: 5 })),
  price: maybe(price),
  contextWindow: rarely(fc.integer({ min: 500, max: 5_000 })),
  maxOutputTokens: rarely(fc.integer({ min: 20, max: 1_000 })),
  maxConcurrency: maybe(fc.integer({ min: 1, max: 8 })),
  region: maybe(fc.constantFrom('eu', 'eu-west-1', 'europe', 'us-east-1')),
  retentionDays: maybe(fc.constantFrom(0, 7, 30)),
});
const model = fc.record({
  deployments: fc.array(deployment, { minLength: 1, maxLength: 3 }),
  price: maybe(price),
  contextWindow: rarely(fc.integer({ min: 500, max: 5_000 })),
  maxOutputTokens: rarely(fc.integer({ min: 20, max: 1_000 })),
  capabilities: maybe(capabilities),
  quality: maybe(share),
  safety: maybe(share),
  substitutable: maybe(fc.boolean()),
});
const MODEL_NAMES = ['m0', 'm1', 'm2', 'm3', 'm4', 'm5'] as const;
const tier = fc.record({
  models: fc.subarray([...MODEL_NAMES], { minLength: 1, maxLength: 3 }),
  targetLatencyMs: maybe(fc.integer({ min: 100, max: 20_000 })),
});
const rule = fc.record({
  tiers: fc.array(tier, { minLength: 1, maxLength: 3 }),
  maxCostPer1k: rarely(fc.integer({ min: 0, max: 40 }).map((value) => value / 1_000)),
  maxLatencyMs: maybe(fc.integer({ min: 100, max: 20_000 })),
});
const surface = fc.record({
  qualityFloor: rarely(share),
  safetyFloor: rarely(share),
  workload: fc.constantFrom('interactive', 'background'),
  latencySloMs: maybe(fc.integer({ min: 100, max: 20_000 })),
  maxCostPerRequest: rarely(fc.integer({ min: 0, max: 200 }).map((value) => value / 10_000)),
  pin: rarely(fc.constantFrom(...MODEL_NAMES)),
  regions: rarely(fc.subarray(['eu', 'us'], { minLength: 1 })),
  retentionDays: rarely(fc.constantFrom(0, 7, 30)),
  ranking: fc.record({
    preset: maybe(fc.constantFrom(...RANKING_PRESETS)),
    weights: fc.record({ cost: fc.nat(5) }, { requiredKeys: [] }),
  }),
  maxOutputTokens: maybe(fc.integer({ min: 20, max: 1_000 })),
  timeouts: fc.record({ firstTokenMs: rarely(fc.integer({ min: 1, max: 30_000 })) }),
  priority: fc.nat(100),
  onStreamFailure: fc.constantFrom('error', 'continue'),
  onContentFilter: fc.constantFrom('reject', 'next_model'),
  mayHedge: fc.boolean(),
});
/** What a breaker may say together. */
const breaker = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ breaker: 'closed' as const, breakerShare: 1, breakerUntilMs: 0 }) },
  fc.constant({ breaker: 'open' as const, breakerShare: 0, breakerUntilMs: NOW + 4_000 }),
  fc.constantFrom(0, 1).map((left) => ({
    breaker: 'half_open' as const,
    breakerShare: left,
    breakerUntilMs: 0,
  })),
  fc.constantFrom(0.1, 0.25, 0.5, 1).map((left) => ({
    breaker: 'ramping' as const,
    breakerShare: left,
    breakerUntilMs: 0,
  })),
);
const line = fc.record({
  meanX: fc.integer({ min: 0, max: 5_000 }),
  meanY: fc.integer({ min: 1, max: 30_000 }),
  slope: fc.integer({ min: 0, max: 100 }),
  weight: fc.nat(300),
});
const signals = fc
  .record({
    inFlight: fc.nat(20),
    queued: fc.nat(3),
    limit: rarely(fc.integer({ min: 4, max: 30 })),
    samples: fc.nat(64),
    errorRate: share,
    timeToFirstTokenMs: maybe(fc.integer({ min: 1, max: 30_000 })),
    latencyMs: maybe(fc.integer({ min: 1, max: 60_000 })),
    p95TimeToFirstTokenMs: maybe(fc.integer({ min: 1, max: 40_000 })),
    usualFirstTokenSamples: fc.nat(400),
    usualLatencySamples: fc.nat(400),
    p95LatencyMs: maybe(fc.integer({ min: 1, max: 90_000 })),
    restingUntilMs: fc.constantFrom(0, NOW - 1, NOW, NOW + 5_000),
    restToldUntilMs: fc.constantFrom(0, NOW + 5_000, NOW + 600_000),
    isSlow: fc.boolean(),
    inAlert: fc.boolean(),
    inCriticalAlert: fc.boolean(),
    isExhausted: fc.boolean(),
    firstTokenSamples: fc.nat(64),
    latencySamples: fc.nat(64),
    recentP95TimeToFirstTokenMs: fc.array(maybe(fc.integer({ min: 1, max: 30_000 })), { maxLength: 6 }),
    recentP95LatencyMs: fc.array(maybe(fc.integer({ min: 1, max: 60_000 })), { maxLength: 6 }),
    firstTokenByInput: maybe(line),
    durationByOutput: maybe(line),
    breaker,
  })
  .map(({ breaker: said, ...rest }): DeploymentSignals => ({ ...rest, ...said }));
const features = fc.record({
  inputTokens: fc.nat(2_500),
  requestedOutputTokens: maybe(fc.integer({ min: 1, max: 900 })),
  choices: fc.integer({ min: 1, max: 4 }),
  streamed: fc.boolean(),
  capabilities: fc.subarray([...MODEL_CAPABILITIES], { maxLength: 1 }),
  asksThinking: fc.boolean(),
});

const scene = fc
  .record({
    models: fc.tuple(model, model, model, model, model, model),
    simple: rule,
    complex: rule,
    surface: surface,
    clientModel: fc.constantFrom('advisory' as const, 'binding' as const),
    requestedModel: fc.constantFrom('auto', 'simple_queries', 'complex_reasoning', 'm0', 'm3'),
    features,
    class: fc.constantFrom('simple_queries', 'complex_reasoning'),
    signals: fc.array(signals, { minLength: 18, maxLength: 18 }),
    seed: fc.nat(),
  })
  .map(({ models, simple, complex, surface: surfaceOptions, clientModel, ...asked }) => {
    const raw = {
      providers: {
        one: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:1' },
        two: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:2' },
      },
      models: Object.fromEntries(models.map((options, index) => [`m${index}`, options])),
      routingRules: { simple_queries: simple, complex_reasoning: complex },
      clientModel,
    };
    return { raw, surfaceOptions, ...asked };
  });

const NO_CATALOG = new Catalog([]);

type Scene = typeof scene extends fc.Arbitrary<infer Value> ? Value : never;

/** The policy of a scene, or undefined where the boot would refuse it. The surface is laid over it unproven. */
function setUp({ raw, surfaceOptions, signals: live, ...asked }: Scene) {
  let policy: PolicySnapshot;
  try {
    // Without the catalogue, which only makes it slow.
    policy = compilePolicy(readConfiguration(raw, {}), NO_CATALOG).policy;
  } catch {
    return undefined;
  }
  const pin = surfaceOptions.pin === undefined ? undefined : policy.models.get(surfaceOptions.pin);
  const tested: PolicySurface = {
    ...surfaceOptions,
    name: 'tested',
    pin,
  };
  const withSurface = { ...policy, surfaces: new Map([['tested', tested]]) };
  const all = [...policy.models.values()].flatMap(({ deployments }) => deployments);
  const known = Object.fromEntries(
    all.map(({ id }, index) => [id, live[index % live.length] ?? UNKNOWN_SIGNALS]),
  );
  return {
    policy: withSurface,
    surface: tested,
    all,
    signals: known,
    asked: { ...asked, surface: 'tested', signals: known },
  };
}

/** Every hard limit, told again in other words than the filters'. */
function breaches(
  { model: served, price: rates, contextWindow, maxOutputTokens, region, retentionDays }: PolicyDeployment,
  sent: number | undefined,
  asked: { features: Partial<RequestFeatures> },
  tested: PolicySurface,
  cap: number | undefined,
): string[] {
  const found: string[] = [];
  const { inputTokens = 0, requestedOutputTokens, choices = 1, capabilities: needed = [] } = asked.features;
  if (tested.pin && tested.pin !== served) found.push('pin');
  if (tested.qualityFloor !== undefined && !((served.quality ?? -1) >= tested.qualityFloor))
    found.push('quality');
  if (tested.safetyFloor !== undefined && !((served.safety ?? -1) >= tested.safetyFloor))
    found.push('safety');
  if (tested.regions && !tested.regions.some((name) => `${region ?? 'nowhere'}-`.startsWith(`${name}-`)))
    found.push('region');
  if ((retentionDays ?? Infinity) > (tested.retentionDays ?? Infinity)) found.push('retention');
  if (served.capabilities && needed.some((capability) => !served.capabilities?.has(capability)))
    found.push('capability');
  const wanted = Math.min(requestedOutputTokens ?? Infinity, tested.maxOutputTokens ?? Infinity);
  const room = Number.isFinite(wanted) ? wanted : 0;
  if (inputTokens + room > (contextWindow ?? Infinity)) found.push('window');
  if (room > (maxOutputTokens ?? Infinity)) found.push('max output');
  if (sent !== undefined && sent > wanted) found.push('the output limit of client and surface');
  if (sent === undefined && Number.isFinite(wanted)) found.push('no output limit sent');
  if (cap !== undefined) {
    const mixed =
      rates === undefined ? Infinity : (0.75 * rates.inputPer1M + 0.25 * rates.outputPer1M) / 1_000;
    if (mixed > cap + 1e-9) found.push('price cap');
  }
  if (tested.maxCostPerRequest !== undefined) {
    // Where no limit is sent, the model itself ends the answer.
    const unlimited =
      rates?.outputPer1M === 0 ? 0 : Math.min(maxOutputTokens ?? Infinity, contextWindow ?? Infinity);
    const utmost = sent ?? unlimited;
    const most =
      rates === undefined
        ? Infinity
        : (Math.ceil(inputTokens * 1.2) * rates.inputPer1M + utmost * choices * rates.outputPer1M) / 1e6;
    if (most > tested.maxCostPerRequest + 1e-9) found.push(`request cost ${most}`);
  }
  return found;
}

const RUNS = { numRuns: 250 };

describe('createPlan, whatever the policy, the request and the live state', () => {
  it('plans no attempt that breaks a hard limit, and gives a reason for every rejection', () => {
    let planned = 0;
    let rejected = 0;
    fc.assert(
      fc.property(scene, (given) => {
        const set = setUp(given);
        fc.pre(set !== undefined);
        const made = plan(set.policy, set.asked);
        const capOf = (name: string | undefined) =>
          name === undefined ? undefined : set.policy.rules.get(name)?.maxCostPer1k;
        for (const attempt of made.attempts) {
          planned += 1;
          const cap = capOf(made.rule);
          expect(breaches(attempt.deployment, attempt.maxOutputTokens, set.asked, set.surface, cap)).toEqual(
            [],
          );
          expect(attempt.maxOutputTokens ?? 1).toBeGreaterThan(0);
        }
        rejected += made.rejected.length;
        for (const { detail } of made.rejected) expect(detail).not.toBe('');
      }),
      RUNS,
    );
    // The property would hold of empty plans too.
    expect(planned).toBeGreaterThan(200);
    expect(rejected).toBeGreaterThan(200);
  });

  it('gives a deeply equal plan for the same input, seed and clock', () => {
    fc.assert(
      fc.property(scene, (given) => {
        const set = setUp(given);
        fc.pre(set !== undefined);
        expect(plan(set.policy, set.asked)).toEqual(plan(set.policy, set.asked));
      }),
      { numRuns: 100 },
    );
  });

  it('plans or rejects every candidate of the rules looked at, none twice', () => {
    fc.assert(
      fc.property(scene, (given) => {
        const set = setUp(given);
        fc.pre(set !== undefined);
        const made = plan(set.policy, set.asked);
        const seen = [
          ...made.attempts.map(({ deployment: { id } }) => `${made.rule ?? ''} ${id}`),
          ...made.rejected.map(({ deployment: { id }, rule: name }) => `${name ?? ''} ${id}`),
        ];
        expect(new Set(seen).size).toBe(seen.length);
        const lookedAt = new Set([made.rule, ...made.rejected.map(({ rule: name }) => name)]);
        const expected = [...lookedAt].flatMap((name) => {
          const models: readonly PolicyModel[] =
            name === undefined
              ? [set.surface.pin ?? set.policy.models.get(set.asked.requestedModel)].filter(
                  (found) => found !== undefined,
                )
              : (set.policy.rules.get(name)?.tiers.flatMap((step) => step.models) ?? []);
          return models.flatMap(({ deployments }) => deployments.map(({ id }) => `${name ?? ''} ${id}`));
        });
        expect(seen.toSorted()).toEqual(expected.toSorted());
      }),
      RUNS,
    );
  });

  it('puts the deferred behind the ready, the worse the further, and keeps the tiers among equals', () => {
    fc.assert(
      fc.property(scene, (given) => {
        const set = setUp(given);
        fc.pre(set !== undefined);
        const steps = ['primary', 'secondary', 'tertiary'];
        const kinds = [undefined, 'over_target', 'slow', 'ramping', 'in_alert', 'full', 'failing', 'resting'];
        const places = plan(set.policy, set.asked).attempts.map(
          (attempt) => 10 * kinds.indexOf(attempt.deferral?.kind) + steps.indexOf(attempt.tier),
        );
        expect(places).toEqual(places.toSorted((first, second) => first - second));
      }),
      RUNS,
    );
  });

  it('never ranks a deployment higher for more latency, errors or load', () => {
    const worsening = fc.constantFrom('timeToFirstTokenMs', 'latencyMs', 'errorRate', 'inFlight');
    fc.assert(
      fc.property(
        scene,
        fc.nat(17),
        worsening,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (given, which, term, by) => {
          const set = setUp(given);
          fc.pre(set !== undefined);
          const target = set.all[which % set.all.length];
          const old = target && set.signals[target.id];
          if (target === undefined || old?.[term] === undefined) return;
          const worse = term === 'errorRate' ? Math.min(1, old[term] + by) : old[term] * (1 + by) + 1;
          const before = plan(set.policy, set.asked);
          const changed = { ...set.signals, [target.id]: { ...old, [term]: worse } };
          const after = plan(set.policy, { ...set.asked, signals: changed });
          const rankIn = ({ attempts }: Plan): { score: number; rank: number } | undefined => {
            const mine = attempts.find(({ deployment: { id } }) => id === target.id);
            if (mine === undefined) return undefined;
            const peers = attempts.filter((attempt) => attempt.tier === mine.tier);
            return {
              score: mine.terms.score,
              rank: peers.filter(({ terms }) => terms.score < mine.terms.score - 1e-12).length,
            };
          };
          const [first, second] = [rankIn(before), rankIn(after)];
          expect(second === undefined).toBe(first === undefined);
          if (first === undefined || second === undefined) return;
          expect(second.score).toBeGreaterThanOrEqual(first.score);
          expect(second.rank).toBeGreaterThanOrEqual(first.rank);
        },
      ),
      RUNS,
    );
  });

  it('leads with one of the best, and lets the seed alone choose among them', () => {
    fc.assert(
      fc.property(scene, (given) => {
        const set = setUp(given);
        fc.pre(set !== undefined);
        const made = plan(set.policy, set.asked);
        const [first] = made.attempts;
        if (first?.deferral !== undefined || first === undefined) return;
        const peers = made.attempts.filter(
          ({ tier: step, deferral }) => step === first.tier && deferral === undefined,
        );
        const best = Math.min(...peers.map(({ terms }) => terms.score));
        expect(first.terms.score).toBeLessThanOrEqual(best * 1.15 + 0.05 + 1e-12);
        const scores = peers.slice(1).map(({ terms }) => terms.score);
        expect(scores).toEqual(scores.toSorted((a, b) => a - b));
      }),
      RUNS,
    );
  });
});

// ---- single rules ----------------------------------------------------------------------------------------------

const plainModel = (extra: object = {}) => ({
  provider: 'local',
  price: { inputPer1M: 1, outputPer1M: 1 },
  contextWindow: 100_000,
  capabilities: ['streaming', 'tools'],
  quality: 0.5,
  ...extra,
});

function example(extra: object = {}): PolicySnapshot {
  return policyOf({
    providers: { local: { api: 'openai-compatible', baseUrl: 'http://127.0.0.1:1' } },
    models: {
      small: plainModel({ quality: 0.3 }),
      large: plainModel({ quality: 0.8, price: { inputPer1M: 10, outputPer1M: 40 } }),
      thinker: plainModel({ capabilities: ['streaming', 'reasoning'], quality: 0.9 }),
      exact: plainModel({ substitutable: false }),
      'dated-2024-05-13': plainModel(),
    },
    routingRules: {
      simple_queries: { primary: 'small', fallback: 'large' },
      complex_reasoning: { primary: 'large' },
      think: { primary: 'small', fallback: 'thinker' },
    },
    surfaces: { pinned: { pin: 'exact' }, floored: { qualityFloor: 0.7 }, batch: { workload: 'background' } },
    ...extra,
  });
}

describe('whose model serves', () => {
  const policy = example();

  it('is said by the rule of the class for `auto`', () => {
    expect(names(plan(policy))).toEqual(['small', 'large']);
    expect(names(plan(policy, { class: 'complex_reasoning' }))).toEqual(['large']);
  });

  it('is said by a rule that the client names, whatever the class', () => {
    const made = plan(policy, { requestedModel: 'think', class: 'complex_reasoning' });
    expect([made.rule, names(made)]).toEqual(['think', ['small', 'thinker']]);
  });

  it('is not the model an advisory client wishes for, but that of a binding one', () => {
    expect(names(plan(policy, { requestedModel: 'thinker' }))).toEqual(['small', 'large']);
    const binding = plan(example({ clientModel: 'binding' }), { requestedModel: 'thinker' });
    expect([binding.rule, names(binding)]).toEqual([undefined, ['thinker']]);
  });

  it.each(['exact', 'dated-2024-05-13'])('is %s, which always binds', (requestedModel) => {
    expect(names(plan(policy, { requestedModel }))).toEqual([requestedModel]);
  });

  it('is the pinned one, whatever is named', () => {
    for (const requestedModel of ['auto', 'think', 'large', 'dated-2024-05-13']) {
      expect(names(plan(policy, { surface: 'pinned', requestedModel }))).toEqual(['exact']);
    }
  });

  it.each(['gpt-99', '__proto__', 'constructor', 'toString', 'AUTO', 'Small'])(
    'is nobody for the unknown name %s',
    (requestedModel) => {
      expect(() => plan(policy, { requestedModel })).toThrow(ModelNotFoundError);
      expect(() => plan(policy, { requestedModel, surface: 'pinned' })).toThrow(ModelNotFoundError);
    },
  );

  it.each(['advisory', 'binding'])(
    'is refused where a client names what makes embeddings (%s)',
    (clientModel) => {
      const vectors = plainModel({ capabilities: ['embeddings'] });
      const mixed = plainModel({ capabilities: ['streaming', 'embeddings'] });
      const simple = { primary: 'small' };
      const policy = example({
        clientModel,
        models: { small: plainModel(), vectors, mixed },
        routingRules: { simple_queries: simple },
        surfaces: { pinned: { pin: 'small' } },
      });
      for (const requestedModel of [
        'text-embedding-3-small',
        'text-embedding-ada-002',
        'qwen3-embedding-8b',
        'vectors',
      ]) {
        for (const surface of [undefined, 'pinned']) {
          expect(() => plan(policy, { requestedModel, surface }), requestedModel).toThrow(
            expect.objectContaining({ status: 400, code: 'invalid_request', param: 'model' }),
          );
        }
      }
      expect(names(plan(policy, { requestedModel: 'mixed' }))).not.toEqual([]);
      // A rule may be called so: then the rule is meant.
      const both = { primary: 'small', fallback: 'large' };
      const ruled = example({
        clientModel,
        routingRules: { simple_queries: both, 'text-embedding-3-small': both },
      });
      expect(plan(ruled, { requestedModel: 'text-embedding-3-small' }).rule).toBe('text-embedding-3-small');
    },
  );

  it('is nobody where a binding name has no provider, and the rules where it does not bind', () => {
    expect(() => plan(policy, { requestedModel: 'gpt-4o-2024-08-06' })).toThrow(ModelNotFoundError);
    expect(names(plan(policy, { requestedModel: 'gpt-4o' }))).toEqual(['small', 'large']);
  });

  it('is under the rule of the next harder class where its own has none over the floor', () => {
    const rules = {
      simple_queries: { primary: 'small' },
      complex_reasoning: { primary: 'large', maxLatencyMs: 700 },
    };
    const made = plan(example({ routingRules: rules }), { surface: 'floored' });
    expect([made.rule, names(made)]).toEqual(['complex_reasoning', ['large']]);
    expect(made.rejected).toMatchObject([{ rule: 'simple_queries', reason: 'quality_floor' }]);
    expect(made.attempts[0]?.moveOnAfterMs).toBe(700);
    expect(made.classification.class).toBe('simple_queries');
  });
});

describe('time', () => {
  const policy = example();

  it('is 60 s for who waits, 600 s in the background and where a model that thinks may serve', () => {
    expect(plan(policy).deadlineMs).toBe(60_000);
    expect(plan(policy, { surface: 'batch' }).deadlineMs).toBe(600_000);
    expect(plan(policy, { circumstances: { workload: 'background' } }).deadlineMs).toBe(600_000);
    expect(plan(policy, { requestedModel: 'think' }).deadlineMs).toBe(600_000);
  });

  it.each([
    [{ deadlineMs: 90_000 }, 90_000],
    [{ deadlineMs: 5 }, 5],
    [{ deadlineLimitMs: 1_000 }, 1_000],
    [{ deadlineLimitMs: 999_999 }, 60_000],
    [{ deadlineMs: 90_000, deadlineLimitMs: 70_000 }, 70_000],
    [{ deadlineMs: 50_000, deadlineLimitMs: 70_000 }, 50_000],
  ])('with %j is %d: the application sets it, a client only shortens it', (circumstances, deadlineMs) => {
    expect(plan(policy, { circumstances }).deadlineMs).toBe(deadlineMs);
  });

  it('is what the configuration says, before the defaults', () => {
    const configured = example({ execution: { deadlineMs: 7_000, timeouts: { firstTokenMs: 900 } } });
    expect(plan(configured, { surface: 'batch' }).deadlineMs).toBe(7_000);
    expect(plan(configured).attempts[0]?.timeouts.firstTokenMs).toBe(900);
  });

  it('to the first token is 15 s, 120 s for a model that thinks', () => {
    expect(
      plan(policy, { requestedModel: 'think' }).attempts.map(({ timeouts }) => timeouts.firstTokenMs),
    ).toEqual([15_000, 120_000]);
  });

  const moves = (policyNow: PolicySnapshot, asked: Asked = {}) =>
    plan(policyNow, asked).attempts.map(({ moveOnAfterMs }) => moveOnAfterMs);

  it('to move on is the default target for streams, never over the default SLO; none for whole answers', () => {
    expect(moves(policy)).toEqual([1_500, 2_000]);
    expect(moves(policy, { surface: 'batch' })).toEqual([1_500, 3_000]);
    expect(moves(policy, { features: { streamed: false } })).toEqual([undefined, undefined]);
    expect(moves(policy, { requestedModel: 'think' })).toEqual([1_500, undefined]);
  });

  it('for a second copy is while the next will likely be in time, and early beside one that is tried out', () => {
    const known = {
      samples: 20,
      timeToFirstTokenMs: 700,
      firstTokenSamples: 64,
      p95TimeToFirstTokenMs: 1_200,
      usualFirstTokenSamples: 200,
      firstTokenByInput: { meanX: 100, meanY: 700, slope: 0, weight: 200 },
    };
    const quick = { ...known, timeToFirstTokenMs: 400, p95TimeToFirstTokenMs: 700 };
    const next = { ...quick, firstTokenByInput: { meanX: 100, meanY: 400, slope: 0, weight: 200 } };
    const momentsOf = (asked: Asked): unknown[] =>
      plan(policy, asked).attempts.map(({ moveOnAfterMs, secondCopyAfterMs }) => [
        moveOnAfterMs,
        secondCopyAfterMs,
      ]);
    expect(momentsOf({ signals: { 'local/small': known, 'local/large': next } })[0]).toEqual([1_440, 1_040]);
    const whole = { ...known, latencyMs: 700, latencySamples: 64, p95LatencyMs: 1_200 };
    const asked: Asked = { features: { streamed: false }, signals: { 'local/small': whole } };
    expect(momentsOf(asked)[0]).toEqual([3_000, 3_000]);
    const two = example({ routingRules: { simple_queries: { primary: ['small', 'large'] } } });
    const idle = { ...known, samples: 0, timeToFirstTokenMs: undefined, firstTokenSamples: 0 };
    const firsts = Array.from({ length: 400 }, (_, seed) =>
      plan(two, { seed, signals: { 'local/small': idle, 'local/large': next } }).attempts.at(0),
    );
    const tried = firsts.filter((first) => first?.deployment.model.name === 'small');
    expect(tried.length).toBeGreaterThan(0);
    for (const first of tried) expect(first).toMatchObject({ moveOnAfterMs: 1_440, secondCopyAfterMs: 800 });
  });

  it.each([
    ['a rule', { routingRules: { simple_queries: { primary: 'thinker', maxLatencyMs: 900 } } }, 900],
    [
      'a tier',
      { routingRules: { simple_queries: { tiers: [{ models: 'thinker', targetLatencyMs: 800 }] } } },
      800,
    ],
    [
      'both, the smaller one',
      {
        routingRules: {
          simple_queries: { tiers: [{ models: 'thinker', targetLatencyMs: 800 }], maxLatencyMs: 600 },
        },
      },
      600,
    ],
  ])(
    'to move on that %s has in writing holds for whole answers and thinkers too',
    (_name, extra, expected) => {
      expect(moves(example(extra), { features: { streamed: false } })).toEqual([expected]);
      expect(moves(example(extra))).toEqual([expected]);
    },
  );

  it('to move on follows the SLO that a surface has in writing', () => {
    const withSlo = example({ surfaces: { s: { latencySloMs: 400 } } });
    expect(moves(withSlo, { surface: 's', features: { streamed: false } })).toEqual([400, 400]);
  });
});

describe('output', () => {
  const limits = (policy: PolicySnapshot, asked: Asked) =>
    plan(policy, asked).attempts.map(({ maxOutputTokens }) => maxOutputTokens);

  it('is limited by the client and the surface, whichever is less', () => {
    const policy = example({ surfaces: { s: { maxOutputTokens: 300 } } });
    expect(limits(policy, {})).toEqual([undefined, undefined]);
    expect(limits(policy, { features: { requestedOutputTokens: 500 } })).toEqual([500, 500]);
    expect(limits(policy, { surface: 's', features: { requestedOutputTokens: 500 } })).toEqual([300, 300]);
    expect(limits(policy, { surface: 's', features: { requestedOutputTokens: 200 } })).toEqual([200, 200]);
  });

  it('is lowered to what the cap pays for; under 16 tokens the candidate is rejected', () => {
    const policy = example({ surfaces: { s: { maxCostPerRequest: 0.002 } } });
    // 100 tokens in may be 120: $0.00012 leaves $0.00188 at $1 a million; $0.0012 leaves $0.0008 at $40 a million.
    expect(limits(policy, { surface: 's' })).toEqual([1_880, 20]);
    expect(limits(policy, { surface: 's', features: { choices: 2 } })).toEqual([940]);
    const made = plan(policy, { surface: 's', features: { choices: 2 } });
    expect(made.rejected).toMatchObject([{ deployment: { id: 'local/large' }, reason: 'request_cost' }]);
    expect(made.maxCostUsd).toBe(0.002);
  });
});

describe('live state', () => {
  const policy = example({
    routingRules: { simple_queries: { primary: ['small', 'exact'], fallback: 'large' } },
  });

  it.each<[string, Partial<DeploymentSignals>, RegExp]>([
    ['resting', { restingUntilMs: NOW + 2_500 }, /^rate-limited for another 3 s$/],
    [
      'failing',
      { samples: 10, errorRate: 0.5, breaker: 'open', breakerShare: 0, breakerUntilMs: NOW + 1_500 },
      /^failing \(50 % of the last 10 calls\), tried again in 2 s$/,
    ],
  ])('defers what is %s behind the other tiers, and keeps it as a last resort', (_name, live, why) => {
    const made = plan(policy, { signals: { 'local/small': live } });
    expect(names(made)).toEqual(['exact', 'large', 'small']);
    expect(made.attempts[2]?.deferral?.text).toMatch(why);
  });

  it('does not defer for a wait that is over, nor for failures that its breaker bears', () => {
    const mild = { restingUntilMs: NOW, samples: 4, errorRate: 1 };
    const made = plan(policy, { signals: { 'local/small': mild } });
    expect(made.attempts.map(({ deferral }) => deferral)).toEqual([undefined, undefined, undefined]);
  });

  it('orders those that stand behind by how bad it is, before tiers and ranks', () => {
    const primaryResting = { restingUntilMs: NOW + 1_000 };
    const full = { limit: 4, inFlight: 4 };
    const made = plan(policy, {
      signals: { 'local/small': primaryResting, 'local/exact': full, 'local/large': { isSlow: true } },
    });
    expect(made.attempts.map(({ deployment: { id }, deferral }) => [id, deferral?.kind])).toEqual([
      ['local/large', 'slow'],
      ['local/exact', 'full'],
      ['local/small', 'resting'],
    ]);
  });

  it('shares the traffic of equals by weight, over the seeds', () => {
    const models = { a: plainModel({ weight: 3 }), b: plainModel() };
    const shared = example({
      models,
      routingRules: { simple_queries: { primary: ['a', 'b'] } },
      surfaces: {},
    });
    const firsts = Array.from({ length: 2_000 }, (_, seed) => names(plan(shared, { seed }))[0]);
    const share = firsts.filter((name) => name === 'a').length / firsts.length;
    expect(share).toBeGreaterThan(0.7);
    expect(share).toBeLessThan(0.8);
  });
});

describe('speed', () => {
  it.each([
    [10, 0.5],
    [100, 3],
    [1_000, 30],
  ])('plans %d candidates', (count, boundMs) => {
    const models = Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`m${index}`, plainModel()]),
    );
    const all = Object.keys(models);
    const third = Math.ceil(count / 3);
    const routingRules = {
      simple_queries: {
        primary: all.slice(0, third),
        fallback: all.slice(third, 2 * third),
        emergency: all.slice(2 * third),
      },
    };
    const policy = example({
      models,
      routingRules,
      surfaces: { s: { qualityFloor: 0.2, maxCostPerRequest: 1 } },
    });
    const live: DeploymentSignals = {
      ...UNKNOWN_SIGNALS,
      samples: 20,
      errorRate: 0.1,
      timeToFirstTokenMs: 400,
      latencyMs: 900,
    };
    const signalsOf = Object.fromEntries(
      all.map((name, index) => [`local/${name}`, { ...live, inFlight: index % 7 }]),
    );
    const input: PlanInput = {
      features: FEATURES,
      classification: { class: 'simple_queries', score: 0.1 },
      requestedModel: 'auto',
      circumstances: {
        surface: policy.surfaces.get('s') ?? policy.defaultSurface,
        workload: 'interactive',
        deadlineMs: undefined,
        deadlineLimitMs: undefined,
      },
      policy,
      signals: { of: (id) => signalsOf[id] ?? UNKNOWN_SIGNALS },
      nowMs: NOW,
      random: seeded(7),
    };
    const rounds = Math.max(60, Math.ceil(20_000 / count));
    for (let round = 0; round < rounds; round += 1) createPlan(input);
    const ms = quickestMs(boundMs, () => createPlan(input));
    console.info(`createPlan, ${count} candidates: ${(ms * 1_000).toFixed(1)} us`);
    const { attempts, beyond } = createPlan(input);
    expect(attempts.length + beyond).toBe(count);
    expect(attempts.length).toBe(Math.min(count, 24));
    expect(ms).toBeLessThan(boundMs);
  });
});

describe('a rule for a kind of task', () => {
  const raw = (task?: string): object => ({
    providers: { openai: { api: 'openai', apiKey: 'k' } },
    models: { own: { provider: 'openai', quality: 0.95, contextWindow: 9_000, capabilities: ['streaming'] } },
    routingRules: {
      simple_queries: { primary: ['gpt-4o-mini', 'gpt-4.1'], fallback: 'own', ...(task && { task }) },
    },
    surfaces: { s: { qualityFloor: 0.7 } },
  });

  it('holds floors against the rating in it, and a quality of the user’s own counts for every kind', () => {
    const catalog = new Catalog();
    for (const task of ['coding', 'math', 'hard_prompts'] as const) {
      const decided = plan(policyOf(raw(task)), { surface: 's' });
      const ratingOf = (name: string): number | undefined => qualityOf(catalog.find(name)!, task)?.value;
      const expected = ['gpt-4o-mini', 'gpt-4.1'].filter((name) => (ratingOf(name) ?? 0) >= 0.7);
      expect(decided.attempts.map(({ deployment }) => deployment.model.name).toSorted()).toEqual(
        [...expected, 'own'].toSorted(),
      );
      for (const { detail } of decided.rejected) expect(detail).toContain(`in ${task}`);
    }
  });
});
