import { TIERS } from '../telemetry/records.js';
import type { Plan } from './plan.js';

/**
 * The deployments that stood before the first call of the plan, were they not resting or failing, or turned away from by a
 * critical alert. They get too few calls to be judged by: whoever judges them counts these requests as well.
 */
export function findPassedOver({ attempts }: Pick<Plan, 'attempts'>): string[] {
  const [first, ...others] = attempts;
  if (first === undefined || first.deferral !== undefined) return [];
  const tier = TIERS.indexOf(first.tier);
  return others
    .filter((attempt) => attempt.isUnwell && TIERS.indexOf(attempt.tier) <= tier)
    .map(({ deployment }) => deployment.id);
}
