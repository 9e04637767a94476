export type { Alert, AlertKind, AlertSubject } from './alert.js';
export type { BudgetEvent, BudgetScope } from './budget-events.js';
export type { KeyRefused, KeyRestored } from './key-events.js';
export * from './records.js';
export { TelemetryBus } from './telemetry-bus.js';
