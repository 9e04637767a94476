// What of the library's inside the bench measures.
export { KpiHistogram } from '../../lib/observability/kpi-histogram.ts';
export { KpiStore } from '../../lib/observability/kpi-store.ts';
export { TelemetryBus } from '../../lib/telemetry/index.ts';
