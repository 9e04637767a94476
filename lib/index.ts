export type { LongContextPrice, ModelCapability, ModelPrice, TaskKind } from './catalog/catalog-model.js';
export type { PresetName } from './catalog/presets/provider-preset.js';
export type { BackgroundReport } from './background/index.js';
export type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionMessageParam,
  ChatRequest,
  EmbeddingRequest,
  EmbeddingResponse,
  TokenUsage,
} from './chat/index.js';
export type { PeriodLength } from './calendar/index.js';
export { checkLlmRouterOptions, type LlmRouterOptionsReport } from './check-llm-router-options.js';
export {
  type Classification,
  type ClassifiedBy,
  trainClassifier,
  type TrainClassifierOptions,
  type TrainedWeights,
  TrainingDataError,
  type TrainingDataIssue,
  type TrainingReport,
  type TrainingRow,
  WeightsFileError,
} from './classification/index.js';
export {
  loadConfigurationFile,
  type AiSdkLanguageModel,
  type AlertsOptions,
  type AnswerVerifier,
  type ApiKeyOptions,
  type BackgroundOptions,
  type BreakerOptions,
  type BudgetOptions,
  type BudgetsOptions,
  type CalibrationOptions,
  type ClassConditionOptions,
  type ClassificationInput,
  type ClassificationOptions,
  type ClassifierOptions,
  type ClassOptions,
  type ConcurrencyOptions,
  type ConfigurationFileWatchOptions,
  type CustomClassification,
  type CustomClassifier,
  type DeploymentOptions,
  type ExamplesOptions,
  type ExecutionOptions,
  type HealthOptions,
  type HealthProbeCallOptions,
  type HealthProbeOptions,
  type HedgeOptions,
  type HttpOptions,
  type JudgeOptions,
  type LimitsOptions,
  type LlmRouterConfiguration,
  type LlmRouterFeatureOptions,
  type LlmRouterOptions,
  type LongContextPriceOptions,
  type ModelOptions,
  type OffPeakOptions,
  type OwnTimeoutOptions,
  type PeakHoursOptions,
  type PriceOptions,
  type ProviderApiName,
  type ProviderOptions,
  type GlobalRankingOptions,
  type QueueOptions,
  type RankingOptions,
  type RankingWeightOptions,
  type ReasoningMemoryOptions,
  type DecisionsOptions,
  type KpiOptions,
  type MetricsOptions,
  type ObservabilityOptions,
  type TracingOptions,
  type RequestLogOptions,
  type RetryOptions,
  type RuleOptions,
  type ShutdownOptions,
  type SurfaceOptions,
  type TierOptions,
  type TimeoutOptions,
  type VerifyOptions,
} from './config/index.js';
export type { BudgetReport, BudgetState } from './cost/index.js';
export type { LlmRequestContext, SurfaceName, SurfaceTightening, Workload } from './context/index.js';
// All of it, not by name: only so does the declaration of an application's surfaces merge with ours.
export type * from './context/llm-surfaces.js';
export {
  AllAttemptsFailedError,
  type AttemptFailureSummary,
  BudgetExceededError,
  ClientClosedRequestError,
  ConfigurationError,
  type ConfigurationIssue,
  ContextLengthExceededError,
  DeadlineExceededError,
  DecisionNotFoundError,
  EnqueuedRequestLostError,
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
  type SpentBudget,
  StreamInterruptedError,
  SurfaceNotAllowedError,
  UpstreamRejectedError,
} from './errors/index.js';
export {
  LlmDeploymentHealthIndicator,
  LlmProviderHealthIndicator,
  LlmSurfaceHealthIndicator,
} from './health/index.js';
export type { FeedbackReceipt, QualityFigures, QualityReport } from './quality/index.js';
export type { BreakerState } from './signals/index.js';
export { LlmRouterErrorFilter, LlmRouterHttpModule, type LlmRouterHttpOptions } from './http/index.js';
export { LlmRouterModule } from './llm-router.module.js';
export type {
  LlmRouterFileOptions,
  LlmRouterModuleAsyncOptions,
  LlmRouterModuleExtras,
  LlmRouterModuleOptions,
  LlmRouterOptionsFactory,
} from './llm-router.module-definition.js';
export {
  InjectOpenAI,
  LlmContext,
  LlmMetricsInterceptor,
  OPENAI_CLIENT,
  Surface,
  type SurfaceOverrides,
} from './nest/index.js';
export type {
  AlertReport,
  HandlerKpi,
  Kpi,
  KpiReport,
  Percentiles,
  RequestSavings,
  Savings,
  ObservedSavings,
  SavingsReport,
  UnpricedCalls,
} from './observability/index.js';
export type { RouterCallOptions, RoutingInfo } from './pipeline/index.js';
export type {
  ExplainedAttempt,
  ExplainedRejection,
  Explanation,
  RankingPreset,
  RankingTerms,
  RankingWeights,
  RejectionReason,
} from './planning/index.js';
export { LlmUpstreams } from './providers/llm-upstreams.js';
export {
  type ReconfigureReport,
  type RoutedChatCompletion,
  type RoutedEmbeddingResponse,
  type RoutedChatStream,
  type RouterClientOptions,
  type RouterFetch,
  RouterService,
} from './router/index.js';
export type {
  Alert,
  AlertKind,
  AlertSubject,
  BudgetScope,
  DeploymentLabels,
  ObservedDecision,
  Outcome,
  Tier,
} from './telemetry/index.js';
