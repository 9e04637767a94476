import type { AlertSubject } from '../../telemetry/index.js';
import { RollingCounts } from '../rolling-counts.js';
import { type AlertLook, type AlertWatch, duration, percent, type WatchSettings } from './alert-watch.js';
import { lowerBound } from './wilson-bound.js';

const SERVED = 0;
const REFUSED = 1;
const FAILED = 2;
/** One request that no model can take, of pictures say, is its caller's affair; five of them are the surface's. */
const LEAST_REFUSED = 5;

export type SurfaceEnd = 'served' | 'refused' | 'failed';

const COLUMNS: Readonly<Record<SurfaceEnd, number>> = { served: SERVED, refused: REFUSED, failed: FAILED };

/**
 * A surface that no model may serve, or none can. It needs no minimum volume: that nothing at all is served is no matter of
 * rates, and a quiet surface may be down just as well.
 */
export class NoModelWatch implements AlertWatch {
  readonly kind = 'no_eligible_model';
  readonly #counts: RollingCounts;

  constructor(
    readonly subject: AlertSubject,
    private readonly settings: () => WatchSettings,
  ) {
    this.#counts = new RollingCounts(settings().windowMs, 3);
  }

  get threshold(): number {
    return this.settings().errorRate;
  }

  get windowMs(): number {
    return this.settings().windowMs;
  }

  add(nowMs: number, end: SurfaceEnd): void {
    this.#counts.add(nowMs, COLUMNS[end]);
  }

  look(nowMs: number): AlertLook {
    const { errorRate, z } = this.settings();
    const [served = 0, refused = 0, failed = 0] = this.#counts.read(nowMs);
    const total = served + refused + failed;
    const isDown = served === 0 && refused + failed >= LEAST_REFUSED;
    const value = total === 0 ? 0 : (isDown ? refused + failed : refused) / total;
    const isOver = refused >= LEAST_REFUSED && lowerBound(value, total, z) > errorRate;
    const isWell = total === 0 || (served > 0 && value <= errorRate / 2);
    const text = isDown
      ? `nothing can serve it: none of ${total} requests in ${duration(this.windowMs)} was answered, ${refused} of them had no eligible model`
      : `${percent(value)} of ${total} requests in ${duration(this.windowMs)} had no eligible model`;
    return {
      state: isDown ? 'critical' : isOver ? 'warning' : isWell ? 'well' : 'standing',
      value,
      requests: total,
      text,
    };
  }
}
