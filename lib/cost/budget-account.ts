import { type Period, periodAt } from '../calendar/index.js';
import type { Budget } from './budget.js';

/** So far a clock may be set back without a period that has ended beginning again. */
const CLOCK_SLACK_MS = 300_000;
/** The share that is told of before all of it is spent. */
const NEARLY = 0.8;

/** Where one budget is counted: in one period after the other. */
export class BudgetAccount {
  #timezone: string;
  #period: Period;
  #key: string;
  /** What its events were told for. */
  #toldLimitUsd = 0;
  #told: 'nothing' | 'nearly_spent' | 'spent' = 'nothing';
  /** By how much more than was held for it the last request cost: prompts are estimated. At least 1. */
  underestimate = 1;

  constructor(
    readonly id: string,
    /** Its scope, name and length; the limit is asked of the policy each time. */
    readonly budget: Omit<Budget, 'limitUsd' | 'onExceeded'>,
    /** False: the name is what a request said. */
    readonly isConfigured: boolean,
    timezone: string,
    nowMs: number,
  ) {
    this.#timezone = timezone;
    this.#period = periodAt(timezone, budget.per, nowMs);
    this.#key = `${id}:${this.#period.name}`;
  }

  /** Whose calendar it goes by. */
  get timezone(): string {
    return this.#timezone;
  }

  get period(): Period {
    return this.#period;
  }

  /** Names its count of the present period. */
  get key(): string {
    return this.#key;
  }

  /** Turns to the period of now. @returns The key of the one before, where that is another. */
  follow(timezone: string, nowMs: number): string | undefined {
    const { startsAtMs, endsAtMs } = this.#period;
    const isCurrent = nowMs < endsAtMs && nowMs >= startsAtMs - CLOCK_SLACK_MS;
    if (isCurrent && timezone === this.#timezone) return undefined;
    const before = this.#key;
    this.#timezone = timezone;
    this.#period = periodAt(timezone, this.budget.per, nowMs);
    this.#key = `${this.id}:${this.#period.name}`;
    // Another zone may call it the same day: then what was spent stays spent.
    if (this.#key === before) return undefined;
    this.#told = 'nothing';
    return before;
  }

  /** What is to be told of now, for the first time in this period and under this limit. */
  tell(spentShare: number, limitUsd: number): 'nearly_spent' | 'spent' | undefined {
    if (limitUsd !== this.#toldLimitUsd) {
      this.#toldLimitUsd = limitUsd;
      this.#told = 'nothing';
    }
    const now = spentShare >= 1 ? 'spent' : spentShare >= NEARLY ? 'nearly_spent' : 'nothing';
    if (now === 'nothing' || now === this.#told || this.#told === 'spent') return undefined;
    this.#told = now;
    return now;
  }
}
