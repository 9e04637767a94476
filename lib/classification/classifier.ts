import type { RequestFeatures } from './request-features.js';

/** The built-in classes, from the easiest up. */
export const BUILT_IN_CLASSES = ['simple_queries', 'complex_reasoning'] as const;

/**
 * What decided on a class. `scorer`: the score against the threshold. `class`: conditions of a class of the user's own.
 * `examples`: likeness to example prompts. `judge`: a model that was asked because the score was near the threshold.
 * `custom`: a classifier of the user's own.
 *
 * @publicApi
 */
export type ClassifiedBy = 'scorer' | 'class' | 'examples' | 'judge' | 'custom';

/**
 * What a request was found to be, and how that came about. Holds nothing of the prompt.
 *
 * @publicApi
 */
export interface Classification {
  /** The request class, which names the rule. */
  readonly class: string;
  /** How much the request needs a strong model, 0 to 1. */
  readonly score: number;
  /** Absent: there was nothing to decide (a request for embeddings). */
  readonly by?: ClassifiedBy;
  /** The score from which on a request of its surface is one of `complex_reasoning`. Absent as `by` is. */
  readonly threshold?: number;
  /** More of how it came about, for people. */
  readonly notes?: readonly string[];
}

/**
 * Says what is asked. Synchronous and bounded: it stands on the way of every request.
 */
export interface Classifier {
  classify(features: RequestFeatures): Classification;
}
