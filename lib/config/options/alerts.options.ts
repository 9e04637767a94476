import { NotSupportedYet } from '../section.decorators.js';
import { IsCount, IsFlag, IsShare } from '../validators.js';

/**
 * When the router raises an alert. Latency alerts go by each surface's `latencySloMs`.
 *
 * @publicApi
 */
@NotSupportedYet({ webhook: 'poll `GET /router/alerts`, or scrape `llm_router_alert_active`' })
export class AlertsOptions {
  /** @defaultValue true */
  @IsFlag()
  enabled = true;

  /** A share over this raises an alert, of a deployment's calls or a surface's requests. @defaultValue 0.02 (2 %) */
  @IsShare()
  errorRate = 0.02;

  /**
   * Fewer than this in the window prove nothing. Requests that passed a rate-limited or failing deployment over count
   * as its traffic.
   *
   * @defaultValue 300
   */
  @IsCount(1)
  minRequests = 300;

  /** Looked at are the last so many milliseconds. @defaultValue 300000 (5 minutes) */
  @IsCount(1_000, 86_400_000)
  windowMs = 300_000;
}
