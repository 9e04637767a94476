import { IsFlag, IsShareOrAll } from '../validators.js';

/**
 * A second copy of an interactive request, sent to another deployment once the first takes longer than 95 of 100 of its
 * calls do. The first to answer serves, the other is cancelled, and both are paid for.
 *
 * @publicApi
 */
export class HedgeOptions {
  /** @defaultValue false: it costs money */
  @IsFlag()
  enabled = false;

  /** Share of the requests that may have a second copy. @defaultValue 0.05 */
  @IsShareOrAll()
  maxShare = 0.05;
}
