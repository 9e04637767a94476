import type { BudgetAccount } from './budget-account.js';
import type { Budget } from './budget.js';

/** A budget that a request is paid from. */
export interface RequestBudget {
  readonly budget: Budget;
  readonly account: BudgetAccount;
}

/** What is kept for a request that is under way. */
export interface BudgetReservation {
  /** The request has ended and cost so much: the rest is given back. The first call counts. */
  settle(usd: number): void;
  /** Keeps more for another call of it. False: a budget has nothing left, so it has to do without. */
  extend(usd: number): boolean | Promise<boolean>;
}

/** How long a request may wait for money that others may not need after all. */
export interface BudgetPatience {
  readonly maxWaitMs: number;
  readonly signal: AbortSignal;
}
