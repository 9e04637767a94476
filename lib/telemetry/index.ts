export { ALERT_KINDS, type AlertKind } from '../config/alert-kinds.js';
export {
  type Alert,
  ALERT_SEVERITIES,
  type AlertChange,
  type AlertSeverity,
  type AlertSubject,
} from './alert.js';
export type { BudgetEvent, BudgetScope } from './budget-events.js';
export type { KeyRefused, KeyRestored } from './key-events.js';
export * from './records.js';
export { type CallKey, TelemetryBus } from './telemetry-bus.js';
export { type OpenTelemetry, openTelemetry, prepareOpenTelemetry } from './open-telemetry.js';
export { traceParent } from './trace-parent.js';
