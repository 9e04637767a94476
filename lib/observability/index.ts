export * from './alerts/index.js';
export { describeHandlerCall } from './describe-handler-call.js';
export { describeObserved } from './describe-observed.js';
export type { ObservedSavings } from './observed-savings.js';
export type { HandlerKpi } from './handler-kpi-aggregate.js';
export type { Percentiles } from './histogram.js';
export type { Kpi } from './kpi-aggregate.js';
export { KPI_DIMENSIONS, type KpiDimension, type KpiReport, KpiStore } from './kpi-store.js';
// Its package is loaded where there is a route for the metrics.
export type { PrometheusMetrics } from './prometheus-metrics.js';
export type { AnsweredRequest, PlannedRequest, RequestObserver, StreamFollower } from './request-observer.js';
export { RequestObservers } from './request-observers.js';
export { RequestLog, type RequestLogSettings } from './request-log.js';
export type { RequestSavings, Savings, SavingsReport, UnpricedCalls } from './savings-report.js';
export { SavingsStore } from './savings-store.js';
