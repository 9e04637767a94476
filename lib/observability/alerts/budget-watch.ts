import type { AlertSubject, BudgetEvent } from '../../telemetry/index.js';
import { type AlertLook, type AlertWatch, percent } from './alert-watch.js';

const NEARLY = 0.8;

/** A budget that is nearly or wholly spent, until its next period begins. */
export class BudgetWatch implements AlertWatch {
  readonly kind = 'budget';
  readonly subject: AlertSubject;
  readonly windowMs = 0;
  #event: BudgetEvent;
  #isSpent: boolean;

  constructor(event: BudgetEvent, isSpent: boolean) {
    this.subject = subjectOf(event);
    this.#event = event;
    this.#isSpent = isSpent;
  }

  get event(): BudgetEvent {
    return this.#event;
  }

  get threshold(): number {
    return this.#isSpent ? 1 : NEARLY;
  }

  told(event: BudgetEvent, isSpent: boolean): void {
    // Of tenants that share one alert the worst counts, and the last to begin anew.
    const isSamePeriod = event.resetsAtMs === this.#event.resetsAtMs;
    this.#isSpent = isSpent || (isSamePeriod && this.#isSpent);
    this.#event = event;
  }

  look(nowMs: number): AlertLook {
    const { limitUsd, spentUsd, per, resetsAtMs, onExceeded } = this.#event;
    const isOver = nowMs >= resetsAtMs;
    const then = onExceeded === 'reject' ? 'requests are refused' : 'the cheapest models serve';
    return {
      state: isOver ? 'well' : this.#isSpent ? 'critical' : 'warning',
      value: isOver ? 0 : spentUsd / limitUsd,
      requests: 0,
      text: isOver
        ? 'its budget has begun anew'
        : `${percent(spentUsd / limitUsd)} spent of its budget of $${limitUsd} per ${per}` +
          `${this.#isSpent ? `, ${then}` : ''} until ${new Date(resetsAtMs).toISOString()}`,
    };
  }
}

/** The name of a tenant that only a request has said is in no alert: all of those have one together. */
export function subjectOf({ scope, name, isConfigured, per }: BudgetEvent): AlertSubject {
  const whose = isConfigured ? `${scope} ${name}` : 'tenants without one of their own';
  const budget = `${whose} per ${per}`;
  return scope === 'surface' && isConfigured ? { surface: name, budget } : { budget };
}
