import type { BudgetAccount } from './budget-account.js';
import type { Budget } from './budget.js';

/** A budget that a request is paid from. */
export interface RequestBudget {
  readonly budget: Budget;
  readonly account: BudgetAccount;
}

/** What is kept for a request that is under way. */
export interface BudgetReservation {
  /** How much of each count it keeps, by its key. */
  readonly held: ReadonlyMap<string, number>;
  /** The request has ended and cost so much: the rest is given back. The first call counts. */
  settle(usd: number): void;
  /** Keeps more for another call of it. False: a budget has nothing left, so it has to do without. */
  extend(usd: number): boolean | Promise<boolean>;
}

/** What is kept for a request, and what it has cost so far. */
export interface BudgetSpending {
  readonly reservation: BudgetReservation;
  readonly spentUsd: number;
}

/** How long a request may wait for money that others may not need after all. */
export interface BudgetPatience {
  readonly maxWaitMs: number;
  readonly signal: AbortSignal;
}
