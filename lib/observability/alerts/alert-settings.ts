import type { AlertsOptions } from '../../config/index.js';
import type { AlertKind } from '../../telemetry/index.js';
import type { WatchSettings } from './alert-watch.js';
import { normalQuantile } from './wilson-bound.js';

/** The slow window is so many times the fast one, where nobody has said how long it is: an hour of five minutes. */
const SLOW_WINDOWS = 12;

/** The validated options, apart from where alerts go. */
export type AlertSettings = Omit<AlertsOptions, 'webhook'>;

/** What the watches go by. */
export interface ReadAlertSettings extends WatchSettings {
  readonly enabled: boolean;
  readonly ignored: ReadonlySet<AlertKind>;
}

export function readAlertSettings({ ignore, slowWindowMs, ...settings }: AlertSettings): ReadAlertSettings {
  return {
    ...settings,
    slowWindowMs: slowWindowMs ?? settings.windowMs * SLOW_WINDOWS,
    z: normalQuantile(settings.confidence),
    ignored: new Set(ignore),
  };
}
