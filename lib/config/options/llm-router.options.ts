import { IsOptional } from '../class-validator.js';
import type { SurfaceName } from '../../context/llm-surfaces.js';
import { NotSupportedYet, Section, SectionMap } from '../section.decorators.js';
import { IsFlag, IsName, IsOneOf } from '../validators.js';
import { AlertsOptions } from './alerts.options.js';
import { BackgroundOptions } from './background.options.js';
import { BudgetsOptions } from './budget.options.js';
import { ClassificationOptions } from './classification.options.js';
import { ExecutionOptions } from './execution.options.js';
import { HealthOptions } from './health.options.js';
import { HttpOptions } from './http.options.js';
import { LimitsOptions } from './limits.options.js';
import { ModelOptions } from './model.options.js';
import { PeakHoursOptions } from './peak-hours.options.js';
import { ProviderOptions } from './provider.options.js';
import { GlobalRankingOptions } from './ranking.options.js';
import { ReasoningMemoryOptions } from './reasoning-memory.options.js';
import { RequestLogOptions } from './request-log.options.js';
import { RuleOptions } from './rule.options.js';
import { ObservabilityOptions } from './observability.options.js';
import { ShutdownOptions } from './shutdown.options.js';
import { SurfaceOptions } from './surface.options.js';

/**
 * The whole configuration, after it has been read: keys in camelCase, defaults filled in.
 * What users write is {@link LlmRouterOptions}.
 */
@NotSupportedYet({
  storage: 'state is kept in memory',
  safety: '',
})
export class LlmRouterConfiguration {
  /** @defaultValue from `OPENAI_API_KEY`, `ANTHROPIC_API_KEY`, `GEMINI_API_KEY` (and `…_BASE_URL`) */
  @IsOptional()
  @SectionMap(() => ProviderOptions)
  providers?: Record<string, ProviderOptions>;

  @IsOptional()
  @SectionMap(() => ModelOptions)
  models?: Record<string, ModelOptions>;

  /** By request class. */
  @IsOptional()
  @SectionMap(() => RuleOptions)
  routingRules?: Record<string, RuleOptions>;

  @IsOptional()
  @SectionMap(() => SurfaceOptions)
  surfaces?: Record<string, SurfaceOptions>;

  @Section(() => ClassificationOptions)
  classification: ClassificationOptions = new ClassificationOptions();

  /**
   * What a model's name in a request means: `advisory`, a wish that rules and floors overrule; `binding`, an order.
   *
   * @defaultValue 'advisory'
   */
  @IsOneOf(['advisory', 'binding'])
  clientModel: 'advisory' | 'binding' = 'advisory';

  /**
   * What becomes of a request that uses what not every provider can do (`seed`, `n`, penalties, `logit_bias`,
   * `verbosity`): `route`, it goes to models that can; `refuse`, it is refused with a 400
   * where the model it would go to cannot; `drop`, what the model cannot do is left out, and `x-llm-dropped-parameters`
   * says so. Tools, pictures, schemas, sound and log probabilities are never dropped.
   *
   * @defaultValue 'route'
   */
  @IsOneOf(['route', 'refuse', 'drop'])
  unsupportedParameters: 'route' | 'refuse' | 'drop' = 'route';

  @Section(() => GlobalRankingOptions)
  ranking: GlobalRankingOptions = new GlobalRankingOptions();

  @Section(() => ExecutionOptions)
  execution: ExecutionOptions = new ExecutionOptions();

  @Section(() => LimitsOptions)
  limits: LimitsOptions = new LimitsOptions();

  /** Beside those of surfaces (`surfaces.<name>.budget`) and of keys (`http.apiKeys[].budget`). */
  @Section(() => BudgetsOptions)
  budgets: BudgetsOptions = new BudgetsOptions();

  /** @defaultValue none: all work is ranked by `balanced`, at any hour */
  @IsOptional()
  @Section(() => PeakHoursOptions)
  peakHours?: PeakHoursOptions;

  /** Of `RouterService.enqueue`. */
  @Section(() => BackgroundOptions)
  background: BackgroundOptions = new BackgroundOptions();

  @Section(() => ReasoningMemoryOptions)
  reasoningMemory: ReasoningMemoryOptions = new ReasoningMemoryOptions();

  @Section(() => HttpOptions)
  http: HttpOptions = new HttpOptions();

  @Section(() => AlertsOptions)
  alerts: AlertsOptions = new AlertsOptions();

  /** KPIs, metrics, traces, decisions. */
  @Section(() => ObservabilityOptions)
  observability: ObservabilityOptions = new ObservabilityOptions();

  /** A file with a line of JSON for each request. @defaultValue none is written */
  @IsOptional()
  @Section(() => RequestLogOptions)
  requestLog?: RequestLogOptions;

  /**
   * The model you would call without the router: savings are measured against its list price.
   *
   * @defaultValue none: the savings report says what was spent, and nothing of savings
   */
  @IsOptional()
  @IsName()
  baseline?: string;

  /**
   * `observe`: every request goes to the baseline, and the log, the request records and `GET /router/savings` say which model
   * routing would have sent it to and what that would have cost. Surfaces with a `pin` keep it. Hard limits hold: a surface
   * whose floors the baseline does not pass stops the boot.
   *
   * @defaultValue 'route'
   */
  @IsOneOf(['route', 'observe'])
  mode: 'route' | 'observe' = 'route';

  @Section(() => HealthOptions)
  health: HealthOptions = new HealthOptions();

  @Section(() => ShutdownOptions)
  shutdown: ShutdownOptions = new ShutdownOptions();

  /** Warnings stop the boot as errors do; a price that merely looks odd does not. @defaultValue false */
  @IsFlag()
  strict = false;
}

type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9';

/** `maxCostPer1k` is `max_cost_per_1k`, `inputPer1M` is `input_per_1m`: a figure is a word with its unit. */
type SnakeCase<Name extends string, Before extends string = ''> = Name extends `${infer First}${infer Rest}`
  ? First extends Digit
    ? `${Before extends Digit | '' ? '' : '_'}${First}${SnakeCase<Rest, First>}`
    : First extends Lowercase<First>
      ? `${First}${SnakeCase<Rest, First>}`
      : `${Before extends Digit ? '' : '_'}${Lowercase<First>}${SnakeCase<Rest, First>}`
  : Name;

/** Every key may be left out, and each of ours is there in both spellings. */
type EitherSpelling<Value> = Value extends readonly (infer Entry)[]
  ? EitherSpelling<Entry>[]
  : Value extends (...given: never[]) => unknown
    ? Value
    : Value extends object
      ? {
          [Key in keyof Value as Key extends string ? Key | SnakeCase<Key> : Key]?: EitherSpelling<
            Value[Key]
          >;
        }
      : Value;

/**
 * What `LlmRouterModule.forRoot` takes: every key may be left out, and may be written in camelCase or snake_case.
 *
 * @example
 * ```ts
 * LlmRouterModule.forRoot({
 *   providers: { openai: { api: 'openai', apiKey: '${OPENAI_API_KEY}' } },
 *   routingRules: {
 *     simple_queries: { primary: 'gpt-4o-mini', fallback: 'gpt-4.1-mini', maxCostPer1k: 0.002 },
 *     complex_reasoning: { primary: 'gpt-4.1', maxLatencyMs: 5000 },
 *   },
 *   surfaces: { support: { qualityFloor: 0.6, latencySloMs: 1500 } },
 * })
 * ```
 * @publicApi
 */
export type LlmRouterOptions = EitherSpelling<Omit<LlmRouterConfiguration, 'surfaces'>> & {
  /** By the names of `LlmSurfaces`, where the application declares them. */
  surfaces?: Partial<Record<SurfaceName, EitherSpelling<SurfaceOptions>>>;
};

/**
 * What `LlmRouterModule.forFeature` takes.
 *
 * @publicApi
 */
export interface LlmRouterFeatureOptions {
  /** By name, as in {@link LlmRouterOptions}. */
  readonly surfaces: NonNullable<LlmRouterOptions['surfaces']>;
}
