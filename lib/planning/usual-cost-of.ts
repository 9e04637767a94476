import { usualCostUsd } from '../cost/index.js';
import type { Demand } from './demand.js';
import type { PolicyDeployment } from './policy-snapshot.js';
import { promptOf } from './prompt-of.js';

/** What a request costs at a deployment, about, in US dollars; undefined: its price is not known. */
export function usualCostOf(
  deployment: PolicyDeployment,
  { features, outputTokens }: Pick<Demand, 'features' | 'outputTokens'>,
): number | undefined {
  const { price, maxOutputTokens, contextWindow } = deployment;
  if (price === undefined) return undefined;
  return usualCostUsd(price, promptOf(deployment, features), {
    requested: outputTokens,
    modelMaxOutputTokens: maxOutputTokens,
    contextWindow,
  });
}
