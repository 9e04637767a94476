export { type ConfiguredKeys, configuredKeys, keysIn } from './configured-keys.js';
export { GOOGLE_CLOUD_LOCATION } from './google-cloud-location.js';
export { GOOGLE_CLOUD_PROJECT } from './google-cloud-project.js';
export { hasKeys } from './has-keys.js';
export {
  ConfigurationFile,
  type ConfigurationFileWatchOptions,
  type ReadConfiguration,
} from './configuration-file.js';
export { loadConfigurationFile } from './load-configuration-file.js';
export type { AiSdkLanguageModel } from './options/ai-sdk-language-model.js';
export { ALERT_KINDS, type AlertKind } from './alert-kinds.js';
export { AlertWebhookOptions } from './options/alert-webhook.options.js';
export { AlertQualityOptions, AlertsOptions } from './options/alerts.options.js';
export { BackgroundOptions } from './options/background.options.js';
export { BudgetOptions, BudgetsOptions } from './options/budget.options.js';
export type { AnswerVerifier } from './options/answer-verifier.js';
export type {
  ClassificationInput,
  CustomClassification,
  CustomClassifier,
} from './options/classification-input.js';
export {
  CalibrationOptions,
  CLASS_LANGUAGES,
  ClassConditionOptions,
  ClassificationOptions,
  ClassifierOptions,
  ClassOptions,
  ExamplesOptions,
  JudgeOptions,
} from './options/classification.options.js';
export { DeploymentOptions } from './options/deployment.options.js';
export { BreakerOptions } from './options/breaker.options.js';
export { ConcurrencyOptions } from './options/concurrency.options.js';
export { ExecutionOptions } from './options/execution.options.js';
export { HedgeOptions } from './options/hedge.options.js';
export { QueueOptions } from './options/queue.options.js';
export { RetryOptions } from './options/retry.options.js';
export { OwnTimeoutOptions, TimeoutOptions } from './options/timeout.options.js';
export { HealthOptions, HealthProbeCallOptions, HealthProbeOptions } from './options/health.options.js';
export { ApiKeyOptions, HttpOptions } from './options/http.options.js';
export { LimitsOptions } from './options/limits.options.js';
export {
  LlmRouterConfiguration,
  type LlmRouterFeatureOptions,
  type LlmRouterOptions,
} from './options/llm-router.options.js';
export { LongContextPriceOptions } from './options/long-context-price.options.js';
export { ModelOptions } from './options/model.options.js';
export { OffPeakOptions, PeakHoursOptions, WEEKDAYS } from './options/peak-hours.options.js';
export { PriceOptions } from './options/price.options.js';
export { ProviderOptions, type ProviderApiName } from './options/provider.options.js';
export { GlobalRankingOptions, RankingOptions, RankingWeightOptions } from './options/ranking.options.js';
export { RuleOptions, TierOptions } from './options/rule.options.js';
export { ReasoningMemoryOptions } from './options/reasoning-memory.options.js';
export { DecisionsOptions } from './options/decisions.options.js';
export { KpiOptions } from './options/kpi.options.js';
export { MetricsOptions, type MetricsRegistry } from './options/metrics.options.js';
export { ObservabilityOptions } from './options/observability.options.js';
export { TracingOptions } from './options/tracing.options.js';
export { RequestLogOptions } from './options/request-log.options.js';
export { ShutdownOptions } from './options/shutdown.options.js';
export { SurfaceOptions } from './options/surface.options.js';
export { nameOfKey } from './name-of-key.js';
export { VerifyOptions } from './options/verify.options.js';
export { concealExpanded } from './expand-environment.js';
export { type ConfigurationReading, inspectConfiguration, readConfiguration } from './read-configuration.js';
export { MODULE_EXTRAS, withoutModuleExtras } from './module-extras.js';
export { didYouMean, suggest } from './suggest.js';
export { refusalOfWhole } from './read-section.js';
export { withFeatureSurfaces } from './with-feature-surfaces.js';
