export type { Alert, AlertKind, AlertSubject } from './alert.js';
export type { BudgetEvent, BudgetScope } from './budget-events.js';
export type { KeyRefused, KeyRestored } from './key-events.js';
export * from './records.js';
export { type CallKey, TelemetryBus } from './telemetry-bus.js';
export { type OpenTelemetry, openTelemetry } from './open-telemetry.js';
export { traceParent } from './trace-parent.js';
