// What the bench measures, as the router puts it together: the plan of one request over live signals.
export { compileOptions, createPlan } from '../../lib/planning/index.ts';
export { LiveSignals } from '../../lib/signals/index.ts';
export { TelemetryBus } from '../../lib/telemetry/index.ts';
