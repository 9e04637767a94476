import type { RequestFeatures } from '../classification/index.js';
import type { PolicyDeployment } from './policy-snapshot.js';

/** The features as one deployment gets the request: thinking of earlier turns counts where it is sent along. */
export function promptOf({ replaysThinking }: PolicyDeployment, features: RequestFeatures): RequestFeatures {
  if (!replaysThinking || features.thinkingTokens === 0) return features;
  return { ...features, inputTokens: features.inputTokens + features.thinkingTokens };
}
