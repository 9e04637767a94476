import { IsOptional } from '../class-validator.js';
import { SectionMap, SectionOneOrMany } from '../section.decorators.js';
import { IsCount, IsDollars, IsOneOf, IsTimezone } from '../validators.js';

/**
 * How much may be spent in a day or a month. Counted in this process alone, in memory: a restart begins at nothing.
 *
 * @publicApi
 */
export class BudgetOptions {
  /** US dollars. */
  @IsDollars()
  usd!: number;

  /** Of the calendar, in `budgets.timezone`. */
  @IsOneOf(['day', 'month'])
  per!: 'day' | 'month';

  /**
   * What becomes of requests once it is spent. `reject`: a 402 `budget_exceeded` until the next period. `downgrade`: the
   * cheapest of the models that may serve them serves them; floors hold as before, and the spending goes on.
   *
   * @defaultValue 'reject'
   */
  @IsOneOf(['downgrade', 'reject'])
  onExceeded: 'downgrade' | 'reject' = 'reject';
}

/**
 * Budgets of tenants, and when all budgets begin anew.
 *
 * @publicApi
 */
export class BudgetsOptions {
  /** In which a day or month begins at midnight: an IANA name. @defaultValue 'UTC' */
  @IsTimezone()
  timezone = 'UTC';

  /** By the tenant's name: one, or one a day and one a month. */
  @IsOptional()
  @SectionMap(() => BudgetOptions, 'many')
  tenants?: Record<string, BudgetOptions | BudgetOptions[]>;

  /** What each tenant has that is not named in `tenants`, on its own. */
  @IsOptional()
  @SectionOneOrMany(() => BudgetOptions)
  defaultTenant?: BudgetOptions | BudgetOptions[];

  /**
   * So many tenants are counted on their own under `defaultTenant`. All further ones share one such budget, until the
   * period ends.
   *
   * @defaultValue 10000
   */
  @IsCount(1, 1_000_000)
  maxTenants = 10_000;
}
