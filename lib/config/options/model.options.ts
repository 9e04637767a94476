import { IsOptional } from '../class-validator.js';
import { MODEL_CAPABILITIES, type ModelCapability } from '../../catalog/catalog-model.js';
import { NotSupportedYet, Section, SectionList } from '../section.decorators.js';
import { IsAmount, IsCount, IsFlag, IsListOf, IsName } from '../validators.js';
import { ValidateBy } from '../class-validator.js';
import { DeploymentOptions } from './deployment.options.js';
import { PriceOptions } from './price.options.js';

function IsShare(): PropertyDecorator {
  return ValidateBy({
    name: 'isShare',
    validator: {
      validate: (value) => typeof value === 'number' && value >= 0 && value <= 1,
      defaultMessage: () => 'must be a number from 0 to 1',
    },
  });
}

/**
 * What the catalogue lacks of a model, or has otherwise.
 *
 * @publicApi
 */
@NotSupportedYet({ region: '', retention: '', requestsPerMinute: '', tokensPerMinute: '' })
export class ModelOptions {
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

  /** Prompt and answer together, in tokens. */
  @IsOptional()
  @IsCount(1)
  contextWindow?: number;

  @IsOptional()
  @IsCount(1)
  maxOutputTokens?: number;

  /** What it can do. Left out for a model the catalogue does not know: not checked. */
  @IsOptional()
  @IsListOf(MODEL_CAPABILITIES)
  capabilities?: ModelCapability[];

  /** Expected share of wins against the catalogue's reference model, 0 to 1. Without one it passes no floor. */
  @IsOptional()
  @IsShare()
  quality?: number;

  /** 0 to 1; ratings are not shipped. Without one it passes no safety floor. */
  @IsOptional()
  @IsShare()
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

  @IsOptional()
  @IsCount(1)
  maxConcurrency?: number;
}
