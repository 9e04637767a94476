import type { AttemptRecord, RequestRecord } from '../telemetry/index.js';
import { LogLine } from './log-line.js';

/** A request that nobody answered, though somebody should have. */
function isFault({ outcome }: RequestRecord): boolean {
  return outcome === 'failed' || outcome === 'timed_out';
}

/** At which level {@link describeRequest} speaks of a request. */
export function levelOf(record: RequestRecord): 'debug' | 'warn' {
  return isFault(record) ? 'warn' : 'debug';
}

/** The log's one line for a request. Its tenant is left out: that may be a name that only the request said. */
export function describeRequest(record: RequestRecord): LogLine {
  const { decisionId, surface, requestClass, outcome, errorCode, servedBy, attempts, usage, costUsd } =
    record;
  const durationMs = Math.round(record.durationMs);
  const end =
    servedBy !== undefined && outcome === 'succeeded'
      ? `answered by ${servedBy.deployment} (${servedBy.tier})`
      : `${outcome.replace('_', ' ')}${errorCode === undefined ? '' : ` (${errorCode})`}`;
  const how = [...(record.fellBack ? ['fell back'] : []), ...(record.hedged ? ['hedged'] : [])];
  const text = [
    `${decisionId} ${end} after ${durationMs} ms: surface ${surface}`,
    `class ${requestClass}`,
    `${attempts} ${attempts === 1 ? 'call' : 'calls'}`,
    ...how,
    `${usage.promptTokens}+${usage.completionTokens} tokens`,
    `$${costUsd.toFixed(6)}`,
  ].join(', ');
  return new LogLine(levelOf(record), text, {
    event: 'request',
    decisionId,
    surface,
    workload: record.workload,
    requestClass,
    streamed: record.streamed,
    outcome,
    errorCode,
    deployment: servedBy?.deployment,
    model: servedBy?.model,
    provider: servedBy?.provider,
    tier: servedBy?.tier,
    attempts,
    fellBack: record.fellBack ?? false,
    hedged: record.hedged ?? false,
    durationMs,
    timeToFirstTokenMs:
      record.timeToFirstTokenMs === undefined ? undefined : Math.round(record.timeToFirstTokenMs),
    promptTokens: usage.promptTokens,
    completionTokens: usage.completionTokens,
    costUsd,
    policyHash: record.policyHash,
  });
}

/** The line of a call that failed; undefined: it did not. */
export function describeFailedAttempt(record: AttemptRecord): LogLine | undefined {
  const { decisionId, attempt, deployment, outcome, status, providerCode } = record;
  if (outcome !== 'failed' && outcome !== 'timed_out') return undefined;
  const durationMs = Math.round(record.durationMs);
  const errorKind = record.errorKind ?? 'unknown';
  const reasons = [errorKind, status, providerCode].filter((part) => part !== undefined).join(' ');
  return new LogLine(
    'warn',
    `${decisionId} attempt ${attempt} at ${deployment}: ${outcome} (${reasons}) after ${durationMs} ms`,
    {
      event: 'attempt',
      decisionId,
      attempt,
      deployment,
      model: record.model,
      provider: record.provider,
      tier: record.tier,
      surface: record.surface,
      outcome,
      errorKind,
      status,
      providerCode,
      hedge: record.hedge ?? false,
      durationMs,
    },
  );
}
