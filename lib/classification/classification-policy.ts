import type { NeedScorer } from './need-scorer.js';
import type { ClassificationInput, CustomClassifier } from '../config/index.js';
import type { Calibration } from './surface-thresholds.js';

/** A class of the user's own. */
export interface OwnClass {
  readonly name: string;
  readonly matches: (input: ClassificationInput) => boolean;
}

export interface ClassifierPolicy {
  readonly classify: CustomClassifier;
  readonly timeoutMs: number;
  /** The function as it was given: while it stays, what is known of its faults outlives a reload. */
  readonly key: object;
}

/** A scorer of the user's own weights. */
export interface KeyedScorer {
  readonly scorer: NeedScorer;
  /** The same weights, the same key: what was learned of their scores outlives a reload. */
  readonly key: string;
}

export interface ExamplesPolicy {
  readonly model: string;
  readonly examples: readonly { readonly class: string; readonly text: string }[];
  readonly minSimilarity: number;
  readonly timeoutMs: number;
  /** The same model and examples, the same key: their vectors outlive a reload. */
  readonly key: string;
}

export interface JudgePolicy {
  readonly model: string;
  readonly margin: number;
  readonly timeoutMs: number;
  /** The same model and upstreams, the same key. */
  readonly key: string;
}

/** How it is told what a request is: part of the policy, immutable. */
export interface ClassificationPolicy {
  /** Reads the score; undefined: the built-in one does. */
  readonly scorer: KeyedScorer | undefined;
  /** Of surfaces without their own; undefined: the scorer's default threshold. */
  readonly calibration: Calibration | undefined;
  /** In the order tried. */
  readonly classes: readonly OwnClass[];
  readonly classifier: ClassifierPolicy | undefined;
  readonly examples: ExamplesPolicy | undefined;
  readonly judge: JudgePolicy | undefined;
}
