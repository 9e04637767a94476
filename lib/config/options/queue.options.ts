import { IsOptional } from '../class-validator.js';
import { IsCount, IsMilliseconds } from '../validators.js';

/**
 * Where requests wait while every deployment that may serve them is at capacity.
 *
 * @publicApi
 */
export class QueueOptions {
  /** Beyond it the least urgent is refused: background first, then the lowest `priority` of a surface. @defaultValue 1000 */
  @IsCount(0)
  maxSize = 1_000;

  /** The longest wait. @defaultValue until the request's deadline */
  @IsOptional()
  @IsMilliseconds()
  maxWaitMs?: number;
}
