import { IsOptional } from '../class-validator.js';
import { SectionList, SectionOneOrMany } from '../section.decorators.js';
import { IsFlag, IsName, IsNames } from '../validators.js';
import { BudgetOptions } from './budget.options.js';

/**
 * A key for this router's own endpoint.
 *
 * @publicApi
 */
export class ApiKeyOptions {
  @IsName(8_192)
  key!: string;

  /** Whose key it is. */
  @IsOptional()
  @IsName()
  tenant?: string;

  /** Surfaces it may use. @defaultValue all */
  @IsOptional()
  @IsNames()
  surfaces?: string[];

  /** What the requests made with it may cost: one, or one a day and one a month. */
  @IsOptional()
  @SectionOneOrMany(() => BudgetOptions)
  budget?: BudgetOptions | BudgetOptions[];

  /** It opens `/router/*` and `/metrics`. @defaultValue false */
  @IsOptional()
  @IsFlag()
  admin?: boolean;
}

/**
 * Who may call the routes of `LlmRouterHttpModule`.
 *
 * @publicApi
 */
export class HttpOptions {
  /** None: loopback only. */
  @IsOptional()
  @SectionList(() => ApiKeyOptions)
  apiKeys?: ApiKeyOptions[];

  /** `/metrics` wants no key and answers any host. @defaultValue false */
  @IsOptional()
  @IsFlag()
  publicMetrics?: boolean;
}
