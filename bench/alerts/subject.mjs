// What the bench measures, as the router puts it together.
export { AlertStore } from '../../lib/observability/alerts/alert-store.ts';
export { readAlertSettings } from '../../lib/observability/alerts/alert-settings.ts';
export { EndCounts, RateWatch } from '../../lib/observability/alerts/rate-watch.ts';
export { compileOptions } from '../../lib/planning/index.ts';
export { TelemetryBus } from '../../lib/telemetry/index.ts';
