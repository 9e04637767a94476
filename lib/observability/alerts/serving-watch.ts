import { NO_NAME, plainName } from '../../execution/plain-name.js';
import type { AlertSubject } from '../../telemetry/index.js';
import type { AlertLook, AlertWatch, WatchSettings } from './alert-watch.js';

/** A deployment that has served without a price. It stands until a configuration brings one. */
export class UnknownPriceWatch implements AlertWatch {
  readonly kind = 'unknown_price';
  readonly threshold = 0;
  readonly windowMs = 0;
  #calls = 0;

  constructor(readonly subject: AlertSubject) {}

  add(): void {
    this.#calls += 1;
  }

  look(): AlertLook {
    return {
      state: this.#calls > 0 ? 'warning' : 'well',
      value: this.#calls,
      requests: this.#calls,
      text: 'it serves without a price: its dollars are missing in costs, savings and budgets',
    };
  }
}

/** A deployment whose provider says that another model answered. Cleared when that was not seen for the slow window. */
export class UnknownModelWatch implements AlertWatch {
  readonly kind = 'unknown_model';
  readonly threshold = 0;
  #seenAtMs = Number.NEGATIVE_INFINITY;
  #reported = '';
  #calls = 0;

  constructor(
    readonly subject: AlertSubject,
    private readonly settings: () => WatchSettings,
  ) {}

  get windowMs(): number {
    return this.settings().slowWindowMs;
  }

  seen(nowMs: number, reportedModel: string): void {
    this.#seenAtMs = nowMs;
    this.#calls += 1;
    // Records hold names alone; whatever else comes by is not shown either.
    const name = plainName(reportedModel) ?? NO_NAME;
    this.#reported = name === NO_NAME ? 'a name that is none' : `"${name}"`;
  }

  look(nowMs: number): AlertLook {
    const isSeen = nowMs - this.#seenAtMs <= this.windowMs;
    if (!isSeen) this.#calls = 0;
    return {
      state: isSeen ? 'warning' : 'well',
      value: this.#calls,
      requests: this.#calls,
      text: `its provider says that ${this.#reported} answered: prices and ratings may be another model's`,
    };
  }
}
