import type { TokenUsage } from '../chat/chat-types.js';
import type { LlmRouterErrorCode } from '../errors/llm-router-error.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { Alert } from './alert.js';
import type { BudgetEvent } from './budget-events.js';
import type { KeyRefused, KeyRestored } from './key-events.js';

/**
 * One of the cascade's three steps.
 *
 * @publicApi
 */
export type Tier = 'primary' | 'secondary' | 'tertiary';

/** The steps in their order. */
export const TIERS = ['primary', 'secondary', 'tertiary'] as const satisfies readonly Tier[];

/**
 * How an attempt or a request ended. `client_left` (gone, or with a deadline of its own too short) and `hedge_lost` are
 * neither errors nor latency samples.
 *
 * @publicApi
 */
export type Outcome =
  'succeeded' | 'failed' | 'timed_out' | 'client_left' | 'hedge_lost' | 'shed' | 'rejected';

/**
 * Which deployment, under which names. All of them come from configuration: safe as metric labels.
 *
 * @publicApi
 */
export interface DeploymentLabels {
  readonly deployment: string;
  readonly model: string;
  readonly provider: string;
}

/** Who asks and what is asked, as labels. */
export interface RequestLabels {
  readonly decisionId: string;
  /** The surface's name, or `none`. */
  readonly surface: string;
  readonly workload: 'interactive' | 'background';
  readonly requestClass: string;
  readonly streamed: boolean;
  /** What its key or its caller says; a name of users, so in no label without a bound. Absent: none. */
  readonly tenant?: string;
  /** A call before this one has answered the request, and its answer was not good enough. Absent: no. */
  readonly afterAnswer?: boolean;
}

/**
 * One call of one deployment, emitted exactly once, when it has ended. Money and totals come from here.
 *
 * @publicApi
 */
export interface AttemptRecord extends DeploymentLabels, RequestLabels {
  /** Position in the request, from 1. */
  readonly attempt: number;
  readonly tier: Tier;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Until the first token of a stream; undefined for other answers and where none came. */
  readonly timeToFirstTokenMs: number | undefined;
  readonly outcome: Outcome;
  readonly errorKind: ProviderErrorKind | undefined;
  readonly status: number | undefined;
  readonly providerCode: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** The fault was its key's, and another key of the provider is usable. Absent: no. */
  readonly otherKeyReady?: boolean;
  /** It was slower than it usually is, and another copy of the request was quicker. Absent: no. */
  readonly overtaken?: boolean;
  /** The request's deadline came before it had its usual time: that says nothing of the deployment. Absent: no. */
  readonly cutShort?: boolean;
  /** A second copy of the request, sent beside a call that took longer than it usually does. Absent: no. */
  readonly hedge?: boolean;
  readonly usage: TokenUsage;
  /** `estimated`: the provider reported nothing (a cut stream, a client that left). */
  readonly usageSource: 'reported' | 'estimated';
  readonly costUsd: number;
  /** The model version the provider says it used. */
  readonly reportedModel: string | undefined;
}

/**
 * One request from beginning to end, emitted exactly once. A refused request has one too, and no attempt.
 *
 * @publicApi
 */
export interface RequestRecord extends RequestLabels {
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Until the first token reached the caller, over all attempts; undefined for answers that are not streamed. */
  readonly timeToFirstTokenMs: number | undefined;
  readonly outcome: Outcome;
  readonly errorCode: LlmRouterErrorCode | undefined;
  readonly attempts: number;
  /** What served it; undefined when nothing did. */
  readonly servedBy: (DeploymentLabels & { readonly tier: Tier }) | undefined;
  /** Tokens over all attempts. */
  readonly usage: TokenUsage;
  /** Cost over all attempts, in US dollars. */
  readonly costUsd: number;
  /** Answered by another deployment than the one called first, which had failed. Absent: no. */
  readonly fellBack?: boolean;
  /** A second copy was sent. Absent: no. */
  readonly hedged?: boolean;
  /** Identifies the configuration it was decided under, keys left out. */
  readonly policyHash: string;
  /** What routing would have done, where it is only observed and the request was answered. Absent: it was routed. */
  readonly observed?: ObservedDecision;
}

/**
 * What routing would have done with a request that the baseline answered.
 *
 * @publicApi
 */
export interface ObservedDecision {
  /** The first choice; undefined: no model may serve it. */
  readonly choice: (DeploymentLabels & { readonly tier: Tier }) | undefined;
  readonly rule: string | undefined;
  /** US dollars of the call that answered, without others of the request: what the next figure compares with. */
  readonly answerCostUsd: number;
  /** US dollars that the tokens of the answer would have cost there; undefined: no price is known. */
  readonly costUsd: number | undefined;
}

/**
 * One call of a handler, with all router requests made in it, emitted when the last of them and its response have
 * ended. Counts what the request records count; nothing of it enters totals.
 *
 * @publicApi
 */
export interface HandlerRecord {
  /** `ChatController.answer`. */
  readonly handler: string;
  /** The handler's `@Surface`, else that of its first request; `none` where there is neither. */
  readonly surface: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  /** Of `durationMs`, the time in which at least one router request was under way. */
  readonly waitingMs: number;
  /** Router requests. */
  readonly calls: number;
  /** Of these, how many failed, ran out of time or were refused. Who left is not among them. */
  readonly failedCalls: number;
  /** Of the last of these; undefined: there was none. */
  readonly errorCode?: LlmRouterErrorCode | undefined;
  /** Of the last of these. */
  readonly decisionId?: string | undefined;
  /** Calls of deployments over all requests. */
  readonly attempts: number;
  /** The models that answered, each once, in order. */
  readonly models: readonly string[];
  readonly usage: TokenUsage;
  /** US dollars over all requests. */
  readonly costUsd: number;
  /** `failed`: the handler threw. `client_left`: the response was closed before it was complete. */
  readonly outcome: Extract<Outcome, 'succeeded' | 'failed' | 'client_left'>;
}

/** A request has come in. What is known of it then: its class is not. */
export interface RequestStarted extends RequestLabels {
  readonly startedAtMs: number;
}

/**
 * What is wrong with an answer, as far as that can be found out without asking anyone. `refusal`: the model says that it
 * will not. `cut_off`: it ended at its token limit.
 *
 * @publicApi
 */
export type AnswerFault =
  'schema_invalid' | 'tool_call_invalid' | 'refusal' | 'empty' | 'cut_off' | 'wrong_language';

/** An answer was looked at. Emitted once for each request that was answered, after its end. */
export interface AnswerEvaluated extends RequestLabels, DeploymentLabels {
  readonly faults: readonly AnswerFault[];
  /** 0 to 1: what it is worth by its faults; 1: none. */
  readonly score: number;
}

/** Somebody has said what an answer was worth, 0 to 1. */
export interface FeedbackGiven extends RequestLabels, DeploymentLabels {
  readonly score: number;
  /** What was said of the same answer before, and counts no longer. Absent: nothing. */
  readonly replaces?: { readonly score: number; readonly atMs: number };
}

export interface AttemptStarted extends DeploymentLabels {
  readonly decisionId: string;
  readonly attempt: number;
  readonly startedAtMs: number;
  readonly streamed: boolean;
  /** Of its prompt, estimated. Absent: not known. */
  readonly inputTokens?: number;
  /** A second copy of the request. Absent: no. */
  readonly hedge?: boolean;
}

/** What the headers of an answer say of the provider's rate limits. */
export interface RateLimitsRead extends DeploymentLabels {
  /** Nothing is left of them until then, in epoch milliseconds; 0: there is. */
  readonly exhaustedUntilMs: number;
}

/** An attempt has shown nothing for so long that a second copy of its request is sent. */
export interface AttemptOverdue extends DeploymentLabels {
  readonly decisionId: string;
  readonly attempt: number;
  readonly startedAtMs: number;
}

export interface AttemptFirstToken extends DeploymentLabels {
  readonly decisionId: string;
  readonly attempt: number;
  readonly timeToFirstTokenMs: number;
}

/** A choice of an answer is complete. */
export interface AttemptFinishReason {
  readonly decisionId: string;
  readonly attempt: number;
  readonly deployment: string;
  readonly reason: string;
}

/** A deployment's breaker has changed its state. The end of a pause shows with the probe that follows it. */
export interface BreakerChanged extends DeploymentLabels {
  readonly from: 'closed' | 'open' | 'half_open' | 'ramping';
  readonly to: 'closed' | 'open' | 'half_open' | 'ramping';
  /** End of its pause, in epoch milliseconds; 0: none. */
  readonly openUntilMs: number;
}

/** So many requests wait in the router for room at a deployment. */
export interface QueueChanged extends DeploymentLabels {
  readonly queued: number;
}

/** A deployment that a request's plan would have called first, were it not rate-limited or failing. */
export interface DeploymentPassedOver {
  readonly decisionId: string;
  readonly deployment: string;
}

/**
 * What of the user's own, or which model, is asked for a class, or for whether an answer is good enough. `class`: the
 * `matches` of one.
 */
export type PlugIn = 'class' | 'classifier' | 'examples' | 'judge' | 'verifier' | 'confidence';

/**
 * `bad_answer`: it cannot be used. `not_eligible`: the surface's limits leave out every deployment of its model.
 * `breaker_open`: not asked, because of the faults before.
 */
export type PlugInFaultKind = 'timeout' | 'error' | 'bad_answer' | 'not_eligible' | 'breaker_open';

/** A plug-in gave no answer of use; the request went on without it. */
export interface PlugInFailed {
  readonly decisionId: string;
  readonly plugIn: PlugIn;
  readonly kind: PlugInFaultKind;
}

/** Everything the bus carries, by event name. */
export interface TelemetryEvents {
  'deployment-passed-over': DeploymentPassedOver;
  'request-started': RequestStarted;
  'attempt-started': AttemptStarted;
  'attempt-first-token': AttemptFirstToken;
  'attempt-overdue': AttemptOverdue;
  'attempt-finish-reason': AttemptFinishReason;
  'attempt-ended': AttemptRecord;
  'breaker-changed': BreakerChanged;
  'queue-changed': QueueChanged;
  'rate-limits-read': RateLimitsRead;
  'request-ended': RequestRecord;
  'handler-ended': HandlerRecord;
  'answer-evaluated': AnswerEvaluated;
  'feedback-given': FeedbackGiven;
  'alert-raised': Alert;
  /** It has become critical. */
  'alert-escalated': Alert;
  'alert-cleared': Alert;
  /** 80 % of it is spent. */
  'budget-nearly-spent': BudgetEvent;
  /** All of it is spent. */
  'budget-spent': BudgetEvent;
  'plug-in-failed': PlugInFailed;
  'key-refused': KeyRefused;
  'key-restored': KeyRestored;
}
