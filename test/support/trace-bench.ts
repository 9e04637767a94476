import { inspect } from 'node:util';
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** What one of the metrics has counted, for one set of attributes. */
export interface Measured {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly count: number;
  readonly sum: number;
  readonly boundaries: readonly number[];
}

/** An SDK of OpenTelemetry as an application sets one up, whose exporter keeps all. */
export interface TraceBench {
  /** Those that have ended, in the order they did. */
  spans(): readonly ReadableSpan[];
  spanOf(decisionId: string): ReadableSpan;
  /** The children of a span, in the order they began. */
  childrenOf(span: ReadableSpan): readonly ReadableSpan[];
  measured(metric: string): Promise<readonly Measured[]>;
  /** Every metric with its attributes, as text. */
  allMeasured(): Promise<string>;
  clear(): void;
  close(): Promise<void>;
}

export function setUpOpenTelemetry(sampler?: Sampler): TraceBench {
  const exporter = new InMemorySpanExporter();
  const tracers = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler }),
  });
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: 3_600_000,
  });
  const meters = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans();
  return {
    spans,
    spanOf: (decisionId) => {
      const found = spans().filter(
        ({ attributes }) =>
          attributes['llm_router.decision_id'] === decisionId &&
          attributes['llm_router.attempt'] === undefined,
      );
      if (found.length !== 1) throw new Error(`${found.length} spans for the request`);
      return found[0]!;
    },
    childrenOf: (span) =>
      spans()
        .filter(({ parentSpanContext }) => parentSpanContext?.spanId === span.spanContext().spanId)
        .toSorted((first, second) => msOf(first.startTime) - msOf(second.startTime)),
    measured: async (metric) => {
      metricExporter.reset();
      await meters.forceFlush();
      return metricExporter
        .getMetrics()
        .flatMap(({ scopeMetrics }) => scopeMetrics)
        .flatMap((scope) => scope.metrics)
        .filter(({ descriptor }) => descriptor.name === metric)
        .flatMap(({ dataPoints }) => dataPoints as DataPoint<Histogram>[])
        .map(({ attributes, value: { count, sum = 0, buckets } }) => ({
          attributes,
          count,
          sum,
          boundaries: buckets.boundaries,
        }));
    },
    allMeasured: async () => {
      metricExporter.reset();
      await meters.forceFlush();
      return inspect(metricExporter.getMetrics(), { depth: 20 });
    },
    clear: () => {
      exporter.reset();
    },
    close: async () => {
      context.disable();
      trace.disable();
      metrics.disable();
      propagation.disable();
      await tracers.shutdown();
      await meters.shutdown();
    },
  };
}

/** OpenTelemetry's times, in milliseconds. */
export function msOf([seconds, nanos]: readonly [number, number]): number {
  return seconds * 1e3 + nanos / 1e6;
}
