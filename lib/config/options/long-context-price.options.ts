import { IsOptional } from '../class-validator.js';
import { IsAmount, IsCount } from '../validators.js';

/**
 * What prompts over a length cost, in US dollars per million tokens.
 *
 * @publicApi
 */
export class LongContextPriceOptions {
  /** Prompts of more tokens than this, cached ones included, pay this price: for the whole request. */
  @IsCount(1)
  aboveInputTokens!: number;

  @IsAmount()
  inputPer1M!: number;

  @IsAmount()
  outputPer1M!: number;

  /** @defaultValue this step's `inputPer1M` */
  @IsOptional()
  @IsAmount()
  cachedInputPer1M?: number;

  /** @defaultValue this step's `inputPer1M` */
  @IsOptional()
  @IsAmount()
  cacheWritePer1M?: number;
}
