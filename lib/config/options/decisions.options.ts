import { IsCount } from '../validators.js';

/**
 * How many decisions are kept for `GET /router/decisions`. What must be kept for longer goes into the `requestLog`.
 *
 * @publicApi
 */
export class DecisionsOptions {
  /** The last so many; 0: none. @defaultValue 1000 */
  @IsCount(0, 100_000)
  keep = 1_000;
}
