import type { RequestFeatures } from '../classification/index.js';
import { mostCostUsd } from '../cost/index.js';
import { type Plan, promptOf } from '../planning/index.js';

/**
 * The most that carrying a plan out can cost, in US dollars: its dearest attempt, so often as copies of it may be under
 * way. Attempts that failed before are rarely billed.
 *
 * @param outputTokens - The most that is written where the plan sets no limit; undefined: what the model can.
 */
export function mostCostOf(
  { attempts, maxCostUsd }: Plan,
  features: RequestFeatures,
  copies: number,
  outputTokens?: number,
): number {
  let most = 0;
  for (const { deployment, maxOutputTokens } of attempts) {
    const { price, maxOutputTokens: modelMaxOutputTokens, contextWindow } = deployment;
    if (price === undefined) continue;
    const requested = maxOutputTokens ?? outputTokens;
    const prompt = promptOf(deployment, features);
    most = Math.max(most, mostCostUsd(price, prompt, { requested, modelMaxOutputTokens, contextWindow }));
  }
  return Math.min(most * copies, maxCostUsd ?? Number.POSITIVE_INFINITY);
}
