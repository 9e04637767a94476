import type { RequestFeatures } from './request-features.js';

/** The built-in classes, from the easiest up. */
export const BUILT_IN_CLASSES = ['simple_queries', 'complex_reasoning'] as const;

/**
 * What a classifier says of a request.
 *
 * @publicApi
 */
export interface Classification {
  /** The request class, which names the rule. */
  readonly class: string;
  /** How much the request needs a strong model, 0 to 1. */
  readonly score: number;
}

/**
 * Says what is asked. Synchronous and bounded: it stands on the way of every request.
 */
export interface Classifier {
  classify(features: RequestFeatures): Classification;
}
