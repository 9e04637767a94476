import { NO_USAGE } from '../chat/index.js';
import type { LlmRouterError } from '../errors/llm-router-error.js';
import { NO_SURFACE } from '../planning/index.js';
import type { TelemetryBus } from '../telemetry/index.js';
import { createDecisionId } from './decision-id.js';

/**
 * Emits the request record of a request that was refused before the pipeline could have it: by its key, its headers,
 * its size or its JSON. Nothing it says of itself was believed, so nothing of it becomes a label.
 */
export function recordRefusal(bus: TelemetryBus, error: LlmRouterError, policyHash: string): void {
  const decisionId = createDecisionId();
  error.decisionId = decisionId;
  const labels = {
    decisionId,
    surface: NO_SURFACE,
    workload: 'interactive',
    requestClass: 'none',
    streamed: false,
    startedAtMs: Date.now(),
  } as const;
  bus.emit('request-started', labels);
  bus.emit('request-ended', {
    ...labels,
    durationMs: 0,
    timeToFirstTokenMs: undefined,
    outcome: error.code === 'client_closed_request' ? 'client_left' : 'rejected',
    errorCode: error.code,
    attempts: 0,
    servedBy: undefined,
    usage: NO_USAGE,
    costUsd: 0,
    policyHash,
  });
}
