import { IsOptional } from '../class-validator.js';
import { MODEL_CAPABILITIES, type ModelCapability } from '../../catalog/catalog-model.js';
import { NotSupportedYet, Section, SectionList } from '../section.decorators.js';
import { IsAmount, IsFlag, IsListOf, IsName, IsShareOrAll } from '../validators.js';
import { DeploymentLimitsOptions } from './deployment-limits.options.js';
import { DeploymentOptions } from './deployment.options.js';
import { PriceOptions } from './price.options.js';
import { OwnTimeoutOptions } from './timeout.options.js';

/**
 * What the catalogue lacks of a model, or has otherwise.
 *
 * @publicApi
 */
@NotSupportedYet({ retention: 'use `retentionDays`' })
export class ModelOptions extends DeploymentLimitsOptions {
  /** Where it is called: a name out of `providers`. Or list `deployments`. */
  @IsOptional()
  @IsName()
  provider?: string;

  /** @defaultValue the model's name */
  @IsOptional()
  @IsName()
  upstreamModel?: string;

  /** Several providers of the one model, instead of `provider`. */
  @IsOptional()
  @SectionList(() => DeploymentOptions)
  deployments?: DeploymentOptions[];

  @IsOptional()
  @Section(() => PriceOptions)
  price?: PriceOptions;

  /** What it can do. Left out for a model the catalogue does not know: not checked. */
  @IsOptional()
  @IsListOf(MODEL_CAPABILITIES)
  capabilities?: ModelCapability[];

  /** Expected share of wins against the catalogue's reference model, 0 to 1. Without one it passes no floor. */
  @IsOptional()
  @IsShareOrAll()
  quality?: number;

  /** 0 to 1; ratings are not shipped. Without one it passes no safety floor. */
  @IsOptional()
  @IsShareOrAll()
  safety?: number;

  /**
   * False: a client that names this model gets it and nothing else.
   *
   * @defaultValue true
   */
  @IsOptional()
  @IsFlag()
  substitutable?: boolean;

  @IsOptional()
  @IsAmount(0.001)
  weight?: number;

  /** Calls in flight at which it is full, of each of its deployments: more wait or go elsewhere. */
  declare maxConcurrency?: number;

  /** Requests each of its deployments may be sent in a minute, by this process; once they are used up others serve. */
  declare requestsPerMinute?: number;

  /** Of each of its deployments. */
  @IsOptional()
  @Section(() => OwnTimeoutOptions)
  timeouts?: OwnTimeoutOptions;
}
