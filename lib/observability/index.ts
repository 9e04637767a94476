export * from './alerts/index.js';
export {
  type Decision,
  type DecisionAttempt,
  DECISION_OUTCOMES,
  type DecisionFilter,
  DecisionLog,
  type DecisionReport,
  type DecisionSummary,
  MAX_LIMIT as MAX_DECISIONS_LISTED,
} from './decision-log/index.js';
export { describeHandlerCall } from './describe-handler-call.js';
export { describeObserved } from './describe-observed.js';
export { describeFailedAttempt, describeRequest, levelOf } from './describe-request.js';
export { type LogFields, type LogLevelName, LogLine } from './log-line.js';
export type { ObservedSavings } from './observed-savings.js';
export type { HandlerKpi } from './handler-kpi-aggregate.js';
export type { Percentiles } from './histogram.js';
export type { Kpi } from './kpi-aggregate.js';
export type {
  KpiAttemptFigures,
  KpiFigures,
  KpiPoint,
  KpiQuality,
  KpiQuery,
  KpiRow,
  KpiRowDimension,
  KpiRowLabels,
  KpiSeries,
  KpiStep,
  KpiWindow,
  KpiWindowReport,
} from './kpi-query.js';
export { type CheckedKpiQuery, readKpiQuery } from './kpi-read-query.js';
export { KPI_DIMENSIONS, type KpiDimension, type KpiReport, KpiStore } from './kpi-store.js';
// Its package is loaded where there is a route for the metrics.
export type { PrometheusMetrics } from './prometheus-metrics.js';
export { QualityObserver } from './quality-observer.js';
export type { AnsweredRequest, PlannedRequest, RequestObserver, StreamFollower } from './request-observer.js';
export { RequestObservers } from './request-observers.js';
export { RequestLog, type RequestLogReport, type RequestLogSettings } from './request-log.js';
export type { RequestSavings, Savings, SavingsReport, UnpricedCalls } from './savings-report.js';
export { SavingsStore } from './savings-store.js';
export { RequestTracer } from './tracing/request-tracer.js';
