import { IsCount } from '../validators.js';

/**
 * How the router ends with its application.
 *
 * @publicApi
 */
export class ShutdownOptions {
  /**
   * How long requests and streams under way may go on once the application closes. Meanwhile readiness is off and
   * nothing new is taken (503 with a Retry-After); after it, streams end with an error event and whole requests with
   * 503. Keep it under what the orchestrator waits before it kills (30 s in Kubernetes).
   *
   * @defaultValue 10000
   */
  @IsCount(0, 600_000)
  graceMs = 10_000;
}
