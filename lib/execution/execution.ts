import type {
  ChatCompletion,
  ChatCompletionChunk,
  TokenUsage,
  ValidatedChatRequest,
  ValidatedEmbeddingRequest,
} from '../chat/index.js';
import type { RequestFeatures } from '../classification/index.js';
import type { Plan, PlannedAttempt, PolicyExecution } from '../planning/index.js';
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
  readonly timeouts: PolicyExecution['timeouts'];
  readonly clients: ReadonlyMap<string, UpstreamClient>;
  /** The caller's: its abort ends the upstream call and starts no other. */
  readonly signal: AbortSignal | undefined;
  /** `performance.now()` when the request came in: the deadline counts from there. */
  readonly startedAt: number;
  /** Filled as attempts end, in the order they ended. */
  readonly records: AttemptRecord[];
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
