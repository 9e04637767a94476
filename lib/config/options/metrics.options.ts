import { IsOptional } from '../class-validator.js';
import { IsFlag, IsMetricsRegistry } from '../validators.js';

/**
 * A registry of prom-client, as far as the router needs it: of whichever version or copy.
 *
 * @publicApi
 */
export interface MetricsRegistry {
  readonly contentType: string;
  // In prom-client's own words, whose types not every application has installed.
  registerMetric(metric: never): void;
  getSingleMetric(name: string): unknown;
  removeSingleMetric(name: string): void;
  metrics(): Promise<string>;
}

/**
 * What `GET /metrics` shows, and how.
 *
 * @publicApi
 */
export class MetricsOptions {
  /**
   * Trace ids beside the latencies of `GET /metrics`, where spans are made: in OpenMetrics' format. With a `registry` of
   * the application's they show where that one has this format.
   *
   * @defaultValue false
   */
  @IsFlag()
  exemplars = false;

  /**
   * The application's own registry of prom-client, in code alone: the router's metrics go into it, and `GET /metrics` shows
   * all that it has. Several routers may share one.
   *
   * @defaultValue none: a registry of the router's own
   * @example
   * ```ts
   * import { register } from 'prom-client';
   *
   * LlmRouterModule.forRoot({ observability: { metrics: { registry: register } } });
   * ```
   */
  @IsOptional()
  @IsMetricsRegistry()
  registry?: MetricsRegistry;
}
