import { IsCount, IsMilliseconds, IsShareOrAll } from '../validators.js';

/**
 * When a deployment is put behind the others for its faults. It is not refused: when all are open, the least bad is called.
 *
 * @publicApi
 */
export class BreakerOptions {
  /** Share of errors and timeouts among its calls at which it opens. Five in a row always do. @defaultValue 0.2 */
  @IsShareOrAll()
  errorRate = 0.2;

  /** Fewer calls in the window prove nothing. @defaultValue 10 */
  @IsCount(1)
  minRequests = 10;

  /** @defaultValue 30000 */
  @IsCount(1_000, 3_600_000)
  windowMs = 30_000;

  /** So long it is left alone; then one call, the probe, shows whether it is well. @defaultValue 5000 */
  @IsMilliseconds()
  openMs = 5_000;

  /** The pause doubles with each probe that fails, up to this. @defaultValue 15000 */
  @IsMilliseconds()
  maxOpenMs = 15_000;

  /** After a good probe 10, 25, 50 and 100 % of its traffic return, each for so long. @defaultValue 2000 */
  @IsMilliseconds()
  rampStepMs = 2_000;
}
