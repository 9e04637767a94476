import { isEmbeddingModel } from '../catalog/index.js';
import type { RuleOptions } from '../config/index.js';
import { isWithinPrice, mixedPricePer1k } from '../cost/index.js';
import { TIERS } from '../telemetry/records.js';
import { DEFAULT_TARGET_LATENCY_MS } from './default-targets.js';
import type { NameResolver } from './name-resolver.js';
import type { PolicyModel, PolicyRule, PolicyTier } from './policy-snapshot.js';
import type { ProofNotes } from './proof-notes.js';

function asList(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** One rule with its models resolved; undefined where none of them can serve, which is noted. */
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
    })) ??
    (['primary', 'fallback', 'emergency'] as const).map((key) => ({
      key,
      models: asList(options[key]),
      targetLatencyMs: undefined,
    }));

  const maxCostPer1k = options.maxCostPer1k ?? undefined;
  const unpriced: string[] = [];
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
            `no provider serves "${modelName}", it is left out; ${names.whyNotCallable(modelName) || 'name its provider under `models`'}`,
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
    if (isEveryNameKnown && refused.length === 0) {
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
