import { Catalog } from '../catalog/index.js';
import type { ModelPrice } from '../catalog/catalog-model.js';
import { BUILT_IN_CLASSES } from '../classification/index.js';
import { didYouMean, type LlmRouterConfiguration } from '../config/index.js';
import { ConfigurationError, type ConfigurationIssue } from '../errors/configuration-error.js';
import { checkBackground } from './check-background.js';
import { checkProvenance } from './check-provenance.js';
import { checkProviders } from './check-providers.js';
import { observeBy } from './observe-by.js';
import { checkRuleNames } from './check-rule-names.js';
import { compileBaseline } from './compile-baseline.js';
import { compileBudgets } from './compile-budgets.js';
import { ModelCompiler } from './compile-models.js';
import { compilePeakHours } from './compile-peak-hours.js';
import { compileClassification } from './compile-classification.js';
import { compileRule } from './compile-rule.js';
import { compileSurface, emptySurface } from './compile-surface.js';
import { deriveRules } from './derive-rules.js';
import { harderRule } from './harder-rule.js';
import { hashConfiguration } from './hash-configuration.js';
import { bindsByName, NameResolver } from './name-resolver.js';
import { orderRules } from './order-rules.js';
import {
  NO_SURFACE,
  type PolicyExecution,
  type PolicyModel,
  type PolicyRule,
  type PolicySnapshot,
  type PolicySurface,
} from './policy-snapshot.js';
import { proveHops } from './prove-hops.js';
import { warnUnpriced } from './warn-unpriced.js';
import { proveSurfaces } from './prove-surfaces.js';
import { ProofNotes } from './proof-notes.js';
import { rankingChoice } from './ranking-choice.js';

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
  if (Object.keys(configuration.providers ?? {}).length === 0) {
    notes.error(
      'providers',
      'there is none: configure one, or set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY',
    );
  }
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
  const { classes, examples } = configuration.classification;
  const produced = new Set([...Object.keys(classes ?? {}), ...Object.keys(examples?.classes ?? {})]);
  checkRuleNames(Object.keys(configuration.routingRules ?? {}), notes, produced);
  // Before rules are derived: nobody can mend a hop that nobody wrote.
  proveHops(rules, notes);
  if (!BUILT_IN_CLASSES.some((name) => rules.has(name)) && notes.errors.length === 0) {
    for (const rule of deriveRules(configuration, models, catalog)) rules.set(rule.name, rule);
  }
  if (rules.size === 0 && notes.errors.length === 0) {
    notes.error(
      '',
      'no model can be called: name one in `routingRules`, or under `models` with its `provider`',
    );
  }

  const areRulesKnown = notes.areRulesKnown && rules.size > 0;
  const surfaces = new Map<string, PolicySurface>();
  for (const [name, options] of Object.entries(configuration.surfaces ?? {})) {
    surfaces.set(name, compileSurface(name, options, names, notes));
  }
  const rulesForClass = orderRules(rules);
  for (const [name, { verify }] of rules) {
    if (verify === undefined || harderRule({ rules, rulesForClass }, name, name) !== undefined) continue;
    notes.warn(`routingRules.${name}.verify`, 'there is no harder rule to go on to: nothing is looked at');
  }
  proveSurfaces(surfaces, rulesForClass, areRulesKnown, notes);
  checkKeys(configuration, surfaces, notes);
  configuration.health.failOnSurfaces?.forEach((surface, index) => {
    checkSurface(`health.failOnSurfaces[${index}]`, surface, surfaces, notes);
  });
  const classification = compileClassification(configuration, names, surfaces, notes);
  const baseline = compileBaseline(configuration.baseline, names, notes);
  const observedBaseline =
    configuration.mode === 'observe' ? observeBy(baseline, models, surfaces, notes) : undefined;
  const budgets = compileBudgets(configuration, notes);
  warnUnpriced(budgets, rules.values(), surfaces.values(), notes);
  checkBackground(configuration.background, notes);
  checkProvenance(configuration, notes);
  const peakHours = compilePeakHours(
    configuration.peakHours,
    configuration.ranking.preset ?? 'balanced',
    notes,
  );

  const errors = configuration.strict ? [...notes.errors, ...notes.warnings] : notes.errors;
  if (errors.length > 0) throw new ConfigurationError(errors, !areRulesKnown && surfaces.size > 0);
  const { execution } = configuration;
  return {
    policy: {
      hash: hashConfiguration(configuration),
      modelNames: names.all(),
      models,
      rules,
      rulesForClass,
      surfaces,
      defaultSurface: emptySurface(NO_SURFACE),
      clientModel: configuration.clientModel,
      unsupportedParameters: configuration.unsupportedParameters,
      bindingNames: new Set([...names.all().keys()].filter((name) => bindsByName(name, catalog))),
      embeddingNames: new Set([...names.all().keys()].filter((name) => names.makesEmbeddings(name))),
      classification,
      execution: {
        maxAttempts: execution.maxAttempts,
        deadlineMs: execution.deadlineMs ?? undefined,
        timeouts: {
          connectMs: execution.timeouts.connectMs,
          firstTokenMs: execution.timeouts.firstTokenMs ?? undefined,
          idleMs: execution.timeouts.idleMs,
          maxStreamMs: execution.timeouts.maxStreamMs,
        },
        retries: execution.retries,
        breaker: execution.breaker,
        concurrency: execution.concurrency,
        queue: { maxSize: execution.queue.maxSize, maxWaitMs: execution.queue.maxWaitMs ?? undefined },
        hedge: execution.hedge,
        minuteLimits: minuteLimitsOf(models),
      },
      ranking: {
        ...rankingChoice(configuration.ranking),
        exploration: configuration.ranking.exploration,
      },
      dearest: dearestOf([...rules.values()], [...surfaces.values()], models),
      baseline,
      observedBaseline,
      budgets,
      peakHours,
    },
    warnings: [...notes.warnings, ...notes.remarks],
  };
}

function minuteLimitsOf(models: ReadonlyMap<string, PolicyModel>): PolicyExecution['minuteLimits'] {
  const deployments = [...models.values()].flatMap((model) => model.deployments);
  return new Map(
    deployments
      .filter((one) => one.requestsPerMinute !== undefined || one.tokensPerMinute !== undefined)
      .map(({ id, requestsPerMinute, tokensPerMinute }) => [id, { requestsPerMinute, tokensPerMinute }]),
  );
}

/** The highest prices of the models that rules and pins name, or of all where none is priced: a yardstick alone. */
function dearestOf(
  rules: readonly PolicyRule[],
  surfaces: readonly PolicySurface[],
  models: ReadonlyMap<string, PolicyModel>,
): PolicySnapshot['dearest'] {
  const named = [
    ...rules.flatMap(({ tiers }) => tiers.flatMap((tier) => tier.models)),
    ...surfaces.flatMap(({ pin }) => pin ?? []),
  ];
  const pricesOf = (list: readonly PolicyModel[]): ModelPrice[] =>
    list.flatMap(({ deployments }) => deployments.flatMap(({ price }) => price ?? []));
  const ofNamed = pricesOf(named);
  const prices = ofNamed.length > 0 ? ofNamed : pricesOf([...models.values()]);
  return {
    inputPer1M: Math.max(0, ...prices.map(({ inputPer1M }) => inputPer1M)),
    outputPer1M: Math.max(0, ...prices.map(({ outputPer1M }) => outputPer1M)),
  };
}

function checkKeys(
  configuration: LlmRouterConfiguration,
  surfaces: ReadonlyMap<string, PolicySurface>,
  notes: ProofNotes,
): void {
  configuration.http.apiKeys?.forEach((entry, index) => {
    for (const surface of entry.surfaces ?? []) {
      checkSurface(`http.apiKeys[${index}].surfaces`, surface, surfaces, notes);
    }
  });
}

function checkSurface(
  path: string,
  surface: string,
  surfaces: ReadonlyMap<string, PolicySurface>,
  notes: ProofNotes,
): void {
  if (surfaces.has(surface)) return;
  notes.error(path, `there is no surface "${surface}".${didYouMean(surface, surfaces.keys())}`);
}
