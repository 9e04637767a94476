import type { RequestFeatures } from '../classification/index.js';
import type { Plan, RankingTerms, RejectionReason } from '../planning/index.js';
import type { Tier } from '../telemetry/index.js';

/** One call the plan intends. */
export interface ExplainedAttempt {
  readonly model: string;
  readonly provider: string;
  readonly deployment: string;
  readonly tier: Tier;
  readonly targetLatencyMs: number;
  readonly moveOnAfterMs: number | null;
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
  readonly classification: { readonly class: string; readonly score: number };
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
    readonly attempts: readonly ExplainedAttempt[];
  };
  readonly rejected: readonly ExplainedRejection[];
  readonly policyHash: string;
}

/** Four digits: a person reads it. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

export function explainPlan(plan: Plan, features: RequestFeatures, policyHash: string): Explanation {
  return {
    classification: { class: plan.classification.class, score: rounded(plan.classification.score) },
    features: {
      inputTokens: features.inputTokens,
      requestedOutputTokens: features.requestedOutputTokens ?? null,
      streamed: features.streamed,
      capabilities: features.capabilities,
      parameters: features.parameters,
      messageCount: features.messageCount,
      toolCount: features.toolCount,
    },
    surface: plan.surface.name,
    workload: plan.workload,
    rule: plan.rule ?? null,
    notes: plan.notes,
    plan: {
      deadlineMs: plan.deadlineMs,
      maxAttempts: plan.maxAttempts,
      maxCostUsd: plan.maxCostUsd ?? null,
      attempts: plan.attempts.map((attempt) => ({
        model: attempt.deployment.model.name,
        provider: attempt.deployment.provider,
        deployment: attempt.deployment.id,
        tier: attempt.tier,
        targetLatencyMs: attempt.targetLatencyMs,
        moveOnAfterMs: attempt.moveOnAfterMs ?? null,
        maxOutputTokens: attempt.maxOutputTokens ?? null,
        quality: attempt.deployment.model.quality ?? null,
        promptCostUsd:
          attempt.deployment.price === undefined
            ? null
            : (features.inputTokens * attempt.deployment.price.inputPer1M) / 1_000_000,
        terms: {
          latency: rounded(attempt.terms.latency),
          errors: rounded(attempt.terms.errors),
          load: rounded(attempt.terms.load),
          cost: rounded(attempt.terms.cost),
          quality: rounded(attempt.terms.quality),
          alert: attempt.terms.alert,
          score: rounded(attempt.terms.score),
          expectedLatencyMs: Math.round(attempt.terms.expectedLatencyMs),
          expectedCostUsd: attempt.terms.expectedCostUsd,
        },
        deferred: attempt.deferral?.text ?? null,
      })),
    },
    rejected: plan.rejected.map((candidate) => ({
      model: candidate.deployment.model.name,
      provider: candidate.deployment.provider,
      deployment: candidate.deployment.id,
      tier: candidate.tier,
      rule: candidate.rule ?? null,
      reason: candidate.reason,
      detail: candidate.detail,
    })),
    policyHash,
  };
}
