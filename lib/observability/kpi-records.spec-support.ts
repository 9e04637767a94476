import type { TokenUsage } from '../chat/index.js';
import type { AttemptRecord, RequestRecord } from '../telemetry/index.js';
import type { KpiCellKey } from './kpi-cell-key.js';

export const USAGE: TokenUsage = {
  promptTokens: 100,
  completionTokens: 20,
  cachedTokens: 40,
  cacheWriteTokens: 10,
  reasoningTokens: 5,
};

export function attempt(extra: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    deployment: 'openai/gpt-4',
    model: 'gpt-4',
    provider: 'openai',
    decisionId: 'dec_1',
    surface: 'support',
    workload: 'interactive',
    requestClass: 'simple_queries',
    streamed: true,
    attempt: 1,
    tier: 'primary',
    startedAtMs: 0,
    durationMs: 1_000,
    timeToFirstTokenMs: 200,
    outcome: 'succeeded',
    errorKind: undefined,
    status: 200,
    providerCode: undefined,
    retryAfterMs: undefined,
    usage: USAGE,
    usageSource: 'reported',
    costUsd: 0.01,
    reportedModel: 'gpt-4-0613',
    ...extra,
  };
}

export function request(extra: Partial<RequestRecord> = {}): RequestRecord {
  return {
    decisionId: 'dec_1',
    surface: 'support',
    workload: 'interactive',
    requestClass: 'simple_queries',
    streamed: true,
    startedAtMs: 0,
    durationMs: 1_200,
    timeToFirstTokenMs: 300,
    outcome: 'succeeded',
    errorCode: undefined,
    attempts: 1,
    policyHash: 'policy',
    servedBy: undefined,
    usage: USAGE,
    costUsd: 0.01,
    ...extra,
  };
}

/** Log-normal, as latencies are: median 800 ms, a long tail. Seeded. */
export function latencies(count: number): number[] {
  let state = 42;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state + 1) / 4_294_967_297;
  };
  return Array.from(
    { length: count },
    () => 800 * Math.exp(0.9 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())),
  );
}

/** Where the calls of a surface are counted. */
export function keyOf(surface: string): KpiCellKey {
  return {
    surface,
    provider: 'openai',
    model: 'gpt-4',
    deployment: 'openai/gpt-4',
    tier: 'primary',
    class: 'simple',
    tenant: 'none',
    workload: 'interactive',
  };
}
