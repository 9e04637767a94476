/**
 * Whose a budget is.
 *
 * @publicApi
 */
export type BudgetScope = 'surface' | 'tenant' | 'key';

/** How far a budget has gone. Told once in each of its periods. */
export interface BudgetEvent {
  readonly scope: BudgetScope;
  /** The surface's or tenant's name; of a key its place in the configuration. */
  readonly name: string;
  /** False: the name is what a request said, and belongs into no label and no log. */
  readonly isConfigured: boolean;
  readonly per: 'day' | 'month';
  readonly onExceeded: 'downgrade' | 'reject';
  readonly limitUsd: number;
  readonly spentUsd: number;
  /** The first instant of the next period, in epoch milliseconds. */
  readonly resetsAtMs: number;
}
