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
}
