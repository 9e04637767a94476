import { IsCount } from '../validators.js';

/**
 * What `GET /router/kpis` and `GET /metrics` count by.
 *
 * @publicApi
 */
export class KpiOptions {
  /** Tenants that are counted by name, those with most traffic; all others together are `other`. @defaultValue 20 */
  @IsCount(0, 1_000)
  tenants = 20;
}
