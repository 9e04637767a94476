import type { AlertKind } from '../config/alert-kinds.js';

/**
 * `critical`: for whoever is on call, now. `warning`: for a ticket. It only rises while an alert stands.
 *
 * @publicApi
 */
export type AlertSeverity = 'warning' | 'critical';

/** All of them, the mildest first. */
export const ALERT_SEVERITIES = ['warning', 'critical'] as const satisfies readonly AlertSeverity[];

/**
 * What has become of an alert.
 *
 * @publicApi
 */
export type AlertChange = 'raised' | 'escalated' | 'cleared';

/**
 * Whom an alert is about: a deployment, a provider, a surface, a model on a surface, or a budget. All names come from the
 * configuration.
 *
 * @publicApi
 */
export interface AlertSubject {
  readonly deployment?: string;
  readonly provider?: string;
  readonly surface?: string;
  readonly model?: string;
  /** `tenant acme per month`; of a surface's budget `surface` is there too. */
  readonly budget?: string;
}

/**
 * One alert: raised once, escalated at most once, cleared once. No two of one kind and subject stand at a time.
 *
 * @publicApi
 */
export interface Alert {
  readonly id: string;
  readonly kind: AlertKind;
  /** The worst it has been since it was raised. */
  readonly severity: AlertSeverity;
  readonly subject: AlertSubject;
  /**
   * Over the window: the share that failed, 0 to 1; for `latency_slo` the percentile in milliseconds; for `budget` the share
   * that is spent; for `quality` the mean score.
   */
  readonly value: number;
  /** The worst `value` seen since it was raised. */
  readonly worstValue: number;
  /** What `value` had to be over, of `quality` under. */
  readonly threshold: number;
  /** How many were judged in the window: requests of a surface, calls of a deployment, answers. */
  readonly requests: number;
  readonly windowMs: number;
  /** One line for people; nothing of any request is in it. */
  readonly message: string;
  /** ISO time it was raised. */
  readonly since: string;
  /** ISO time it became critical; null: it has not. */
  readonly criticalSince: string | null;
  /** ISO time it was cleared; null: it stands. */
  readonly clearedAt: string | null;
  /**
   * `shutdown`: it stood when the application ended in order, and nobody watches it any more; what is still wrong is another
   * alert of the next process. Absent: it is well again, or a reload has brought other subjects or limits.
   */
  readonly clearedBy?: 'shutdown';
}
