import { addUsage, NO_USAGE } from '../chat/index.js';
import { costOfUsage } from '../cost/index.js';
import type { LlmRouterErrorCode } from '../errors/llm-router-error.js';
import { CLASSIFICATION_CLASS, type PolicyDeployment } from '../planning/index.js';
import type { DeploymentLabels, ObservedDecision, Outcome, RequestRecord, Tier } from '../telemetry/index.js';
import { callsOf, costOf, type Journey } from './journey.js';

/** The record of a request that ends now. */
export function recordOf(
  journey: Journey,
  outcome: Outcome,
  errorCode: LlmRouterErrorCode | undefined,
): RequestRecord {
  const { labels, servedBy, records, tries } = journey;
  return {
    ...labels,
    startedAtMs: journey.startedAtMs,
    durationMs: performance.now() - journey.startedAt,
    timeToFirstTokenMs: journey.timeToFirstTokenMs,
    outcome,
    errorCode,
    attempts: callsOf(journey),
    servedBy: servedBy === undefined ? undefined : labelsOf(servedBy),
    usage: records.reduce((sum, record) => addUsage(sum, record.usage), tries?.usage ?? NO_USAGE),
    costUsd: costOf(journey),
    policyHash: journey.runtime.policy.hash,
    ...(hasFallenBack(journey) ? { fellBack: true } : {}),
    ...(records.some(({ hedge }) => hedge) ? { hedged: true } : {}),
    ...observedIn(journey, outcome),
  };
}

/** Whoever was called first failed, and another one answered. */
function hasFallenBack({ records, servedBy }: Journey): boolean {
  if (servedBy === undefined) return false;
  const calls = records.filter(({ requestClass }) => requestClass !== CLASSIFICATION_CLASS);
  const [first] = calls;
  return (
    first !== undefined &&
    first.deployment !== servedBy.deployment.id &&
    (first.outcome === 'failed' || first.outcome === 'timed_out')
  );
}

export function labelsOf({
  deployment: { id, model, provider },
  tier,
}: {
  readonly deployment: PolicyDeployment;
  readonly tier: Tier;
}): DeploymentLabels & { readonly tier: Tier } {
  return { deployment: id, model: model.name, provider, tier };
}

/** The caller's fault, wherever it was found: neither the provider's nor ours. */
const CALLERS_FAULTS: ReadonlySet<LlmRouterErrorCode> = new Set<LlmRouterErrorCode>([
  'upstream_rejected',
  'content_filter',
  'context_length_exceeded',
  'request_too_large',
]);

export function outcomeOf(code: LlmRouterErrorCode, journey: Journey): Outcome {
  if (code === 'client_closed_request') return 'client_left';
  if (code === 'enqueued_request_lost') return 'shed';
  const calls = journey.records.length - journey.callsBefore;
  if (code === 'overloaded') return calls === 0 ? 'shed' : 'failed';
  // Who waits for less than the application would has left, as far as anybody's failures are counted.
  if (code === 'deadline_exceeded') return journey.isDeadlineOfClient ? 'client_left' : 'timed_out';
  if (CALLERS_FAULTS.has(code)) return 'rejected';
  return calls === 0 && code !== 'internal_error' ? 'rejected' : 'failed';
}

/** Only what was answered has tokens to reckon with. */
function observedIn(
  { observed, records }: Journey,
  outcome: Outcome,
): { readonly observed: ObservedDecision } | undefined {
  const answer = records.findLast(
    (record) => record.outcome === 'succeeded' && record.requestClass !== CLASSIFICATION_CLASS,
  );
  if (observed === undefined || answer === undefined || outcome !== 'succeeded') return undefined;
  const [first] = observed === 'refused' ? [] : observed.attempts;
  const price = first?.deployment.price;
  return {
    observed: {
      choice: first === undefined ? undefined : labelsOf(first),
      rule: observed === 'refused' ? undefined : observed.rule,
      answerCostUsd: answer.costUsd,
      costUsd: price === undefined ? undefined : costOfUsage(answer.usage, price),
    },
  };
}
