import { Counter, Histogram, type Registry } from 'prom-client';
import type { TelemetryBus } from '../telemetry/index.js';
import { ANSWER_BUCKETS_SECONDS } from './kpi-le-buckets.js';

/** Counts what is no attempt and no request: calls of handlers, and faults of plug-ins. */
export function registerEventMetrics(bus: TelemetryBus, registry: Registry): void {
  const registers = [registry];
  const plugInFaults = new Counter({
    name: 'llm_router_classification_faults_total',
    help: 'Classifiers, examples, judges and verifiers that gave no answer of use, by kind of fault; the request went on without.',
    labelNames: ['plug_in', 'kind'] as const,
    registers,
  });
  const handlerCalls = new Counter({
    name: 'llm_router_handler_calls_total',
    help: 'Calls of handlers that asked a model, by outcome.',
    labelNames: ['handler', 'surface', 'outcome'] as const,
    registers,
  });
  const handlerDuration = new Histogram({
    name: 'llm_router_handler_duration_seconds',
    help: 'Time of a handler call until its response and its last model call have ended.',
    labelNames: ['handler', 'surface'] as const,
    buckets: [...ANSWER_BUCKETS_SECONDS],
    registers,
  });
  const handlerWaiting = new Counter({
    name: 'llm_router_handler_waiting_seconds_total',
    help: 'Of the time of handler calls, what was spent waiting for models.',
    labelNames: ['handler', 'surface'] as const,
    registers,
  });
  bus.on('plug-in-failed', ({ plugIn, kind }) => {
    plugInFaults.inc({ plug_in: plugIn, kind });
  });
  bus.on('handler-ended', ({ handler, surface, outcome, durationMs, waitingMs }) => {
    handlerCalls.inc({ handler, surface, outcome });
    handlerDuration.observe({ handler, surface }, durationMs / 1_000);
    handlerWaiting.inc({ handler, surface }, waitingMs / 1_000);
  });
}
