import { IsOptional } from '../class-validator.js';
import { NotSupportedYet, Section } from '../section.decorators.js';
import { IsAmount, IsName } from '../validators.js';
import { DeploymentLimitsOptions } from './deployment-limits.options.js';
import { PriceOptions } from './price.options.js';
import { OwnTimeoutOptions } from './timeout.options.js';

const NOT_YET = { retention: 'use `retentionDays`' };

/**
 * One model at one provider, with what differs there.
 *
 * @publicApi
 */
@NotSupportedYet(NOT_YET)
export class DeploymentOptions extends DeploymentLimitsOptions {
  /** A name out of `providers`. */
  @IsName()
  provider!: string;

  /** @defaultValue the model's name */
  @IsOptional()
  @IsName()
  upstreamModel?: string;

  /**
   * Capacity against its siblings': one of weight 2 is expected to carry twice the requests in flight.
   *
   * @defaultValue 1
   */
  @IsOptional()
  @IsAmount(0.001)
  weight?: number;

  @IsOptional()
  @Section(() => PriceOptions)
  price?: PriceOptions;

  @IsOptional()
  @Section(() => OwnTimeoutOptions)
  timeouts?: OwnTimeoutOptions;
}
