export * from './records.js';
export { TelemetryBus } from './telemetry-bus.js';
