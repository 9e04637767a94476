import type { Demand } from './demand.js';
import { findRequestRejection } from './eligibility/find-rejection.js';
import { type CheapestCost, expectedCostUsd, type ExpectedUsage } from './expected-cost.js';
import type { StaticPass } from './static-pass.js';

/** Undefined: none that may serve has a price. */
export function findCheapest(
  { tiers }: StaticPass,
  demand: Demand,
  usage: ExpectedUsage,
): CheapestCost | undefined {
  let cheapest: number | undefined;
  for (const deployment of tiers.flatMap(({ standing }) => standing.deployments)) {
    if (deployment.price === undefined || findRequestRejection(deployment, demand) !== undefined) continue;
    const usd = expectedCostUsd(deployment.price, usage);
    if (cheapest === undefined || usd < cheapest) cheapest = usd;
  }
  return cheapest === undefined ? undefined : { usd: cheapest, usage };
}
