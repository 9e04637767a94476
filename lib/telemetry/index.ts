export type { Alert, AlertKind, AlertSubject } from './alert.js';
export * from './records.js';
export { TelemetryBus } from './telemetry-bus.js';
