import { IsOptional } from 'class-validator';
import { IsAmount } from '../validators.js';

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
}
