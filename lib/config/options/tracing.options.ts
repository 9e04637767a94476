import { IsFlag } from '../validators.js';

/**
 * Spans and metrics of OpenTelemetry, for an application that has set up its SDK; without one they cost nothing.
 *
 * @publicApi
 */
export class TracingOptions {
  /** @defaultValue true */
  @IsFlag()
  enabled = true;

  /**
   * Providers are sent the header `traceparent` of W3C's Trace Context, which says which trace the call is part of, and
   * nothing else: no `tracestate`, no baggage. Where an instrumentation of undici sends it already, it is left to that.
   *
   * @defaultValue true
   */
  @IsFlag()
  propagate = true;
}
