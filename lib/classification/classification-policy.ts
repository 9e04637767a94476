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
}

/** How it is told what a request is: part of the policy, immutable. */
export interface ClassificationPolicy {
  /** Reads the score; undefined: the built-in one does. */
  readonly scorer: NeedScorer | undefined;
  /** Of surfaces without their own; undefined: the scorer's default threshold. */
  readonly calibration: Calibration | undefined;
  /** In the order tried. */
  readonly classes: readonly OwnClass[];
  readonly classifier: ClassifierPolicy | undefined;
  readonly examples: ExamplesPolicy | undefined;
  readonly judge: JudgePolicy | undefined;
}
