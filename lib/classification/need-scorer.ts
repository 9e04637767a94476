import type { RequestFeatures } from './request-features.js';

/**
 * Says how much a request needs a strong model, 0 to 1. Synchronous and bounded: it stands on the way of every request.
 *
 * @publicApi
 */
export interface NeedScorer {
  score(features: RequestFeatures): number;
}
