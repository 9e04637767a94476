import type { Alert, AlertChange } from '../../telemetry/index.js';

/** Which alerts to give: those that stand, or those that were cleared. */
export const ALERT_STATES = ['active', 'cleared'] as const;
export type AlertStateFilter = (typeof ALERT_STATES)[number];

/**
 * The alerts of this process.
 *
 * @publicApi
 */
export interface AlertReport {
  /** False: `alerts.enabled` is off, and nothing is watched. */
  readonly enabled: boolean;
  /** Standing, oldest first, with what is measured now. */
  readonly active: readonly Alert[];
  /** The last 50 that were cleared, newest first. */
  readonly recent: readonly Alert[];
  /** Both together, by the time they were raised, newest first. */
  readonly history: readonly Alert[];
}

const CHANGES: Readonly<Record<AlertChange, string>> = {
  raised: 'raised',
  escalated: 'escalated',
  cleared: 'cleared',
};

/** One line for the log. Names come from the configuration; nothing of any request is in it. */
export function describeAlert({ kind, severity, message, clearedBy }: Alert, change: AlertChange): string {
  const rank = severity === 'critical' && change !== 'cleared' ? ' CRITICAL' : '';
  const by = clearedBy === undefined ? '' : ` by the ${clearedBy}`;
  return `Alert ${CHANGES[change]}${by} (${kind}): ${message}${rank}`;
}
