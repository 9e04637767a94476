import type { Classification } from '../classification/classifier.js';
import type { Tier } from '../telemetry/records.js';
import type { Workload } from '../context/index.js';
import type { Deferral } from './deferral.js';
import type { PolicyDeployment, PolicySurface } from './policy-snapshot.js';
import type { RankingPreset } from './ranking-preset.js';
import type { RankingWeights } from './ranking-weights.js';

/** The terms of a candidate's score, weighted; lower is better. */
export interface RankingTerms {
  /** Expected latency over the tier's target. */
  readonly latency: number;
  /** Chance to miss that target. */
  readonly risk: number;
  /** Error rate. */
  readonly errors: number;
  /** In flight and waiting, over capacity, squared. */
  readonly load: number;
  /** Expected cost over that of the dearest model of the configuration. */
  readonly cost: number;
  /** What is missing to quality 1. */
  readonly quality: number;
  /** 1 while an alert on its error rate stands, else 0. */
  readonly alert: number;
  readonly score: number;
  /** Time to first token of a stream, else of the whole answer. */
  readonly expectedLatencyMs: number;
  /** Of this request, in US dollars; 0 where no price is known. */
  readonly expectedCostUsd: number;
}

/** The hard limits of one attempt, in milliseconds. */
export interface AttemptTimeouts {
  readonly connectMs: number;
  /** Until a stream's first token. */
  readonly firstTokenMs: number;
  /** Between two pieces of a stream. */
  readonly idleMs: number;
  readonly maxStreamMs: number;
}

/** One call the plan intends, in order. */
export interface PlannedAttempt {
  readonly deployment: PolicyDeployment;
  readonly tier: Tier;
  readonly targetLatencyMs: number;
  /** The target that paces it; undefined: none does. */
  readonly targetMs: number | undefined;
  /** Give up on it after so long if it has not begun to answer and another is left. Undefined: no such moment. */
  readonly moveOnAfterMs: number | undefined;
  /** The next one is sent beside it after so long, where both may be under way at once; never after `moveOnAfterMs`. */
  readonly secondCopyAfterMs: number | undefined;
  /** What 95 of 100 of its streams, or of its whole answers, do not exceed; undefined: not known. */
  readonly usualP95Ms: number | undefined;
  /** What they take in the middle; undefined: not known. */
  readonly usualMs: number | undefined;
  readonly timeouts: AttemptTimeouts;
  /** The output limit to send, in tokens; undefined: none to send. */
  readonly maxOutputTokens: number | undefined;
  readonly terms: RankingTerms;
  /** Why it stands behind others that would come later: over its target, slow, in a critical alert, full, resting, failing. */
  readonly deferral: Deferral | undefined;
  /** It is rate-limited, failing or turned away from by a critical alert; merely at capacity it is well. */
  readonly isUnwell: boolean;
}

/**
 * The hard limit that left a candidate out.
 *
 * @publicApi
 */
export type RejectionReason =
  | 'not_pinned'
  | 'region'
  | 'retention'
  | 'capability'
  | 'parameter'
  | 'context_window'
  | 'max_output'
  | 'quality_floor'
  | 'safety_floor'
  | 'rule_price'
  | 'request_cost'
  | 'budget';

/** A candidate that a hard limit left out. */
export interface RejectedCandidate {
  readonly deployment: PolicyDeployment;
  readonly tier: Tier;
  readonly rule: string | undefined;
  readonly reason: RejectionReason;
  readonly detail: string;
}

/** The decision: what will be tried, in order, and what will not, with the reasons. */
export interface Plan {
  readonly classification: Classification;
  /** The rule that serves; undefined where the client's model binds or the surface pins one. */
  readonly rule: string | undefined;
  /** How the rule was arrived at, for people. */
  readonly notes: readonly string[];
  readonly surface: PolicySurface;
  readonly workload: Workload;
  readonly attempts: readonly PlannedAttempt[];
  /** What the ranking went by. */
  readonly ranking: { readonly preset: RankingPreset; readonly weights: RankingWeights };
  /** Candidates that may serve but stand so far behind that they are not planned. */
  readonly beyond: number;
  readonly rejected: readonly RejectedCandidate[];
  readonly deadlineMs: number;
  /** The client cut the time short: an attempt that it ends says nothing of the provider. */
  readonly isDeadlineOfClient: boolean;
  readonly maxAttempts: number;
  /** Dollars for all attempts together. */
  readonly maxCostUsd: number | undefined;
}
