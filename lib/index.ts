export type { ModelCapability, ModelPrice } from './catalog/catalog-model.js';
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessageParam,
  ChatRequest,
  TokenUsage,
} from './chat/index.js';
export { checkLlmRouterOptions, type LlmRouterOptionsReport } from './check-llm-router-options.js';
export type { Classification } from './classification/index.js';
export {
  loadConfigurationFile,
  type ApiKeyOptions,
  type DeploymentOptions,
  type ExecutionOptions,
  type HttpOptions,
  type LimitsOptions,
  type LlmRouterConfiguration,
  type LlmRouterOptions,
  type ModelOptions,
  type PriceOptions,
  type ProviderApiName,
  type ProviderOptions,
  type RuleOptions,
  type SurfaceOptions,
  type TierOptions,
  type TimeoutOptions,
} from './config/index.js';
export type { LlmRequestContext, Workload } from './context/index.js';
export {
  AllAttemptsFailedError,
  type AttemptFailureSummary,
  ClientClosedRequestError,
  ConfigurationError,
  type ConfigurationIssue,
  ContextLengthExceededError,
  DeadlineExceededError,
  InternalError,
  InvalidApiKeyError,
  InvalidRequestError,
  LlmRouterError,
  type LlmRouterErrorCode,
  ModelNotFoundError,
  NoEligibleModelError,
  type OpenAiErrorType,
  OverloadedError,
  type ProviderErrorKind,
  RateLimitedError,
  type RejectionSummary,
  RequestTooLargeError,
  StreamInterruptedError,
  SurfaceNotAllowedError,
  UpstreamRejectedError,
} from './errors/index.js';
export { LlmProviderHealthIndicator } from './health/index.js';
export { LlmRouterErrorFilter, LlmRouterHttpModule, type LlmRouterHttpOptions } from './http/index.js';
export { LlmRouterModule } from './llm-router.module.js';
export type {
  LlmRouterModuleAsyncOptions,
  LlmRouterModuleOptions,
  LlmRouterOptionsFactory,
} from './llm-router.module-definition.js';
export { LlmContext, Surface, type SurfaceOverrides } from './nest/index.js';
export type { Kpi, KpiReport, Percentiles } from './observability/index.js';
export type {
  ExplainedAttempt,
  ExplainedRejection,
  Explanation,
  RouterCallOptions,
  RoutingInfo,
} from './pipeline/index.js';
export type { RankingTerms, RejectionReason } from './planning/index.js';
export { LlmUpstreams } from './providers/llm-upstreams.js';
export { type RoutedChatCompletion, type RoutedChatStream, RouterService } from './router/index.js';
export type { Outcome, Tier } from './telemetry/index.js';
