import { isWithinPrice, mixedPricePer1k } from '../cost/index.js';
import {
  type PolicyDeployment,
  type PolicyModel,
  type PolicyRule,
  type PolicySnapshot,
  type PolicySurface,
  staticRejection,
} from '../planning/index.js';
import type { Tier } from '../telemetry/index.js';
import type { DeploymentHealth } from './deployment-health.js';

/** Whether the requests of one class can be served now. */
export interface ClassAbility {
  /** The request class; `pinned` for a surface whose one model serves them all. */
  readonly requestClass: string;
  /** Of the rule that serves; empty: the floors leave no model, such requests are refused whatever the day. */
  readonly eligible: readonly DeploymentHealth[];
  readonly able: readonly DeploymentHealth[];
  /** The first tier with an able deployment; undefined: none. */
  readonly servingTier: Tier | undefined;
  /** The first tier with an eligible deployment: what serves on a good day. */
  readonly firstTier: Tier | undefined;
}

interface EligibleTier {
  readonly tier: Tier;
  readonly deployments: readonly PolicyDeployment[];
}

function eligibleDeployments(
  model: PolicyModel,
  surface: PolicySurface,
  rule: PolicyRule | undefined,
): readonly PolicyDeployment[] {
  if (staticRejection(model, surface, rule) !== undefined) return [];
  const cap = rule?.maxCostPer1k;
  return model.deployments.filter(
    ({ price }) => cap === undefined || (price !== undefined && isWithinPrice(mixedPricePer1k(price), cap)),
  );
}

function eligibleTiers(rule: PolicyRule, surface: PolicySurface): EligibleTier[] {
  return rule.tiers
    .map(({ tier, models }) => ({
      tier,
      deployments: models.flatMap((model) => eligibleDeployments(model, surface, rule)),
    }))
    .filter(({ deployments }) => deployments.length > 0);
}

/**
 * For each request class what planning would have to choose from: by rules, floors and prices, without the limits that
 * only a request brings (its length, its tools).
 */
export function findAbility(
  policy: PolicySnapshot,
  surface: PolicySurface,
  judge: (deployment: PolicyDeployment) => DeploymentHealth,
): ClassAbility[] {
  if (surface.pin !== undefined) {
    const deployments = eligibleDeployments(surface.pin, surface, undefined);
    return [abilityOf('pinned', [{ tier: 'primary', deployments }], judge)];
  }
  return [...policy.rulesForClass].map(([requestClass, rules]) => {
    // As planning does: the first rule with an eligible model serves, under its own limits.
    const tiers = rules.map((rule) => eligibleTiers(rule, surface)).find((found) => found.length > 0);
    return abilityOf(requestClass, tiers ?? [], judge);
  });
}

function abilityOf(
  requestClass: string,
  tiers: readonly EligibleTier[],
  judge: (deployment: PolicyDeployment) => DeploymentHealth,
): ClassAbility {
  const judged = tiers.map(({ tier, deployments }) => ({ tier, healths: deployments.map(judge) }));
  const isAble = ({ trouble }: DeploymentHealth): boolean => trouble === undefined;
  const eligible = judged.flatMap(({ healths }) => healths);
  return {
    requestClass,
    eligible,
    able: eligible.filter(isAble),
    servingTier: judged.find(({ healths }) => healths.some(isAble))?.tier,
    firstTier: judged[0]?.tier,
  };
}
