import type { AnswerFault } from '../telemetry/index.js';

/**
 * How good the answers of one model were, for one class, on one surface.
 *
 * @publicApi
 */
export interface QualityFigures {
  readonly model: string;
  readonly requestClass: string;
  /** The surface's name, or `none`. */
  readonly surface: string;
  /** Answers that were looked at. */
  readonly evaluated: number;
  /** Their mean by their faults, 0 to 1, to four digits; null: there was none. */
  readonly score: number | null;
  /** Answers that had each fault. */
  readonly faults: Readonly<Record<AnswerFault, number>>;
  /** What was said of answers by people, or by whatever else calls `feedback`. */
  readonly feedback: { readonly count: number; readonly score: number | null };
}

/**
 * The quality of answers, over a sliding window.
 *
 * @publicApi
 */
export interface QualityReport {
  readonly windowMs: number;
  /** Those with the most answers first. */
  readonly scores: readonly QualityFigures[];
}
