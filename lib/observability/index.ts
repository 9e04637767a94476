export type { Percentiles } from './histogram.js';
export type { Kpi } from './kpi-aggregate.js';
export { type KpiReport, KpiStore } from './kpi-store.js';
export { PrometheusMetrics } from './prometheus-metrics.js';
