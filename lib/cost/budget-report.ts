import type { BudgetScope } from '../telemetry/index.js';

/**
 * One budget in its present period.
 *
 * @publicApi
 */
export interface BudgetState {
  readonly scope: BudgetScope;
  /** The surface's or tenant's name; of a key its place in the configuration, `http.apiKeys[0]`. */
  readonly name: string;
  readonly per: 'day' | 'month';
  readonly onExceeded: 'downgrade' | 'reject';
  readonly limitUsd: number;
  /** By requests that have ended. */
  readonly spentUsd: number;
  /** The most that the requests under way may cost. */
  readonly reservedUsd: number;
  /** Of the limit, what is neither spent nor reserved; never less than 0. */
  readonly availableUsd: number;
  /** When the period began: ISO 8601. */
  readonly since: string;
  /** When it begins anew: ISO 8601. */
  readonly resetsAt: string;
}

/**
 * All budgets of the configuration, and those of tenants under `budgets.defaultTenant` that have spent something.
 *
 * Counted since the start of this process: a restart forgets what was spent before it.
 *
 * @publicApi
 */
export interface BudgetReport {
  /** Whose calendar days and months are of. */
  readonly timezone: string;
  readonly budgets: readonly BudgetState[];
}
