import type { Alert } from '../telemetry/index.js';

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
}

function duration(milliseconds: number): string {
  return milliseconds % 60_000 === 0 ? `${milliseconds / 60_000} min` : `${milliseconds / 1_000} s`;
}

function percent(share: number): string {
  return `${Math.round(share * 1_000) / 10} %`;
}

/** One line for the log. Names come from the configuration; nothing of any request is in it. */
export function describeAlert({ kind, subject, value, threshold, requests, windowMs }: Alert): string {
  const isSurface = subject.surface !== undefined;
  const name = isSurface ? `surface ${subject.surface}` : subject.deployment;
  const window = `${requests} ${isSurface ? 'requests' : 'calls'} in ${duration(windowMs)}`;
  return kind === 'error_rate'
    ? `${name}: ${percent(value)} of ${window} failed (threshold ${percent(threshold)})`
    : `${name}: p95 ${Math.round(value)} ms of ${window} (SLO ${threshold} ms)`;
}
