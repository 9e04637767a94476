import { isEmbeddingModel } from '../catalog/index.js';
import type { VerifyPolicy } from '../classification/index.js';
import type { RuleOptions, VerifyOptions } from '../config/index.js';
import { isWithinPrice, mixedPricePer1k } from '../cost/index.js';
import { TIERS } from '../telemetry/records.js';
import { DEFAULT_TARGET_LATENCY_MS } from './default-targets.js';
import type { NameResolver } from './name-resolver.js';
import { ownTimeouts } from './own-timeouts.js';
import type { PolicyModel, PolicyRule, PolicyTier } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';
import { rankingChoice } from './ranking-choice.js';

function asList(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/**
 * One rule with its models resolved; undefined where none of them can be called, which is noted. One that is refused
 * for its price cap is given without it, as what it would be once the cap is mended.
 */
export function compileRule(
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
      timeouts: ownTimeouts(tier.timeouts),
    })) ??
    (['primary', 'fallback', 'emergency'] as const).map((key) => ({
      key,
      models: asList(options[key]),
      targetLatencyMs: undefined,
      timeouts: {},
    }));

  const limits = {
    maxLatencyMs: options.maxLatencyMs ?? undefined,
    task: options.task ?? undefined,
    verify: compileVerify(options.verify, `${path}.verify`, notes),
    ranking: rankingChoice(options.ranking),
  };
  const maxCostPer1k = options.maxCostPer1k ?? undefined;
  const unpriced: PolicyModel[] = [];
  const refused: string[] = [];
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
            `no provider serves "${modelName}", it is left out; ${names.howToServe(modelName)}`,
          );
        }
        continue;
      }
      if (model.capabilities !== undefined && isEmbeddingModel(model.capabilities)) {
        notes.error(where, `"${model.name}" makes embeddings and answers no chat`);
        refused.push(model.name);
        continue;
      }
      if (seen.has(model.name)) {
        notes.warn(where, `"${model.name}" already stands in this rule; the second mention is left out`);
        continue;
      }
      seen.add(model.name);
      if (maxCostPer1k !== undefined && !isUnderPriceCap(model, maxCostPer1k)) {
        unpriced.push(model);
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
        timeouts: step.timeouts,
        models,
      });
    }
  });
  // A misspelt name is an error of its own; saying twice that nothing is left would only hide it.
  const isWhole = isEveryNameKnown && refused.length === 0;
  if (tiers.length === 0) {
    const named = steps.flatMap(({ models }) => models);
    // A rule without a name has an error of its own as well.
    if (isWhole && named.length > 0) {
      const ways = new Set(named.map((model) => names.howToServe(model)));
      notes.error(
        path,
        `no model of this rule can be called: no provider serves any of them; ${[...ways].join(', or ')}`,
      );
    }
    return undefined;
  }
  if (tiers.flatMap((tier) => tier.models).every((model) => unpriced.includes(model))) {
    if (!isWhole) return undefined;
    const prices = unpriced.map((model) => `${model.name}: ${priceText(model)}`).join(', ');
    notes.errorBeside(
      path,
      `no model of this rule is within \`maxCostPer1k\` ${String(maxCostPer1k)} (${prices})`,
    );
    return { name, tiers, maxCostPer1k: undefined, ...limits };
  }
  return { name, tiers, maxCostPer1k, ...limits };
}

function compileVerify(
  options: VerifyOptions | undefined,
  path: string,
  notes: ProofNotes,
): VerifyPolicy | undefined {
  if (options === undefined) return undefined;
  const { schema = false, confidence, verifier, timeoutMs } = options;
  if (!schema && confidence === undefined && verifier === undefined) {
    notes.errorBeside(path, 'checks nothing: give it `schema`, `confidence`, or in code `verifier`');
  }
  return { schema, confidence, verifier, timeoutMs };
}

function isUnderPriceCap(model: PolicyModel, maxCostPer1k: number): boolean {
  return model.deployments.some(
    ({ price }) => price !== undefined && isWithinPrice(mixedPricePer1k(price), maxCostPer1k),
  );
}

function priceText(model: PolicyModel): string {
  const prices = model.deployments.flatMap(({ price }) =>
    price === undefined ? [] : mixedPricePer1k(price),
  );
  // Four places that count, so that a price just over the cap does not read like the cap.
  return prices.length === 0
    ? 'no price known'
    : `$${Number(Math.min(...prices).toPrecision(4))} per 1,000 tokens`;
}
