import type { HandlerRecord } from '../telemetry/index.js';

/** The log's one line for a handler call: `key=value`, in a fixed order, names and figures alone. */
export function describeHandlerCall(record: HandlerRecord): string {
  const { calls, failedCalls, errorCode, decisionId, usage, costUsd, durationMs, waitingMs } = record;
  const waitingShare = durationMs === 0 ? 0 : Math.min(1, waitingMs / durationMs);
  return [
    `handler=${record.handler}`,
    `surface=${record.surface}`,
    `outcome=${record.outcome}`,
    `calls=${calls}`,
    ...(failedCalls > 0 ? [`failed=${failedCalls}`] : []),
    ...(errorCode === undefined ? [] : [`error=${errorCode}`]),
    ...(decisionId === undefined ? [] : [`decision=${decisionId}`]),
    `models=${record.models.length === 0 ? '-' : record.models.join(',')}`,
    `tokens=${usage.promptTokens}+${usage.completionTokens}`,
    `cost=$${costUsd.toFixed(6)}`,
    `duration=${Math.round(durationMs)}ms`,
    `waiting=${Math.round(waitingShare * 100)}%`,
  ].join(' ');
}
