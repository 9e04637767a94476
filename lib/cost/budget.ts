import type { PeriodLength } from '../calendar/index.js';
import type { BudgetScope } from '../telemetry/index.js';

/** What may be spent in a period, and what becomes of requests when it is. */
export interface Budget {
  readonly scope: BudgetScope;
  /** Tells it from the others of its scope: the surface's or the tenant's name; what names a key without being it. */
  readonly subject: string;
  /** The same for people. */
  readonly name: string;
  readonly per: PeriodLength;
  readonly limitUsd: number;
  readonly onExceeded: 'downgrade' | 'reject';
}

/** All budgets of a configuration, by whose they are. */
export interface BudgetPolicy {
  readonly timezone: string;
  readonly surfaces: ReadonlyMap<string, readonly Budget[]>;
  readonly tenants: ReadonlyMap<string, readonly Budget[]>;
  /** By what names a key without being it. */
  readonly keys: ReadonlyMap<string, readonly Budget[]>;
  /** What each tenant has that is not among `tenants`; subject and name are filled in. */
  readonly defaultTenant: readonly Budget[];
  /** So many of those are counted on their own. */
  readonly maxTenants: number;
}

export const NO_BUDGETS: BudgetPolicy = {
  timezone: 'UTC',
  surfaces: new Map(),
  tenants: new Map(),
  keys: new Map(),
  defaultTenant: [],
  maxTenants: 0,
};
