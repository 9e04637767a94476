import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TelemetryBus } from '../telemetry/index.js';
import { registerAlertGauge } from './alert-gauge.js';
import { isLatencySample } from './kpi-cell.js';

/** Fit for LLMs: 10 ms to 120 s. */
const LATENCY_BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60, 120];

const DEPLOYMENT_LABELS = ['gen_ai_request_model', 'gen_ai_provider_name'] as const;

/**
 * The router's Prometheus metrics, in a registry of their own so that the host's stays untouched. Names follow
 * OpenTelemetry's GenAI vocabulary, turned the Prometheus way; label values come from the configuration alone.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/
 */
export class PrometheusMetrics {
  readonly registry = new Registry();

  constructor(bus: TelemetryBus) {
    const registers = [this.registry];
    registerAlertGauge(bus, this.registry);
    const requests = new Counter({
      name: 'llm_router_requests_total',
      help: 'Requests by surface, class and outcome.',
      labelNames: ['surface', 'request_class', 'workload', 'outcome'] as const,
      registers,
    });
    const requestDuration = new Histogram({
      name: 'gen_ai_client_operation_duration_seconds',
      help: 'Time from a request to its complete answer, over all attempts; successes alone.',
      labelNames: ['surface', 'request_class'] as const,
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    const requestFirstToken = new Histogram({
      name: 'gen_ai_client_time_to_first_token_seconds',
      help: 'Time from a streamed request to its first token, over all attempts.',
      labelNames: ['surface', 'request_class'] as const,
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    const attempts = new Counter({
      name: 'llm_router_attempts_total',
      help: 'Calls of deployments by tier, outcome and kind of error.',
      labelNames: [...DEPLOYMENT_LABELS, 'tier', 'outcome', 'error_type'] as const,
      registers,
    });
    const attemptDuration = new Histogram({
      name: 'gen_ai_server_request_duration_seconds',
      help: 'Time of one call of a deployment; successes alone.',
      labelNames: DEPLOYMENT_LABELS,
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    const attemptFirstToken = new Histogram({
      name: 'gen_ai_server_time_to_first_token_seconds',
      help: 'Time of one call of a deployment to its first token.',
      labelNames: DEPLOYMENT_LABELS,
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    const tokens = new Counter({
      name: 'gen_ai_client_token_usage_total',
      help: 'Tokens by type: input, output, and of these cached_input, cache_write, reasoning.',
      labelNames: [...DEPLOYMENT_LABELS, 'gen_ai_token_type'] as const,
      registers,
    });
    const cost = new Counter({
      name: 'llm_router_cost_usd_total',
      help: 'Cost of all calls in US dollars, failed ones included.',
      labelNames: [...DEPLOYMENT_LABELS, 'surface'] as const,
      registers,
    });
    const plugInFaults = new Counter({
      name: 'llm_router_classification_faults_total',
      help: 'Classifiers, examples, judges and verifiers that gave no answer of use, by kind of fault; the request went on without.',
      labelNames: ['plug_in', 'kind'] as const,
      registers,
    });
    bus.on('plug-in-failed', ({ plugIn, kind }) => {
      plugInFaults.inc({ plug_in: plugIn, kind });
    });
    const inFlight = new Gauge({
      name: 'llm_router_attempts_in_flight',
      help: 'Calls of a deployment under way.',
      labelNames: DEPLOYMENT_LABELS,
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
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    const handlerWaiting = new Counter({
      name: 'llm_router_handler_waiting_seconds_total',
      help: 'Of the time of handler calls, what was spent waiting for models.',
      labelNames: ['handler', 'surface'] as const,
      registers,
    });

    bus.on('handler-ended', ({ handler, surface, outcome, durationMs, waitingMs }) => {
      handlerCalls.inc({ handler, surface, outcome });
      handlerDuration.observe({ handler, surface }, durationMs / 1_000);
      handlerWaiting.inc({ handler, surface }, waitingMs / 1_000);
    });
    bus.on('attempt-started', ({ model, provider }) => {
      inFlight.inc({ gen_ai_request_model: model, gen_ai_provider_name: provider });
    });
    bus.on('attempt-ended', (record) => {
      const labels = { gen_ai_request_model: record.model, gen_ai_provider_name: record.provider };
      inFlight.dec(labels);
      attempts.inc({
        ...labels,
        tier: record.tier,
        outcome: record.outcome,
        error_type: record.errorKind ?? '',
      });
      if (record.outcome === 'succeeded') attemptDuration.observe(labels, record.durationMs / 1_000);
      if (record.timeToFirstTokenMs !== undefined && isLatencySample(record.outcome)) {
        attemptFirstToken.observe(labels, record.timeToFirstTokenMs / 1_000);
      }
      const counts: [string, number][] = [
        ['input', record.usage.promptTokens],
        ['output', record.usage.completionTokens],
        ['cached_input', record.usage.cachedTokens],
        ['cache_write', record.usage.cacheWriteTokens],
        ['reasoning', record.usage.reasoningTokens],
      ];
      for (const [type, count] of counts) {
        if (count > 0) tokens.inc({ ...labels, gen_ai_token_type: type }, count);
      }
      cost.inc({ ...labels, surface: record.surface }, record.costUsd);
    });
    bus.on('request-ended', (record) => {
      const { surface, requestClass: request_class, workload, outcome } = record;
      requests.inc({ surface, request_class, workload, outcome });
      if (outcome === 'succeeded')
        requestDuration.observe({ surface, request_class }, record.durationMs / 1_000);
      if (record.timeToFirstTokenMs !== undefined && isLatencySample(outcome)) {
        requestFirstToken.observe({ surface, request_class }, record.timeToFirstTokenMs / 1_000);
      }
    });
  }
}
