import { IsOptional } from '../class-validator.js';
import { IsCount } from '../validators.js';

/**
 * What is refused before any work is done.
 *
 * @publicApi
 */
export class LimitsOptions {
  /** @defaultValue 10485760 (10 MB) */
  @IsCount(1_024, 1_073_741_824)
  bodyBytes = 10 * 1024 * 1024;

  /** @defaultValue 64 */
  @IsCount(4, 1_000)
  jsonDepth = 64;

  /** @defaultValue 2000 */
  @IsCount(1)
  messages = 2_000;

  /** @defaultValue 128 */
  @IsCount(1)
  tools = 128;

  /** The client's `n`. @defaultValue 4 */
  @IsCount(1, 128)
  choices = 4;

  /** Requests in flight in this process; background work is refused from nine tenths of it on. @defaultValue 2000 */
  @IsCount(1)
  requestsInFlight = 2_000;

  /** Requests in flight of one key. @defaultValue no limit of its own */
  @IsOptional()
  @IsCount(1)
  requestsInFlightPerKey?: number;
}
