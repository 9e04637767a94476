import { createHash } from 'node:crypto';
import { Catalog, qualityOf } from '../catalog/index.js';
import { BUILT_IN_CLASSES } from '../classification/index.js';
import {
  type LlmRouterConfiguration,
  type RuleOptions,
  type SurfaceOptions,
  didYouMean,
} from '../config/index.js';
import { isWithinPrice, mixedPricePer1k } from '../cost/index.js';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { TIERS, type Tier } from '../telemetry/records.js';
import { homeApi, ModelCompiler } from './compile-models.js';
import {
  NO_SURFACE,
  type PolicyModel,
  type PolicyRule,
  type PolicySnapshot,
  type PolicySurface,
  type PolicyTier,
} from './policy-snapshot.js';
import { proveHops } from './prove-hops.js';
import { proveSurfaces } from './prove-surfaces.js';
import { ProofNotes } from './proof-notes.js';

const DEFAULT_TARGET_LATENCY_MS: Readonly<Record<Tier, number>> = {
  primary: 1_500,
  secondary: 3_000,
  tertiary: 10_000,
};

export interface CompiledPolicy {
  readonly policy: PolicySnapshot;
  readonly warnings: readonly ConfigurationIssue[];
}

/**
 * Compiles a configuration into the policy and proves it: every rule and surface has a model that can be called.
 *
 * @throws {@link ConfigurationError} with every problem; under `strict` with every warning too.
 */
export function compilePolicy(
  configuration: LlmRouterConfiguration,
  catalog: Catalog = new Catalog(),
): CompiledPolicy {
  const notes = new ProofNotes();
  checkProviders(configuration, notes);
  const compiler = new ModelCompiler(configuration, catalog, notes);
  compiler.compile();
  const { models } = compiler;
  const names = new NameResolver(configuration, catalog, models);

  const rules = new Map<string, PolicyRule>();
  for (const [name, options] of Object.entries(configuration.routingRules ?? {})) {
    const rule = compileRule(name, options, names, notes);
    if (rule !== undefined) rules.set(name, rule);
    if (names.isModel(name)) {
      notes.warn(`routingRules.${name}`, 'has the name of a model: clients that name it get the rule');
    }
  }
  // Before rules are derived: nobody can mend a hop that nobody wrote.
  proveHops(rules, notes);
  if (!BUILT_IN_CLASSES.some((name) => rules.has(name)) && notes.errors.length === 0) {
    for (const rule of deriveRules(configuration, models, catalog)) rules.set(rule.name, rule);
  }
  if (rules.size === 0 && notes.errors.length === 0) {
    notes.error(
      '',
      'no model can be called: configure `providers` (or set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY) and `routingRules`',
    );
  }

  const surfaces = new Map<string, PolicySurface>();
  for (const [name, options] of Object.entries(configuration.surfaces ?? {})) {
    surfaces.set(name, compileSurface(name, options, names, notes));
  }
  const rulesForClass = orderRules(rules);
  proveSurfaces(surfaces, rulesForClass, notes);
  checkKeys(configuration, surfaces, notes);

  const errors = configuration.strict ? [...notes.errors, ...notes.warnings] : notes.errors;
  if (errors.length > 0) throw new ConfigurationError(errors);
  const { timeouts, maxAttempts, deadlineMs } = configuration.execution;
  return {
    policy: {
      hash: hashOf(configuration),
      modelNames: names.all(),
      models,
      rules,
      rulesForClass,
      surfaces,
      defaultSurface: emptySurface(NO_SURFACE),
      clientModel: configuration.clientModel,
      bindingNames: new Set([...names.all().keys()].filter((name) => bindsByName(name, catalog))),
      execution: {
        maxAttempts,
        deadlineMs: deadlineMs ?? undefined,
        timeouts: {
          connectMs: timeouts.connectMs,
          firstTokenMs: timeouts.firstTokenMs ?? undefined,
          idleMs: timeouts.idleMs,
          maxStreamMs: timeouts.maxStreamMs,
        },
      },
    },
    warnings: notes.warnings,
  };
}

/** Fine-tuned ids and dated snapshots name one exact model. */
function bindsByName(name: string, catalog: Catalog): boolean {
  return name.startsWith('ft:') || catalog.isDatedSnapshot(name);
}

/** Names to models: the user's own first, then the catalogue's names and aliases. */
class NameResolver {
  readonly #names = new Map<string, string>();

  constructor(
    configuration: LlmRouterConfiguration,
    private readonly catalog: Catalog,
    private readonly models: ReadonlyMap<string, PolicyModel>,
  ) {
    for (const name of [...catalog.names(), ...catalog.aliases().keys()]) {
      const facts = catalog.find(name);
      if (facts !== undefined) this.#names.set(name, facts.name);
    }
    for (const name of Object.keys(configuration.models ?? {})) this.#names.set(name, name);
  }

  all(): ReadonlyMap<string, string> {
    return this.#names;
  }

  isModel(name: string): boolean {
    return this.#names.has(name);
  }

  /** The model a rule or surface names; a name nobody knows is an error, one nobody serves is undefined. */
  resolve(name: string, path: string, notes: ProofNotes): PolicyModel | undefined {
    const canonical = this.#names.get(name);
    if (canonical === undefined) {
      notes.error(path, `there is no model "${name}".${didYouMean(name, this.#names.keys())}`);
      return undefined;
    }
    return this.models.get(canonical);
  }

  /** A floor's number: its own, or the quality of the model it names. */
  floor(
    value: number | string | undefined,
    kind: 'quality' | 'safety',
    path: string,
    notes: ProofNotes,
  ): number | undefined {
    if (value === undefined || typeof value === 'number') return value;
    const canonical = this.#names.get(value);
    if (canonical === undefined) {
      notes.error(
        path,
        `must be a number from 0 to 1 or a model's name; there is no model "${value}".${didYouMean(value, this.#names.keys())}`,
      );
      return undefined;
    }
    const facts = this.catalog.find(canonical);
    const model = this.models.get(canonical);
    const rating =
      kind === 'safety'
        ? model?.safety
        : (model?.quality ?? (facts === undefined ? undefined : qualityOf(facts)?.value));
    if (rating === undefined) {
      notes.error(
        path,
        `the model "${value}" has no ${kind} rating: give a number, or add \`models.${canonical}.${kind}: <0 to 1>\``,
      );
    }
    return rating;
  }

  /** Why a known model cannot be called. */
  whyNotCallable(name: string): string {
    const facts = this.catalog.find(name);
    return facts === undefined ? '' : homeApi(facts).replace(/^, or /, '');
  }
}

function checkProviders(configuration: LlmRouterConfiguration, notes: ProofNotes): void {
  for (const [name, provider] of Object.entries(configuration.providers ?? {})) {
    if (provider.api === 'openai-compatible' && !provider.baseUrl) {
      notes.error(`providers.${name}.baseUrl`, 'is required for api "openai-compatible"');
    }
    if (provider.api !== 'openai-compatible' && !provider.apiKey && !provider.baseUrl) {
      notes.error(`providers.${name}.apiKey`, 'is required: best as "${NAME}" of an environment variable');
    }
  }
}

function asList(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

function compileRule(
  name: string,
  options: RuleOptions,
  names: NameResolver,
  notes: ProofNotes,
): PolicyRule | undefined {
  const path = `routingRules.${name}`;
  const steps =
    options.tiers?.map((tier, index) => ({
      key: `tiers[${index}].models`,
      models: asList(tier.models),
      targetLatencyMs: tier.targetLatencyMs ?? undefined,
    })) ??
    (['primary', 'fallback', 'emergency'] as const).map((key) => ({
      key,
      models: asList(options[key]),
      targetLatencyMs: undefined,
    }));

  const maxCostPer1k = options.maxCostPer1k ?? undefined;
  const unpriced: string[] = [];
  const isEveryNameKnown = steps.every(({ models }) => models.every((model) => names.isModel(model)));
  const tiers: PolicyTier[] = [];
  const seen = new Set<string>();
  steps.forEach((step, index) => {
    const tier = TIERS[index];
    if (tier === undefined || step.models.length === 0) return;
    const models: PolicyModel[] = [];
    for (const [position, modelName] of step.models.entries()) {
      const where = `${path}.${step.key}${step.models.length > 1 ? `[${position}]` : ''}`;
      const model = names.resolve(modelName, where, notes);
      if (model === undefined) {
        if (names.isModel(modelName)) {
          notes.warn(
            where,
            `no provider serves "${modelName}", it is left out; ${names.whyNotCallable(modelName) || 'name its provider under `models`'}`,
          );
        }
        continue;
      }
      if (seen.has(model.name)) {
        notes.warn(where, `"${model.name}" already stands in this rule; the second mention is left out`);
        continue;
      }
      seen.add(model.name);
      if (maxCostPer1k !== undefined && !isUnderPriceCap(model, maxCostPer1k)) {
        unpriced.push(model.name);
        notes.warn(
          where,
          `"${model.name}" is over \`maxCostPer1k\` (${priceText(model)}) and will never serve this rule`,
        );
      }
      models.push(model);
    }
    if (models.length > 0) {
      tiers.push({
        tier,
        targetLatencyMs: step.targetLatencyMs ?? DEFAULT_TARGET_LATENCY_MS[tier],
        isTargetExplicit: step.targetLatencyMs !== undefined,
        models,
      });
    }
  });
  if (tiers.flatMap((tier) => tier.models).every((model) => unpriced.includes(model.name))) {
    // A misspelt name is an error of its own; saying twice that nothing is left would only hide it.
    if (isEveryNameKnown) {
      notes.error(
        path,
        unpriced.length > 0
          ? `no model of this rule is within \`maxCostPer1k\` ${String(maxCostPer1k)}`
          : 'no model of this rule can be called: no provider serves any of them',
      );
    }
    return undefined;
  }
  return { name, tiers, maxCostPer1k, maxLatencyMs: options.maxLatencyMs ?? undefined };
}

function isUnderPriceCap(model: PolicyModel, maxCostPer1k: number): boolean {
  return model.deployments.some(
    ({ price }) => price !== undefined && isWithinPrice(mixedPricePer1k(price), maxCostPer1k),
  );
}

function priceText(model: PolicyModel): string {
  const price = model.deployments[0]?.price;
  return price === undefined ? 'no price known' : `$${mixedPricePer1k(price).toFixed(5)} per 1,000 tokens`;
}

function emptySurface(name: string): PolicySurface {
  return {
    name,
    qualityFloor: undefined,
    safetyFloor: undefined,
    workload: 'interactive',
    latencySloMs: undefined,
    maxCostPerRequest: undefined,
    pin: undefined,
    maxOutputTokens: undefined,
  };
}

function compileSurface(
  name: string,
  options: SurfaceOptions,
  names: NameResolver,
  notes: ProofNotes,
): PolicySurface {
  const path = `surfaces.${name}`;
  if (name === NO_SURFACE) notes.error(path, `"${NO_SURFACE}" is the label of requests without a surface`);
  const pin = options.pin ? names.resolve(options.pin, `${path}.pin`, notes) : undefined;
  if (options.pin && pin === undefined && names.isModel(options.pin)) {
    notes.error(`${path}.pin`, `no provider serves "${options.pin}"; ${names.whyNotCallable(options.pin)}`);
  }
  return {
    name,
    qualityFloor: names.floor(options.qualityFloor, 'quality', `${path}.qualityFloor`, notes),
    safetyFloor: names.floor(options.safetyFloor, 'safety', `${path}.safetyFloor`, notes),
    workload: options.workload ?? 'interactive',
    latencySloMs: options.latencySloMs ?? undefined,
    maxCostPerRequest: options.maxCostPerRequest ?? undefined,
    pin,
    maxOutputTokens: options.maxOutputTokens ?? undefined,
  };
}

function checkKeys(
  configuration: LlmRouterConfiguration,
  surfaces: ReadonlyMap<string, PolicySurface>,
  notes: ProofNotes,
): void {
  configuration.http.apiKeys?.forEach((entry, index) => {
    for (const surface of entry.surfaces ?? []) {
      if (!surfaces.has(surface)) {
        notes.error(
          `http.apiKeys[${index}].surfaces`,
          `there is no surface "${surface}".${didYouMean(surface, surfaces.keys())}`,
        );
      }
    }
  });
}

/** For each class the rules in the order tried: its own and the harder ones, or the hardest where it has none. */
function orderRules(rules: ReadonlyMap<string, PolicyRule>): Map<string, readonly PolicyRule[]> {
  const ladder = BUILT_IN_CLASSES.map((name) => rules.get(name));
  const order = new Map<string, readonly PolicyRule[]>();
  BUILT_IN_CLASSES.forEach((name, index) => {
    const harder = ladder.slice(index).filter((rule) => rule !== undefined);
    const easier = ladder.slice(0, index).filter((rule) => rule !== undefined);
    order.set(name, harder.length > 0 ? harder : easier.slice(-1));
  });
  for (const [name, rule] of rules) if (!order.has(name)) order.set(name, [rule]);
  return order;
}

/**
 * Rules for an application that writes none: the user's models, or the catalogue's that its providers serve; the
 * cheapest three for simple questions, the best three for hard ones.
 */
function deriveRules(
  configuration: LlmRouterConfiguration,
  models: ReadonlyMap<string, PolicyModel>,
  catalog: Catalog,
): PolicyRule[] {
  const own = Object.keys(configuration.models ?? {}).flatMap((name) => models.get(name) ?? []);
  const candidates =
    own.length > 0
      ? own
      : [...models.values()].filter(
          (model) => model.quality !== undefined && !bindsByName(model.name, catalog),
        );
  const priceOf = (model: PolicyModel): number => {
    const price = model.deployments[0]?.price;
    return price === undefined ? Number.POSITIVE_INFINITY : mixedPricePer1k(price);
  };
  const rule = (name: string, ordered: PolicyModel[]): PolicyRule => ({
    name,
    tiers: ordered.slice(0, TIERS.length).map((model, index) => {
      const tier = TIERS[index] ?? 'tertiary';
      return {
        tier,
        targetLatencyMs: DEFAULT_TARGET_LATENCY_MS[tier],
        isTargetExplicit: false,
        models: [model],
      };
    }),
    maxCostPer1k: undefined,
    maxLatencyMs: undefined,
  });
  if (candidates.length === 0) return [];
  const byPrice = candidates.toSorted((first, second) => compare(priceOf(first), priceOf(second)));
  const byQuality = candidates.toSorted((first, second) => compare(second.quality ?? 0, first.quality ?? 0));
  return [rule('simple_queries', byPrice), rule('complex_reasoning', byQuality)];
}

/** Infinity minus Infinity is not a number; a comparison is. */
function compare(first: number, second: number): number {
  return first < second ? -1 : first > second ? 1 : 0;
}

/** By place and not by name: a surface may well be called `key`. */
function hashOf(configuration: LlmRouterConfiguration): string {
  const { providers, http } = configuration;
  const text = JSON.stringify([
    without(configuration, 'providers', 'http'),
    Object.entries(providers ?? {}).map(([name, provider]) => [name, without(provider, 'apiKey')]),
    without(http, 'apiKeys'),
    http.apiKeys?.map((entry) => without(entry, 'key')),
  ]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function without(value: object, ...keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
}
