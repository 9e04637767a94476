export { BoundedMemory, type BoundedMemoryOptions } from './bounded-memory.js';
export type { InternalCallOptions, RouterCallOptions } from './call-options.js';
export { type CallTally, currentCallTally, runWithCallTally } from './call-tally.js';
export { errorAnswer, type ErrorAnswer } from './error-answer.js';
export { callForHealth, type HealthCall } from './health-call.js';
export { vectorsOf } from './journey-model-caller.js';
export { type ListedModel, listModels } from './model-list.js';
export { recordRefusal } from './record-refusal.js';
export {
  RequestPipeline,
  type RoutedAnswer,
  type RoutedEmbeddings,
  type RoutedStream,
} from './request-pipeline.js';
export { RequestTries } from './request-tries.js';
export { answerHeaders, formatUsd, routingHeaders } from './routing-headers.js';
export type { RoutingInfo } from './routing-info.js';
export { buildRuntime, type RoutingRuntime } from './routing-runtime.js';
export { asksForStream, streamEvents } from './stream-events.js';
export { tenantKeyOf } from './tenant-key.js';
export { TurnMemory } from './turn-memory.js';
