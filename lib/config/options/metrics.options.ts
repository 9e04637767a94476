import { IsFlag } from '../validators.js';

/**
 * What `GET /metrics` shows, and how.
 *
 * @publicApi
 */
export class MetricsOptions {
  /** Trace ids beside the latencies of `GET /metrics`, where spans are made: in OpenMetrics' format. @defaultValue false */
  @IsFlag()
  exemplars = false;
}
