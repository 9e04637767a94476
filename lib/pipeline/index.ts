export type { InternalCallOptions, RouterCallOptions } from './call-options.js';
export type { ExplainedAttempt, ExplainedRejection, Explanation } from './explanation.js';
export { recordRefusal } from './record-refusal.js';
export { RequestPipeline, type RoutedAnswer, type RoutedStream } from './request-pipeline.js';
export type { RoutingInfo } from './routing-info.js';
export { buildRuntime, type RoutingRuntime } from './routing-runtime.js';
