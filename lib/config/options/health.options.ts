import { IsOptional } from '../class-validator.js';
import { Section } from '../section.decorators.js';
import { IsFlag, IsMilliseconds, IsNames } from '../validators.js';

/**
 * Asking the providers whether they are there, beside live traffic.
 *
 * @publicApi
 */
export class HealthProbeOptions {
  /** A GET of each provider's list of models, with the key: no token is spent. @defaultValue false */
  @IsFlag()
  enabled = false;

  /** From the end of one probe of a provider to the next, give or take a tenth. @defaultValue 30000 */
  @IsMilliseconds()
  intervalMs = 30_000;

  /** For a probe as a whole. @defaultValue 5000 */
  @IsMilliseconds()
  timeoutMs = 5_000;
}

/**
 * What `/health`, `/health/ready` and the Terminus indicators make of outages.
 *
 * @publicApi
 */
export class HealthOptions {
  /**
   * Surfaces without which this instance is of no use: while no model of one of them answers, its indicator is `down`,
   * and `/health` and `/health/ready` answer 503. Otherwise an outage is `degraded` with 200.
   *
   * @defaultValue none
   */
  @IsOptional()
  @IsNames()
  failOnSurfaces?: string[];

  @Section(() => HealthProbeOptions)
  probe: HealthProbeOptions = new HealthProbeOptions();
}
