import type { TokenUsage } from '../../chat/index.js';
import type { LlmRouterErrorCode } from '../../errors/llm-router-error.js';
import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';
import type { Explanation } from '../../planning/index.js';
import type {
  AnswerFault,
  DeploymentLabels,
  ObservedDecision,
  Outcome,
  Tier,
} from '../../telemetry/index.js';

/**
 * One call that a decision led to.
 *
 * @publicApi
 */
export interface DecisionAttempt extends DeploymentLabels {
  /** Position in the request, from 1. */
  readonly attempt: number;
  readonly tier: Tier;
  /** ISO time. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly timeToFirstTokenMs: number | null;
  readonly outcome: Outcome;
  readonly errorKind: ProviderErrorKind | null;
  readonly status: number | null;
  readonly providerCode: string | null;
  /** A second copy of the request, sent beside a slow call. */
  readonly hedge: boolean;
  /** Made to find out the class, or to check the answer. */
  readonly forClass: boolean;
  readonly usage: TokenUsage;
  readonly usageSource: 'reported' | 'estimated';
  readonly costUsd: number;
  /** The model version the provider says it used. */
  readonly reportedModel: string | null;
}

/**
 * A request and what became of it, as the list shows it.
 *
 * @publicApi
 */
export interface DecisionSummary {
  readonly decisionId: string;
  /** ISO time. */
  readonly startedAt: string;
  readonly surface: string;
  readonly workload: 'interactive' | 'background';
  readonly tenant: string | null;
  /** What was asked for, where it is a model or a rule of the configuration. */
  readonly requestedModel: string | null;
  readonly streamed: boolean;
  readonly requestClass: string;
  readonly outcome: Outcome | 'running';
  readonly errorCode: LlmRouterErrorCode | null;
  /** Null while it runs. */
  readonly durationMs: number | null;
  readonly timeToFirstTokenMs: number | null;
  readonly servedBy: (DeploymentLabels & { readonly tier: Tier }) | null;
  readonly fellBack: boolean;
  readonly hedged: boolean;
  /** How many calls were made so far. */
  readonly attempts: number;
  /** Of all calls. */
  readonly usage: TokenUsage;
  /** Of all calls, in US dollars. */
  readonly costUsd: number;
  /** Identifies the configuration, keys left out; null until it is planned. */
  readonly policyHash: string | null;
}

/**
 * A request from what was known of it to what became of it. Holds nothing of the prompt or the answer.
 *
 * @publicApi
 */
export interface Decision extends Omit<DecisionSummary, 'attempts'> {
  /** The plan with its reasons; null: it was refused before one was made. */
  readonly explanation: Explanation | null;
  /** Rejected candidates beyond those that `explanation` lists. */
  readonly rejectedBeyond: number;
  /** The plans for better answers, in their order, where an answer was not good enough (`verify`). */
  readonly escalations: readonly Explanation[];
  /** Those that have ended. */
  readonly attempts: readonly DecisionAttempt[];
  /** What routing would have done, where it is only observed; null: it was routed. */
  readonly observed: {
    /** Null: it would have refused the request. */
    readonly explanation: Explanation | null;
    /** Null: it was not answered, so there is nothing to compare. */
    readonly result: ObservedDecision | null;
  } | null;
  /** What was found by looking at the answer; null: nobody has looked. */
  readonly evaluation: { readonly faults: readonly AnswerFault[]; readonly score: number } | null;
  /** What somebody said of it last, 0 to 1, and how often; null: nobody has. */
  readonly feedback: { readonly score: number; readonly count: number } | null;
}

/**
 * The last decisions of this process.
 *
 * @publicApi
 */
export interface DecisionReport {
  /** So many that have ended are kept at most. */
  readonly keep: number;
  /** So many are. */
  readonly kept: number;
  readonly running: number;
  /** Those that match: first what runs, then what has ended, the latest first. */
  readonly decisions: readonly DecisionSummary[];
}
