import { CLASSIFICATION_CLASS, explainPlan } from '../planning/index.js';
import type { AttemptRecord, RequestRecord } from '../telemetry/index.js';
import type { PlannedRequest } from './request-observer.js';

/** 1 had no `decision` and no `explanation`. */
const VERSION = 2;

export interface LoggableRequest {
  readonly record: RequestRecord;
  readonly calls: readonly AttemptRecord[];
  /** Undefined: it was refused before it was planned. */
  readonly planned: PlannedRequest | undefined;
  /** Plans for better answers, in their order. */
  readonly escalations: readonly PlannedRequest[];
  /** The whole plan goes in, with its reasons. */
  readonly isProvenance: boolean;
}

/** A line of the request log, its end included. Names, figures and reasons: nothing of a prompt or an answer. */
export function lineOf({ record, calls, planned, escalations, isProvenance }: LoggableRequest): string {
  const line = {
    v: VERSION,
    ...record,
    calls: calls.map(callOf),
    ...(planned === undefined ? {} : { decision: decisionOf(planned) }),
    ...(planned === undefined || !isProvenance ? {} : { explanation: explanationOf(planned) }),
    ...(escalations.length === 0 || !isProvenance ? {} : { escalations: escalations.map(explanationOf) }),
  };
  return `${JSON.stringify(line)}\n`;
}

/**
 * What a line says of one call; what is said of its request already is left out. Of a call that was made to find out the
 * class, or to check the answer, that it was.
 */
function callOf(record: AttemptRecord): object {
  const { decisionId: _decisionId, surface: _surface, workload: _workload, ...rest } = record;
  const { requestClass, streamed: _streamed, tenant: _tenant, ...call } = rest;
  return requestClass === CLASSIFICATION_CLASS ? { ...call, requestClass } : call;
}

function decisionOf({ plan, observed, features, requestedModel }: PlannedRequest): object {
  const { classification, rule, attempts, rejected } = plan;
  const reasons: Record<string, number> = {};
  for (const { reason } of rejected) reasons[reason] = (reasons[reason] ?? 0) + 1;
  return {
    requestedModel,
    score: classification.score,
    classifiedBy: classification.by,
    threshold: classification.threshold,
    rule,
    inputTokens: features.inputTokens,
    capabilities: features.capabilities,
    planned: attempts.map(({ deployment }) => deployment.id),
    rejected: reasons,
    ...(observed === undefined
      ? {}
      : {
          wouldPlan: observed === 'refused' ? [] : observed.attempts.map(({ deployment }) => deployment.id),
        }),
  };
}

/** Without the words for people, which say the same once more. */
function explanationOf({ plan, features, policyHash }: PlannedRequest): object {
  const { text: _text, ...explanation } = explainPlan(plan, features, policyHash);
  return explanation;
}
