import type { PolicyDeployment, PolicyModel, PolicySnapshot } from '../planning/index.js';
import type { LiveDeployment } from '../signals/index.js';

/** What requests may be routed to. */
export function modelsInRules(policy: PolicySnapshot): Set<PolicyModel> {
  const models = new Set<PolicyModel>();
  for (const rule of policy.rules.values()) {
    for (const tier of rule.tiers) for (const model of tier.models) models.add(model);
  }
  for (const { pin } of policy.surfaces.values()) if (pin !== undefined) models.add(pin);
  return models;
}

/** It has been called since the boot, or is being called. */
export function hasTraffic({ inFlight, lastSuccessAtMs, lastErrorAtMs }: LiveDeployment): boolean {
  return inFlight > 0 || lastSuccessAtMs !== undefined || lastErrorAtMs !== undefined;
}

/** The deployments of those, in the order of the configuration. */
export function deploymentsInRules(policy: PolicySnapshot): readonly PolicyDeployment[] {
  const models = modelsInRules(policy);
  return [...policy.models.values()]
    .filter((model) => models.has(model))
    .flatMap(({ deployments }) => deployments);
}
