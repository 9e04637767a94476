import type { RequestParameter } from '../catalog/request-parameters.js';
import type { ModelCapability, ModelPrice, TaskKind } from '../catalog/catalog-model.js';
import type { BudgetPolicy } from '../cost/index.js';
import type { Calibration, ClassificationPolicy, VerifyPolicy } from '../classification/index.js';
import type { Workload } from '../context/index.js';
import type { BreakerSettings, ConcurrencySettings, MinuteLimits } from '../signals/index.js';
import type { Tier } from '../telemetry/records.js';
import type { LatencyPrior } from './latency-prior.js';
import type { PolicyPeakHours } from './peak-hours.js';
import type { RankingChoice } from './ranking-weights.js';

/** Timeouts that one deployment, tier or surface sets for itself. */
export interface OwnTimeouts {
  readonly connectMs?: number | undefined;
  readonly firstTokenMs?: number | undefined;
  readonly idleMs?: number | undefined;
  readonly maxStreamMs?: number | undefined;
}

/** A model as the policy has it: catalogue facts under the user's own. */
export interface PolicyModel {
  readonly name: string;
  readonly quality: number | undefined;
  /** By the kind of task a rule may be for; one that is missing passes no floor under such a rule. */
  readonly qualityByTask: Readonly<Partial<Record<TaskKind, number>>>;
  readonly safety: number | undefined;
  /** Undefined: not declared, so not checked. */
  readonly capabilities: ReadonlySet<ModelCapability> | undefined;
  /** Whether it can think before it answers, and whether it does so unasked: other deadlines and first-token limits. */
  readonly thinking: 'always' | 'on_request' | 'never';
  readonly substitutable: boolean;
  readonly deployments: readonly PolicyDeployment[];
}

/** One model at one provider: what can be called. */
export interface PolicyDeployment {
  /** `provider/model`, with `#2` and so on where one provider has several of one model. */
  readonly id: string;
  readonly model: PolicyModel;
  readonly provider: string;
  readonly upstreamModel: string;
  readonly price: ModelPrice | undefined;
  readonly contextWindow: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly maxConcurrency: number | undefined;
  readonly timeouts: OwnTimeouts;
  /** It is sent the thinking of earlier turns, which then is part of the prompt. */
  readonly replaysThinking: boolean;
  /** What of a request it has no word for. */
  readonly unsupportedParameters: ReadonlySet<RequestParameter>;
  readonly weight: number;
  /** Where it answers; undefined: not declared. */
  readonly region: string | undefined;
  /** For so many days its provider keeps prompts; undefined: not declared. */
  readonly retentionDays: number | undefined;
  readonly requestsPerMinute: number | undefined;
  readonly tokensPerMinute: number | undefined;
  /** What is expected of it before it has been called. */
  readonly prior: LatencyPrior;
}

export interface PolicyTier {
  readonly tier: Tier;
  readonly targetLatencyMs: number;
  /** The user wrote the target down, so it also is the moment to move on of answers that are not streamed. */
  readonly isTargetExplicit: boolean;
  readonly timeouts: OwnTimeouts;
  readonly models: readonly PolicyModel[];
}

export interface PolicyRule {
  readonly name: string;
  readonly tiers: readonly PolicyTier[];
  readonly maxCostPer1k: number | undefined;
  readonly maxLatencyMs: number | undefined;
  /** Undefined: quality over all tasks counts. */
  readonly task?: TaskKind | undefined;
  /** What its answers are held against; absent: they are given as they are. */
  readonly verify?: VerifyPolicy | undefined;
  readonly ranking?: RankingChoice;
  /** Nobody wrote it: it stands in where no built-in class has a rule. */
  readonly isDerived?: boolean;
}

export interface PolicySurface {
  readonly name: string;
  readonly qualityFloor: number | undefined;
  readonly safetyFloor: number | undefined;
  readonly workload: Workload;
  /** Undefined: the workload's default. */
  readonly latencySloMs: number | undefined;
  readonly maxCostPerRequest: number | undefined;
  readonly pin: PolicyModel | undefined;
  /** Where its requests may be answered; undefined: anywhere. */
  readonly regions: readonly string[] | undefined;
  /** Providers may keep its prompts for so many days; undefined: for as long as they do. */
  readonly retentionDays: number | undefined;
  readonly ranking: RankingChoice;
  readonly maxOutputTokens: number | undefined;
  readonly timeouts: OwnTimeouts;
  /** Of two surfaces the one with the higher number is served first where not all can be. */
  readonly priority: number;
  readonly onStreamFailure: 'error' | 'continue';
  readonly onContentFilter: 'reject' | 'next_model';
  /** Its requests may be sent twice at once. */
  readonly mayHedge: boolean;
  /** Its requests are written into the request log, whole. Absent: no. */
  readonly provenance?: boolean;
  /** The text of its prompts and answers may be in spans. Absent: no. */
  readonly recordPrompts?: boolean | undefined;
  /** How hard requests are told from easy ones here; absent: as everywhere. */
  readonly calibration?: Calibration | undefined;
}

export interface PolicyExecution {
  readonly maxAttempts: number;
  /** Undefined: by workload and model. */
  readonly deadlineMs: number | undefined;
  readonly timeouts: {
    readonly connectMs: number;
    readonly firstTokenMs: number | undefined;
    readonly idleMs: number;
    readonly maxStreamMs: number;
  };
  readonly retries: {
    readonly baseDelayMs: number;
    readonly maxDelayMs: number;
    readonly budget: number;
    readonly longPromptTokens: number;
  };
  readonly breaker: BreakerSettings;
  readonly concurrency: ConcurrencySettings;
  readonly queue: { readonly maxSize: number; readonly maxWaitMs: number | undefined };
  readonly hedge: { readonly enabled: boolean; readonly maxShare: number };
  /** What deployments may be sent in a minute, by their ids; those without a limit are not in it. */
  readonly minuteLimits: ReadonlyMap<string, MinuteLimits>;
}

/** The model savings are measured against. */
export interface PolicyBaseline {
  readonly model: string;
  /** Its list price; the cheapest where its deployments differ. */
  readonly price: ModelPrice;
}

/** The configuration compiled: immutable, taken once by a request and carried along. */
export interface PolicySnapshot {
  /** Identifies the configuration, keys left out. */
  readonly hash: string;
  /** Every name a client may send, to the model's own name. */
  readonly modelNames: ReadonlyMap<string, string>;
  /** Models that can be called, by their own names. */
  readonly models: ReadonlyMap<string, PolicyModel>;
  readonly rules: ReadonlyMap<string, PolicyRule>;
  /**
   * The rules that serve a class, in the order tried: its own, then those of the harder classes. A class without a
   * rule is served by the next harder one, or by the hardest there is.
   */
  readonly rulesForClass: ReadonlyMap<string, readonly PolicyRule[]>;
  readonly surfaces: ReadonlyMap<string, PolicySurface>;
  /** For requests that name no surface. */
  readonly defaultSurface: PolicySurface;
  readonly clientModel: 'advisory' | 'binding';
  readonly unsupportedParameters: 'route' | 'refuse' | 'drop';
  /** Names that always bind although their shape alone says so: fine-tuned ids and dated snapshots. */
  readonly bindingNames: ReadonlySet<string>;
  /** Names of models that make vectors: no chat can be asked of them, and nothing stands in. */
  readonly embeddingNames: ReadonlySet<string>;
  readonly classification: ClassificationPolicy;
  readonly execution: PolicyExecution;
  /** What the ranking goes by where neither the surface nor the rule says so. */
  readonly ranking: RankingChoice & {
    /** Share of the requests that go to one of which nothing is known now. */
    readonly exploration: number;
  };
  /** The highest prices of all models, in US dollars per million tokens: what costs are measured in. */
  readonly dearest: { readonly inputPer1M: number; readonly outputPer1M: number };
  /** Undefined: none is configured. */
  readonly baseline: PolicyBaseline | undefined;
  /** Answers every request while routing is only observed; undefined: requests are routed. */
  readonly observedBaseline: PolicyModel | undefined;
  readonly budgets: BudgetPolicy;
  /** Undefined: no hour differs from another. */
  readonly peakHours: PolicyPeakHours | undefined;
}

/** The label of requests that name no surface. */
export const NO_SURFACE = 'none';
