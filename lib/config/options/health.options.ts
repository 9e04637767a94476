import { IsOptional } from '../class-validator.js';
import { Section } from '../section.decorators.js';
import { IsDollars, IsFlag, IsMilliseconds, IsNames } from '../validators.js';

/**
 * A call of one token in place of asking for the list of models: it shows that the model answers, and costs something.
 *
 * @publicApi
 */
export class HealthProbeCallOptions {
  /**
   * US dollars that all such calls of a day (UTC) may cost together, in this process. A call is made only where the most it
   * can cost is left of that; a deployment without a known price is not called.
   */
  @IsDollars()
  maxCostUsd!: number;
}

/**
 * Asking the providers whether they are there, beside live traffic.
 *
 * @publicApi
 */
export class HealthProbeOptions {
  /** A GET of the list of models of each idle provider, with the key: no token is spent. @defaultValue false */
  @IsFlag()
  enabled = false;

  /** From the end of one probe of a provider to the next, give or take a tenth. @defaultValue 30000 */
  @IsMilliseconds()
  intervalMs = 30_000;

  /**
   * Live traffic tells more than a probe: none is made while a call of the provider is under way, nor for so long after its
   * last one.
   *
   * @defaultValue 30000
   */
  @IsMilliseconds()
  idleMs = 30_000;

  /**
   * Calls each idle deployment of the rules and pins for one token, beside live traffic: in records, logs and KPIs under the
   * surface `health_probe`. What cannot be called so is asked for its list of models.
   *
   * @defaultValue none: no model is called
   */
  @IsOptional()
  @Section(() => HealthProbeCallOptions)
  call?: HealthProbeCallOptions;

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
   * Surfaces without which this instance is of no use: while no model of one of them answers, `/health` and
   * `/health/ready` answer 503. Any other surface that is down leaves both at 200: taking an instance away brings no
   * provider back.
   *
   * @defaultValue none
   */
  @IsOptional()
  @IsNames()
  failOnSurfaces?: string[];

  @Section(() => HealthProbeOptions)
  probe: HealthProbeOptions = new HealthProbeOptions();
}
