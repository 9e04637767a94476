import type { ChatCompletion, ChatCompletionChunk, ValidatedChatRequest } from '../chat/index.js';
import type { ExplainableFeatures, Plan } from '../planning/index.js';
import type { DeploymentLabels, RequestLabels, Tier } from '../telemetry/index.js';

/** A request that has a plan, also one that leaves nobody to ask. */
export interface PlannedRequest {
  readonly labels: RequestLabels;
  readonly plan: Plan;
  /** What routing would do, where it is only observed: `refused`, not serve it. Undefined: the plan is carried out. */
  readonly observed: Plan | 'refused' | undefined;
  readonly features: ExplainableFeatures;
  /** The model that was asked for, as configured; undefined: none, or a name that is not configured. */
  readonly requestedModel: string | undefined;
  readonly policyHash: string;
  /** An answer was not good enough, and this is the plan for a better one. Absent: it is the request's own. */
  readonly isEscalation?: boolean;
}

/** A request and who answers it. Holds the prompt: not to be kept beyond the answer. */
export interface AnsweredRequest {
  readonly labels: RequestLabels;
  /** Whose it is, tenant or key; empty: nobody's in particular. */
  readonly owner: string;
  readonly served: DeploymentLabels & { readonly tier: Tier };
  readonly request: ValidatedChatRequest;
}

/** Follows the chunks of one stream. */
export interface StreamFollower {
  onChunk(chunk: ChatCompletionChunk): void;
  /**
   * No other chunk comes.
   *
   * @param isComplete - All of the answer has come.
   */
  onEnd(isComplete: boolean): void;
}

/**
 * Sees of requests what their records do not tell: the plan, and the answer. Called in the way of a request, so it must
 * be quick; what it throws harms nobody.
 */
export interface RequestObserver {
  /** @param request - Holds the prompt: not to be kept. Undefined: it is for vectors. */
  onPlanned?(planned: PlannedRequest, request: ValidatedChatRequest | undefined): void;
  /** The answer that the caller will get, before its request ends. */
  onAnswer?(answered: AnsweredRequest, completion: ChatCompletion): void;
  /** Undefined: of no interest. */
  followStream?(answered: AnsweredRequest): StreamFollower | undefined;
}
