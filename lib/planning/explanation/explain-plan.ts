import type { RequestFeatures } from '../../classification/index.js';
import type { Plan } from '../plan.js';
import { describeExplanation } from './describe-explanation.js';
import type { Explanation } from './explanation.js';

/** Four digits: a person reads it. */
function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** What of a request's features an explanation shows: counts and names, nothing of its text. */
export type ExplainableFeatures = Pick<
  RequestFeatures,
  | 'inputTokens'
  | 'requestedOutputTokens'
  | 'streamed'
  | 'capabilities'
  | 'parameters'
  | 'messageCount'
  | 'toolCount'
>;

export function explainPlan(plan: Plan, features: ExplainableFeatures, policyHash: string): Explanation {
  const explanation = explainParts(plan, features, policyHash);
  return { ...explanation, text: describeExplanation(explanation) };
}

function explainParts(
  plan: Plan,
  features: ExplainableFeatures,
  policyHash: string,
): Omit<Explanation, 'text'> {
  return {
    classification: {
      ...plan.classification,
      score: rounded(plan.classification.score),
      ...(plan.classification.threshold === undefined
        ? {}
        : { threshold: rounded(plan.classification.threshold) }),
    },
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
      ranking: plan.ranking,
      attempts: plan.attempts.map((attempt) => ({
        model: attempt.deployment.model.name,
        provider: attempt.deployment.provider,
        deployment: attempt.deployment.id,
        tier: attempt.tier,
        targetLatencyMs: attempt.targetLatencyMs,
        moveOnAfterMs: attempt.moveOnAfterMs ?? null,
        secondCopyAfterMs: attempt.secondCopyAfterMs ?? null,
        maxOutputTokens: attempt.maxOutputTokens ?? null,
        quality: attempt.deployment.model.quality ?? null,
        promptCostUsd:
          attempt.deployment.price === undefined
            ? null
            : (features.inputTokens * attempt.deployment.price.inputPer1M) / 1_000_000,
        terms: {
          latency: rounded(attempt.terms.latency),
          risk: rounded(attempt.terms.risk),
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
