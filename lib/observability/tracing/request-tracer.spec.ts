import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NO_USAGE } from '../../chat/index.js';
import { compileOptions } from '../../planning/index.js';
import {
  type AttemptRecord,
  type Outcome,
  type RequestRecord,
  TelemetryBus,
  prepareOpenTelemetry,
} from '../../telemetry/index.js';
import { RequestTracer } from './request-tracer.js';

const OF_MODEL = { deployment: 'one/gpt-4o-mini', model: 'gpt-4o-mini', provider: 'one' };
const LABELS = {
  surface: 'none',
  workload: 'interactive',
  requestClass: 'simple_queries',
  streamed: false,
} as const;

afterEach(() => {
  trace.disable();
  context.disable();
});

function setUp(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  return exporter;
}

function createTracer(): { readonly bus: TelemetryBus; readonly tracer: RequestTracer } {
  const bus = new TelemetryBus();
  const tracer = new RequestTracer(bus);
  const { configuration, policy } = compileOptions(
    {
      providers: { one: { api: 'openai', apiKey: 'k' } },
      routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
    },
    {},
  );
  tracer.follow(configuration, policy, {});
  return { bus, tracer };
}

function start(bus: TelemetryBus, decisionId: string): void {
  bus.emit('request-started', { ...LABELS, decisionId, startedAtMs: 1 });
}

function startAttempt(bus: TelemetryBus, decisionId: string, attempt = 1, startedAtMs = 1): void {
  bus.emit('attempt-started', { ...OF_MODEL, decisionId, attempt, startedAtMs, streamed: false });
}

function endAttempt(
  bus: TelemetryBus,
  decisionId: string,
  { attempt = 1, startedAtMs = 1, outcome = 'succeeded' }: Partial<AttemptRecord> = {},
): void {
  bus.emit('attempt-ended', {
    ...LABELS,
    ...OF_MODEL,
    decisionId,
    attempt,
    startedAtMs,
    outcome,
    tier: 'primary',
    durationMs: 1,
    timeToFirstTokenMs: undefined,
    errorKind: undefined,
    status: undefined,
    providerCode: undefined,
    retryAfterMs: undefined,
    usage: NO_USAGE,
    usageSource: 'reported',
    costUsd: 0,
    reportedModel: undefined,
  });
}

function end(bus: TelemetryBus, decisionId: string, outcome: Outcome = 'succeeded'): void {
  const record: RequestRecord = {
    ...LABELS,
    decisionId,
    startedAtMs: 1,
    durationMs: 1,
    timeToFirstTokenMs: undefined,
    outcome,
    errorCode: undefined,
    attempts: 1,
    servedBy: undefined,
    usage: NO_USAGE,
    costUsd: 0,
    policyHash: 'hash',
  };
  bus.emit('request-ended', record);
}

beforeAll(() => prepareOpenTelemetry());

describe('the spans of requests', () => {
  it('are none without an SDK, and one that comes later is seen', () => {
    const { bus, tracer } = createTracer();
    start(bus, 'd0');
    expect(tracer.open).toBe(0);
    const exporter = setUp();
    start(bus, 'd1');
    end(bus, 'd1');
    // What had begun before has no span.
    end(bus, 'd0');
    expect(exporter.getFinishedSpans()).toHaveLength(1);
    expect(tracer.traceIdOf('d1')).toBe(exporter.getFinishedSpans()[0]!.spanContext().traceId);
    expect(tracer.traceIdOf('d0')).toBeUndefined();
  });

  it('stay open for a copy that lost and ends after its request', () => {
    const exporter = setUp();
    const { bus, tracer } = createTracer();
    start(bus, 'd');
    startAttempt(bus, 'd', 1);
    startAttempt(bus, 'd', 2);
    endAttempt(bus, 'd', { attempt: 2 });
    end(bus, 'd');
    expect(tracer.open).toBe(1);
    endAttempt(bus, 'd', { attempt: 1, outcome: 'hedge_lost' });
    expect(tracer.open).toBe(0);
    expect(exporter.getFinishedSpans().map(({ attributes }) => attributes['llm_router.outcome'])).toEqual([
      'succeeded',
      'succeeded',
      'hedge_lost',
    ]);
  });

  it('tell two calls of one number apart', () => {
    const exporter = setUp();
    const { bus, tracer } = createTracer();
    start(bus, 'd');
    startAttempt(bus, 'd', 1, 10);
    startAttempt(bus, 'd', 1, 20);
    endAttempt(bus, 'd', { startedAtMs: 20, outcome: 'failed' });
    endAttempt(bus, 'd', { startedAtMs: 10 });
    end(bus, 'd');
    expect(exporter.getFinishedSpans().map(({ status }) => status.code)).toEqual([
      SpanStatusCode.ERROR,
      SpanStatusCode.UNSET,
      SpanStatusCode.UNSET,
    ]);
    expect(tracer.open).toBe(0);
  });

  it('are bounded where the ends of requests are never told', () => {
    const exporter = setUp();
    const { bus, tracer } = createTracer();
    for (let count = 0; count < 10_010; count += 1) {
      start(bus, `d${count}`);
      startAttempt(bus, `d${count}`);
    }
    expect(tracer.open).toBe(10_000);
    // Given up, and exported all the same: the call and its request.
    expect(exporter.getFinishedSpans()).toHaveLength(20);
    expect(exporter.getFinishedSpans()[1]!.attributes['llm_router.outcome']).toBe('unknown');
    expect(tracer.traceIdOf('d0')).toBeUndefined();
    expect(tracer.traceIdOf('d10009')).toBeDefined();
  });
});
