import type { Demand } from './demand.js';
import { findRejection } from './eligibility/find-rejection.js';
import type { PolicyTier } from './policy-snapshot.js';
import { usualCostOf } from './usual-cost-of.js';

/** The lowest cost of a request at those that may serve it, in US dollars; undefined: none has a price. */
export function findCheapest(tiers: readonly PolicyTier[], demand: Demand): number | undefined {
  let cheapest: number | undefined;
  for (const deployment of tiers.flatMap(({ models }) => models).flatMap(({ deployments }) => deployments)) {
    if (findRejection(deployment, demand) !== undefined) continue;
    const usd = usualCostOf(deployment, demand);
    if (usd !== undefined && (cheapest === undefined || usd < cheapest)) cheapest = usd;
  }
  return cheapest;
}
