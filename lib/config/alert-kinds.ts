/**
 * What an alert is about.
 *
 * - `error_rate`: too many calls of a deployment or a provider, or too many requests of a surface, failed.
 * - `timeout_rate`: too many calls of a deployment or a provider ran out of time.
 * - `latency_slo`: answers of a surface come later than its `latencySloMs`.
 * - `breaker_open`: a deployment's breaker has opened, and has not closed again.
 * - `no_eligible_model`: requests of a surface are refused because no model may or can serve them.
 * - `budget`: 80 % of a budget is spent, or all of it.
 * - `quality`: the answers of a model on a surface are worth less than they should be.
 * - `unknown_price`: a deployment serves whose price nobody knows, so that its dollars are missing everywhere.
 * - `unknown_model`: a provider says that it used another model than the one it was asked for.
 *
 * @publicApi
 */
export type AlertKind =
  | 'error_rate'
  | 'timeout_rate'
  | 'latency_slo'
  | 'breaker_open'
  | 'no_eligible_model'
  | 'budget'
  | 'quality'
  | 'unknown_price'
  | 'unknown_model';

/** All of them. */
export const ALERT_KINDS = [
  'error_rate',
  'timeout_rate',
  'latency_slo',
  'breaker_open',
  'no_eligible_model',
  'budget',
  'quality',
  'unknown_price',
  'unknown_model',
] as const satisfies readonly AlertKind[];
