import type {
  ChatCompletion,
  ChatCompletionChunk,
  TokenUsage,
  ValidatedChatRequest,
  ValidatedEmbeddingRequest,
} from '../chat/index.js';
import type { RequestFeatures } from '../classification/index.js';
import { affordableOutputTokens } from '../cost/index.js';
import {
  type Plan,
  type PlannedAttempt,
  type PolicyExecution,
  promptOf,
  type SignalsSnapshot,
} from '../planning/index.js';
import type { TranslatedEmbeddings } from '../providers/embeddings-wire.js';
import type { RecalledTurn } from '../providers/recalled-turn.js';
import type { UpstreamClient } from '../providers/upstream-client.js';
import type { AttemptRecord, RequestLabels } from '../telemetry/index.js';

/** A plan and what carrying any out needs. */
export interface PlannedExecution {
  readonly plan: Plan;
  /** What the caller sent: not to be quoted in errors. */
  readonly request: object;
  readonly features: RequestFeatures;
  readonly labels: RequestLabels;
  readonly settings: PolicyExecution;
  /** Live state, asked whenever an attempt is to be started. */
  readonly signals: SignalsSnapshot;
  /** Two copies of it may be under way at once. */
  readonly mayOverlap: boolean;
  /** Background work that runs within its guaranteed share: in the waiting room it comes first. Absent: no. */
  readonly hasShare?: boolean;
  readonly clients: ReadonlyMap<string, UpstreamClient>;
  /** The caller's: its abort ends the upstream call and starts no other. */
  readonly signal: AbortSignal | undefined;
  /** `performance.now()` when the request came in: the deadline counts from there. */
  readonly startedAt: number;
  /** Filled as attempts end, in the order they ended. */
  readonly records: AttemptRecord[];
  /** Calls made for the request before this plan: its attempts are numbered from there. Absent: none. */
  readonly attemptsBefore?: number;
}

/** Milliseconds until the request's deadline; 0 or less: it has passed. */
export function remainingMs({ plan, startedAt }: PlannedExecution): number {
  return plan.deadlineMs - (performance.now() - startedAt);
}

/** Output tokens a choice that the dollars left pay for; `Infinity` where nothing was spent or nothing is capped. */
export function affordableTokens(execution: PlannedExecution, planned: PlannedAttempt): number {
  const { maxCostUsd } = execution.plan;
  const { price } = planned.deployment;
  // Before the first attempt the plan's own limits hold all of it.
  if (maxCostUsd === undefined || price === undefined || execution.records.length === 0) {
    return Number.POSITIVE_INFINITY;
  }
  const spentUsd = execution.records.reduce((sum, record) => sum + record.costUsd, 0);
  return affordableOutputTokens(
    maxCostUsd - spentUsd,
    price,
    promptOf(planned.deployment, execution.features),
  );
}

/** Of an embeddings request. */
export interface EmbeddingExecution extends PlannedExecution {
  readonly request: ValidatedEmbeddingRequest;
}

export interface ServedEmbeddings {
  readonly planned: PlannedAttempt;
  readonly attempt: number;
  readonly embeddings: TranslatedEmbeddings;
  /** As it was recorded: estimated where the provider reports none. */
  readonly usage: TokenUsage;
}

/** Of a chat request. */
export interface Execution extends PlannedExecution {
  readonly request: ValidatedChatRequest;
  /** What the client lost of earlier answers, by the message's place in the request. */
  readonly recalledTurns: ReadonlyMap<number, RecalledTurn>;
  /** Tokens of the answer that another deployment has said already; absent: it is the first. */
  readonly tokensBefore?: number;
}

export interface ServedAnswer {
  readonly planned: PlannedAttempt;
  /** Fields of the request that were left out for this deployment. */
  readonly droppedFields: readonly string[];
  readonly attempt: number;
  readonly completion: ChatCompletion;
}

export interface ServedStream {
  readonly planned: PlannedAttempt;
  /** Fields of the request that were left out for this deployment. */
  readonly droppedFields: readonly string[];
  readonly attempt: number;
  /**
   * Starts with the first real token already there. Leaving the loop ends the upstream call; a failure after this
   * point is a {@link StreamInterruptedError}.
   */
  readonly chunks: AsyncGenerator<ChatCompletionChunk, void, undefined>;
}
