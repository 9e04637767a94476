import { isEmbeddingModel } from '../catalog/index.js';
import type { EmbeddingFeatures } from '../classification/index.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { ModelNotFoundError } from '../errors/model-not-found-error.js';
import { contextWindowFilter } from './eligibility/context-window.filter.js';
import { regionFilter } from './eligibility/region.filter.js';
import { retentionFilter } from './eligibility/retention.filter.js';
import { expectedCostUsd } from './expected-cost.js';
import { findInputCost } from './find-input-cost.js';
import { INTERACTIVE_DEADLINE_MS, LONG_DEADLINE_MS, type PlanInput } from './create-plan.js';
import { severityOf } from './deferral.js';
import type { Demand } from './demand.js';
import { EMBEDDINGS_CLASS } from './embeddings-class.js';
import type { Plan, RejectedCandidate } from './plan.js';
import type { PolicyDeployment, PolicyModel, PolicySnapshot } from './policy-snapshot.js';
import { shortestTimeouts } from './own-timeouts.js';
import { rankTier } from './rank-tier.js';
import { presetAt } from './peak-hours.js';
import { rankingFor } from './ranking-for.js';

/** What a live deployment's latency is measured against in the ranking. */
const TARGET_LATENCY_MS = 1_500;

export interface EmbeddingPlanInput extends Omit<PlanInput, 'classification' | 'features'> {
  readonly features: EmbeddingFeatures;
}

/**
 * Decides which deployments of the one named model are tried, in order. Vectors of two models cannot be compared, so
 * nothing stands in for it: only another deployment of the same model takes over. Pure, as {@link createPlan}.
 *
 * @throws {@link ModelNotFoundError} when nobody knows the model; {@link InvalidRequestError} when it is `auto`, a rule, or
 * a model that makes no embeddings.
 */
export function createEmbeddingPlan(input: EmbeddingPlanInput): Plan {
  const { features, policy, circumstances, signals, nowMs, random } = input;
  const { surface, workload } = circumstances;
  const model = modelNamed(policy, input.requestedModel);
  const rejected: RejectedCandidate[] = [];
  const longest = { ...features, inputTokens: features.longestInputTokens };
  const demand = { features: longest, surface, rule: undefined, outputTokens: 0, dropsParameters: false };
  const eligible = model.deployments.filter((deployment) => {
    const rejection = findRejection(deployment, demand, features);
    if (rejection === undefined) return true;
    rejected.push({ deployment, tier: 'primary', rule: undefined, ...rejection });
    return false;
  });
  const usage = { inputTokens: features.inputTokens, cachedTokens: 0, outputTokens: 0 };
  const ranking = rankingFor(
    undefined,
    surface,
    policy,
    policy.peakHours && presetAt(policy.peakHours, workload, nowMs),
  );
  const ranked = rankTier(eligible, {
    score: {
      weights: ranking.weights,
      streamed: false,
      targetLatencyMs: TARGET_LATENCY_MS,
      usage,
      referenceCostUsd: expectedCostUsd(policy.dearest, usage),
      warm: undefined,
      qualityOf: () => model.quality,
    },
    signals,
    overTargetMs: () => undefined,
    exploration: policy.ranking.exploration,
    nowMs,
    random,
    limit: eligible.length,
  });
  const { timeouts } = policy.execution;
  const attempts = ranked.map((candidate) => ({
    deployment: candidate.deployment,
    tier: 'primary' as const,
    targetLatencyMs: TARGET_LATENCY_MS,
    targetMs: surface.latencySloMs,
    moveOnAfterMs: surface.latencySloMs,
    secondCopyAfterMs: surface.latencySloMs,
    usualP95Ms: candidate.signals.p95LatencyMs,
    usualMs: undefined,
    timeouts: {
      ...timeouts,
      ...shortestTimeouts(candidate.deployment.timeouts, surface.timeouts),
      firstTokenMs: INTERACTIVE_DEADLINE_MS,
    },
    maxOutputTokens: undefined,
    terms: candidate.terms,
    deferral: candidate.deferral,
    isUnwell: candidate.isUnwell,
  }));
  const deadlineMs =
    circumstances.deadlineMs ??
    policy.execution.deadlineMs ??
    (workload === 'background' ? LONG_DEADLINE_MS : INTERACTIVE_DEADLINE_MS);
  const limitMs = circumstances.deadlineLimitMs ?? Number.POSITIVE_INFINITY;
  return {
    classification: { class: EMBEDDINGS_CLASS, score: 0 },
    rule: undefined,
    notes: [`embeddings are made by ${model.name} alone`],
    surface,
    workload,
    attempts: attempts.toSorted(
      (first, second) => severityOf(first.deferral?.kind) - severityOf(second.deferral?.kind),
    ),
    ranking,
    beyond: 0,
    rejected,
    deadlineMs: Math.min(deadlineMs, limitMs),
    isDeadlineOfClient: limitMs < deadlineMs,
    maxAttempts: policy.execution.maxAttempts,
    maxCostUsd: surface.maxCostPerRequest,
  };
}

/** The limits that hold for vectors: where the texts may go, how much fits, and what it may cost. */
const FILTERS = [regionFilter, retentionFilter, contextWindowFilter];

function findRejection(
  deployment: PolicyDeployment,
  demand: Demand,
  features: EmbeddingFeatures,
): Pick<RejectedCandidate, 'reason' | 'detail'> | undefined {
  for (const filter of FILTERS) {
    const detail = filter.check(deployment, demand);
    if (detail !== undefined) return { reason: filter.reason, detail };
  }
  const cost = findInputCost(deployment, features, demand.surface.maxCostPerRequest);
  return cost === undefined ? undefined : { reason: 'request_cost', detail: cost };
}

function modelNamed(policy: PolicySnapshot, requested: string): PolicyModel {
  if (requested === 'auto' || policy.rules.has(requested)) {
    throw new InvalidRequestError(
      '`model` must name a model that makes embeddings: vectors of different models cannot be compared, so none is chosen for you.',
      'model',
    );
  }
  const canonical = policy.modelNames.get(requested);
  const model = canonical === undefined ? undefined : policy.models.get(canonical);
  if (model === undefined) throw new ModelNotFoundError();
  const { capabilities } = model;
  if (capabilities === undefined || capabilities.has('embeddings') || isEmbeddingModel(capabilities)) {
    return model;
  }
  throw new InvalidRequestError('This `model` makes no embeddings.', 'model');
}
