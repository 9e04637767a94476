import { priceForPrompt } from '../cost/index.js';
import type { RequestFeatures } from '../classification/index.js';
import type { PolicyDeployment } from './policy-snapshot.js';

/** Why the prompt alone is over a cap, in words; undefined where it is not. */
export function findInputCost(
  { price }: PolicyDeployment,
  { inputTokens }: RequestFeatures,
  capUsd: number | undefined,
): string | undefined {
  if (capUsd === undefined) return undefined;
  if (price === undefined) return `no price known, the surface allows $${capUsd} a request`;
  const usd = (inputTokens * priceForPrompt(price, inputTokens).inputPer1M) / 1_000_000;
  return usd <= capUsd
    ? undefined
    : `costs about $${usd.toPrecision(2)}, the surface allows $${capUsd} a request`;
}
