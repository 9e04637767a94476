/**
 * What an alert is about: `error_rate`, too many calls or requests failed; `latency_slo`, answers of a surface come
 * later than its `latencySloMs`.
 *
 * @publicApi
 */
export type AlertKind = 'error_rate' | 'latency_slo';

/**
 * Whom an alert is about: a deployment or a surface. Both names come from the configuration.
 *
 * @publicApi
 */
export type AlertSubject =
  | { readonly deployment: string; readonly surface?: never }
  | { readonly surface: string; readonly deployment?: never };

/**
 * One alert: raised once, cleared once.
 *
 * @publicApi
 */
export interface Alert {
  readonly id: string;
  readonly kind: AlertKind;
  readonly subject: AlertSubject;
  /** Over the window: the share that failed, 0 to 1; for `latency_slo` the 95th percentile in milliseconds. */
  readonly value: number;
  /** The worst `value` seen since it was raised. */
  readonly worstValue: number;
  /** What `value` had to be over: a share, or the surface's SLO in milliseconds. */
  readonly threshold: number;
  /** How many were judged in the window: requests of a surface, calls of a deployment. */
  readonly requests: number;
  readonly windowMs: number;
  /** ISO time it was raised. */
  readonly since: string;
  /** ISO time it was cleared; null: it stands. */
  readonly clearedAt: string | null;
}
