// What the bench measures, as the router puts it together: the plan of one request over live signals.
export { compileOptions, createPlan } from '../../lib/planning/index.js';
export { LiveSignals } from '../../lib/signals/index.js';
export { TelemetryBus } from '../../lib/telemetry/index.js';
