import { addUsage, NO_USAGE, validateChatRequest } from '../chat/index.js';
import { extractFeatures } from '../classification/index.js';
import { LlmRouterError } from '../errors/llm-router-error.js';
import type { PlanExecutor } from '../execution/index.js';
import {
  createPlan,
  HEALTH_PROBE,
  type Plan,
  type PolicyDeployment,
  type PolicySurface,
  type SignalsSnapshot,
} from '../planning/index.js';
import type { AttemptRecord, RequestLabels, TelemetryBus } from '../telemetry/index.js';
import { createDecisionId } from './decision-id.js';
import { labelsOf } from './journey-record.js';
import { mostCostOf } from './most-cost.js';
import type { RoutingRuntime } from './routing-runtime.js';

const NO_TURNS: ReadonlyMap<number, never> = new Map<number, never>();
const OUTPUT_TOKENS = 1;

export interface HealthCallParts {
  readonly executor: PlanExecutor;
  readonly signals: SignalsSnapshot;
  readonly bus: TelemetryBus;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface HealthCall {
  readonly deployment: PolicyDeployment;
  readonly deadlineMs: number;
  /** Told what it may cost at most, in US dollars. False: that is too much. */
  readonly keep: (usd: number) => boolean;
  readonly signal: AbortSignal;
}

/**
 * Calls one deployment for one token, carried out and recorded as a request is, under a class and a surface of its own.
 * Gives the call's record; undefined: it was not made, since it may cost too much, nobody knows what it costs, or its
 * deployment cannot be called now.
 */
export async function callForHealth(
  { executor, signals, bus, random }: HealthCallParts,
  runtime: RoutingRuntime,
  { deployment, deadlineMs, keep, signal }: HealthCall,
): Promise<AttemptRecord | undefined> {
  const { policy } = runtime;
  const request = validateChatRequest(
    {
      model: 'auto',
      max_completion_tokens: OUTPUT_TOKENS,
      messages: [{ role: 'user', content: 'Hi' }],
    },
    runtime.limits,
  );
  const features = extractFeatures(request);
  const surface: PolicySurface = {
    ...policy.defaultSurface,
    name: HEALTH_PROBE,
    workload: 'background',
    qualityFloor: undefined,
    safetyFloor: undefined,
    pin: deployment.model,
  };
  const planned = createPlan({
    features,
    classification: { class: HEALTH_PROBE, score: 0 },
    requestedModel: 'auto',
    circumstances: { surface, workload: 'background', deadlineMs, deadlineLimitMs: undefined },
    policy,
    signals,
    nowMs: Date.now(),
    random,
    candidatesPerTier: Number.POSITIVE_INFINITY,
  });
  const attempts = planned.attempts.filter((attempt) => attempt.deployment.id === deployment.id).slice(0, 1);
  const plan: Plan = { ...planned, attempts, maxAttempts: 1 };
  const [attempt] = attempts;
  if (attempt === undefined || deployment.price === undefined) return undefined;
  if (!keep(mostCostOf(plan, features, 1, OUTPUT_TOKENS))) return undefined;
  const records: AttemptRecord[] = [];
  const labels: RequestLabels = {
    decisionId: createDecisionId(),
    surface: HEALTH_PROBE,
    workload: 'background',
    requestClass: HEALTH_PROBE,
    streamed: false,
  };
  const startedAtMs = Date.now();
  const startedAt = performance.now();
  const release = runtime.hold();
  bus.emit('request-started', { ...labels, startedAtMs });
  let error: unknown;
  try {
    await executor.chat({
      plan,
      request,
      features,
      recalledTurns: NO_TURNS,
      labels,
      settings: policy.execution,
      signals,
      mayOverlap: false,
      clients: runtime.clients,
      signal,
      startedAt,
      records,
    });
  } catch (thrown) {
    if (!LlmRouterError.isInstance(thrown)) throw thrown;
    error = thrown;
  } finally {
    release();
    const record = records.at(-1);
    bus.emit('request-ended', {
      ...labels,
      startedAtMs,
      durationMs: performance.now() - startedAt,
      timeToFirstTokenMs: undefined,
      outcome: record?.outcome ?? 'failed',
      errorCode: LlmRouterError.isInstance(error) ? error.code : undefined,
      attempts: records.length,
      servedBy: error === undefined ? labelsOf(attempt) : undefined,
      usage: records.reduce((sum, { usage }) => addUsage(sum, usage), NO_USAGE),
      costUsd: records.reduce((sum, { costUsd }) => sum + costUsd, 0),
      policyHash: policy.hash,
    });
  }
  return records.at(-1);
}
