import type { Classification } from '../../classification/index.js';
import type { RankingTerms, RejectionReason } from '../plan.js';
import type { RankingPreset } from '../ranking-preset.js';
import type { RankingWeights } from '../ranking-weights.js';
import type { Tier } from '../../telemetry/index.js';

/** One call the plan intends. */
export interface ExplainedAttempt {
  readonly model: string;
  readonly provider: string;
  readonly deployment: string;
  readonly tier: Tier;
  readonly targetLatencyMs: number;
  /** If it has not begun to answer by then it is given up on for the next one; null: it is waited for. */
  readonly moveOnAfterMs: number | null;
  /**
   * The next one is sent beside it after so long, where both may be under way at once; never later than what hedging
   * says. Null: not before half of the time that is left, and beside a stream not at all.
   */
  readonly secondCopyAfterMs: number | null;
  readonly maxOutputTokens: number | null;
  readonly quality: number | null;
  /** Prompt alone at list price, in US dollars; null: no price known. */
  readonly promptCostUsd: number | null;
  readonly terms: RankingTerms;
  /** Why it comes later than its tier; null: it does not. */
  readonly deferred: string | null;
}

/** A candidate that will not be called. */
export interface ExplainedRejection {
  readonly model: string;
  readonly provider: string;
  readonly deployment: string;
  readonly tier: Tier;
  readonly rule: string | null;
  readonly reason: RejectionReason;
  readonly detail: string;
}

/**
 * A plan in a form a person can read and a test can assert. Holds nothing of the prompt.
 *
 * @publicApi
 */
export interface Explanation {
  readonly classification: Classification;
  readonly features: {
    readonly inputTokens: number;
    readonly requestedOutputTokens: number | null;
    readonly streamed: boolean;
    readonly capabilities: readonly string[];
    /** What of it not every provider can do. */
    readonly parameters: readonly string[];
    readonly messageCount: number;
    readonly toolCount: number;
  };
  readonly surface: string;
  readonly workload: string;
  readonly rule: string | null;
  /** How the rule was arrived at. */
  readonly notes: readonly string[];
  readonly plan: {
    readonly deadlineMs: number;
    readonly maxAttempts: number;
    readonly maxCostUsd: number | null;
    /** What the candidates of a tier are ranked by. */
    readonly ranking: { readonly preset: RankingPreset; readonly weights: RankingWeights };
    readonly attempts: readonly ExplainedAttempt[];
  };
  readonly rejected: readonly ExplainedRejection[];
  readonly policyHash: string;
  /** All of it in words, a line each. */
  readonly text: string;
}
