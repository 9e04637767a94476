import { addUsage, NO_USAGE } from '../../chat/index.js';
import { CLASSIFICATION_CLASS, explainPlan, type Explanation, type Plan } from '../../planning/index.js';
import type { AttemptRecord } from '../../telemetry/index.js';
import type { PlannedRequest } from '../request-observer.js';
import type { Decision, DecisionAttempt, DecisionSummary } from './decision.js';
import type { DecisionEntry } from './decision-entry.js';

export function summaryOf({ started, planned, attempts, record }: DecisionEntry): DecisionSummary {
  const labels = record ?? planned?.labels ?? started;
  return {
    decisionId: labels.decisionId,
    startedAt: new Date(started.startedAtMs).toISOString(),
    surface: labels.surface,
    workload: labels.workload,
    tenant: labels.tenant ?? null,
    requestedModel: planned?.requestedModel ?? null,
    streamed: labels.streamed,
    requestClass: labels.requestClass,
    outcome: record?.outcome ?? 'running',
    errorCode: record?.errorCode ?? null,
    durationMs: record?.durationMs ?? null,
    timeToFirstTokenMs: record?.timeToFirstTokenMs ?? null,
    servedBy: record?.servedBy ?? null,
    fellBack: record?.fellBack ?? false,
    hedged: record?.hedged ?? attempts.some(({ hedge }) => hedge === true),
    attempts: record?.attempts ?? attempts.length,
    usage: record?.usage ?? attempts.reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE),
    costUsd: record?.costUsd ?? attempts.reduce((sum, { costUsd }) => sum + costUsd, 0),
    policyHash: record?.policyHash ?? planned?.policyHash ?? null,
  };
}

export function decisionOf(entry: DecisionEntry): Decision {
  const { planned, escalations, rejectedBeyond, attempts, record, evaluation, feedback } = entry;
  return {
    ...summaryOf(entry),
    explanation: planned === undefined ? null : explain(planned, planned.plan),
    rejectedBeyond,
    escalations: escalations.map((one) => explain(one, one.plan)),
    attempts: attempts.map(attemptOf),
    observed:
      planned?.observed === undefined
        ? null
        : {
            explanation: planned.observed === 'refused' ? null : explain(planned, planned.observed),
            result: record?.observed ?? null,
          },
    evaluation: evaluation ?? null,
    feedback: feedback ?? null,
  };
}

function explain({ features, policyHash }: PlannedRequest, plan: Plan): Explanation {
  return explainPlan(plan, features, policyHash);
}

function attemptOf(record: AttemptRecord): DecisionAttempt {
  return {
    attempt: record.attempt,
    deployment: record.deployment,
    model: record.model,
    provider: record.provider,
    tier: record.tier,
    startedAt: new Date(record.startedAtMs).toISOString(),
    durationMs: record.durationMs,
    timeToFirstTokenMs: record.timeToFirstTokenMs ?? null,
    outcome: record.outcome,
    errorKind: record.errorKind ?? null,
    status: record.status ?? null,
    providerCode: record.providerCode ?? null,
    hedge: record.hedge ?? false,
    forClass: record.requestClass === CLASSIFICATION_CLASS,
    usage: record.usage,
    usageSource: record.usageSource,
    costUsd: record.costUsd,
    reportedModel: record.reportedModel ?? null,
  };
}
