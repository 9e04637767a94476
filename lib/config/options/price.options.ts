import { IsOptional } from '../class-validator.js';
import { SectionList } from '../section.decorators.js';
import { IsAmount } from '../validators.js';
import { LongContextPriceOptions } from './long-context-price.options.js';

/**
 * US dollars per million tokens.
 *
 * @publicApi
 */
export class PriceOptions {
  @IsAmount()
  inputPer1M!: number;

  @IsAmount()
  outputPer1M!: number;

  /** @defaultValue `inputPer1M` */
  @IsOptional()
  @IsAmount()
  cachedInputPer1M?: number;

  /** @defaultValue `inputPer1M` */
  @IsOptional()
  @IsAmount()
  cacheWritePer1M?: number;

  /** Steps for long prompts, the lowest first; each prices the whole request. Left out: one price for any length. */
  @IsOptional()
  @SectionList(() => LongContextPriceOptions)
  longContext?: LongContextPriceOptions[];
}
