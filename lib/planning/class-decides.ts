import { isBinding } from './create-plan.js';
import type { PolicySnapshot, PolicySurface } from './policy-snapshot.js';

/** Whether the request's class says who serves it: not where a model is pinned or binds, nor where a rule is named. */
export function classDecides(
  policy: PolicySnapshot,
  surface: PolicySurface,
  requestedModel: string,
): boolean {
  if (surface.pin !== undefined) return false;
  if (requestedModel === 'auto') return true;
  if (policy.rules.has(requestedModel)) return false;
  const canonical = policy.modelNames.get(requestedModel);
  return canonical !== undefined && !isBinding(policy, requestedModel, canonical);
}
