import { type Catalog, isEmbeddingModel } from '../catalog/index.js';
import type { LlmRouterConfiguration } from '../config/index.js';
import { mixedPricePer1k } from '../cost/index.js';
import { TIERS } from '../telemetry/records.js';
import { DEFAULT_TARGET_LATENCY_MS } from './default-targets.js';
import { bindsByName } from './name-resolver.js';
import type { PolicyModel, PolicyRule } from './policy-snapshot.js';

/**
 * Rules for an application that writes none: the user's models, or the catalogue's that its providers serve; the
 * cheapest three for simple questions, the best three for hard ones.
 */
export function deriveRules(
  configuration: LlmRouterConfiguration,
  models: ReadonlyMap<string, PolicyModel>,
  catalog: Catalog,
): PolicyRule[] {
  const own = Object.keys(configuration.models ?? {})
    .flatMap((name) => models.get(name) ?? [])
    .filter(({ capabilities }) => capabilities === undefined || !isEmbeddingModel(capabilities));
  const candidates =
    own.length > 0
      ? own
      : [...models.values()].filter(
          (model) =>
            model.quality !== undefined &&
            !bindsByName(model.name, catalog) &&
            catalog.find(model.name)?.deprecated !== true,
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
        timeouts: {},
        models: [model],
      };
    }),
    maxCostPer1k: undefined,
    maxLatencyMs: undefined,
    isDerived: true,
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
