import type { AlertSubject, BreakerChanged } from '../../telemetry/index.js';
import { type AlertLook, type AlertWatch, duration, type WatchSettings } from './alert-watch.js';

/** A breaker that has opened and has not closed since. It steers by itself. */
export class BreakerWatch implements AlertWatch {
  readonly kind = 'breaker_open';
  readonly threshold = 0;
  #openedAtMs: number | undefined;
  #changedAtMs = 0;
  #openUntilMs = 0;

  constructor(
    readonly subject: AlertSubject,
    private readonly settings: () => WatchSettings,
  ) {}

  get windowMs(): number {
    return this.settings().windowMs;
  }

  changed(nowMs: number, { to, openUntilMs }: Pick<BreakerChanged, 'to' | 'openUntilMs'>): void {
    this.#changedAtMs = nowMs;
    this.#openUntilMs = openUntilMs;
    if (to === 'closed') this.#openedAtMs = undefined;
    else if (to === 'open') this.#openedAtMs ??= nowMs;
  }

  look(nowMs: number): AlertLook {
    const openedAtMs = this.#openedAtMs;
    // Nobody has called it since its pause was over: nothing bad is known of it any more.
    const isForgotten = nowMs - Math.max(this.#changedAtMs, this.#openUntilMs) > this.windowMs;
    if (openedAtMs === undefined || isForgotten) {
      this.#openedAtMs = undefined;
      return { state: 'well', value: 0, requests: 0, text: 'its breaker has closed' };
    }
    const openMs = nowMs - openedAtMs;
    const isLong = openMs >= this.windowMs;
    return {
      state: isLong ? 'critical' : 'warning',
      value: 1,
      requests: 0,
      text: `its breaker is open${isLong ? `, for more than ${duration(this.windowMs)}` : ''}`,
    };
  }
}
