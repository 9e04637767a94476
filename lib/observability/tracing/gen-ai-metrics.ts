import type { Attributes, Context, Histogram, MeterProvider } from '@opentelemetry/api';
import type { OpenTelemetry } from '../../telemetry/index.js';

/** As the conventions advise. */
const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864,
];

interface Instruments {
  readonly provider: MeterProvider;
  readonly duration: Histogram;
  readonly timeToFirstChunk: Histogram;
  readonly tokens: Histogram;
}

/** The metrics of OpenTelemetry's conventions for generative AI, by whatever SDK is set up at the time. */
export class GenAiMetrics {
  #instruments: Instruments | undefined;

  /** @param scope - Who measures: name and version. */
  constructor(private readonly scope: readonly [name: string, version: string | undefined]) {}

  duration(api: OpenTelemetry, seconds: number, attributes: Attributes, context: Context): void {
    this.of(api).duration.record(seconds, attributes, context);
  }

  timeToFirstChunk(api: OpenTelemetry, seconds: number, attributes: Attributes, context: Context): void {
    this.of(api).timeToFirstChunk.record(seconds, attributes, context);
  }

  tokens(
    api: OpenTelemetry,
    type: 'input' | 'output',
    count: number,
    attributes: Attributes,
    context: Context,
  ): void {
    this.of(api).tokens.record(count, { ...attributes, 'gen_ai.token.type': type }, context);
  }

  /** There is no proxy for meters as there is for tracers: those of an SDK that came late are made when it is there. */
  private of(api: OpenTelemetry): Instruments {
    const provider = api.metrics.getMeterProvider();
    if (this.#instruments?.provider === provider) return this.#instruments;
    const meter = provider.getMeter(...this.scope);
    this.#instruments = {
      provider,
      duration: meter.createHistogram('gen_ai.client.operation.duration', {
        unit: 's',
        description: 'GenAI operation duration.',
        advice: { explicitBucketBoundaries: SECONDS },
      }),
      timeToFirstChunk: meter.createHistogram('gen_ai.client.operation.time_to_first_chunk', {
        unit: 's',
        description: 'Time until the first chunk of a stream.',
        advice: { explicitBucketBoundaries: SECONDS },
      }),
      tokens: meter.createHistogram('gen_ai.client.token.usage', {
        unit: '{token}',
        description: 'Number of input and output tokens used.',
        advice: { explicitBucketBoundaries: TOKENS },
      }),
    };
    return this.#instruments;
  }
}
