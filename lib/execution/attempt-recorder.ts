import {
  type ChatCompletion,
  type ChatCompletionChunk,
  estimateTokens,
  NO_USAGE,
  type TokenUsage,
} from '../chat/index.js';
import { costOfUsage } from '../cost/index.js';
import type { ProviderError } from '../errors/provider-error.js';
import type { PlannedAttempt } from '../planning/index.js';
import type { AttemptRecord, CallKey, Outcome, RequestLabels, TelemetryBus } from '../telemetry/index.js';
import { plainName } from './plain-name.js';

/** What a message and a delta have in common, with what servers add to both. */
interface Said {
  readonly content?: unknown;
  readonly refusal?: unknown;
  readonly reasoning_content?: unknown;
  readonly reasoning?: unknown;
  readonly tool_calls?: readonly object[] | null;
}

/** Follows one attempt and emits its start, its first token and, exactly once, its record. */
export class AttemptRecorder {
  readonly #startedAtMs = Date.now();
  readonly #started = performance.now();
  #timeToFirstTokenMs: number | undefined;
  #wasAccepted = false;
  #emittedTokens = 0;
  #reportedModel: string | undefined;
  #record: AttemptRecord | undefined;

  constructor(
    private readonly bus: TelemetryBus,
    private readonly labels: RequestLabels,
    private readonly planned: PlannedAttempt,
    readonly attempt: number,
    /** Prompt tokens as estimated: what a provider that reports nothing is taken to have billed. */
    private readonly estimatedInputTokens: number,
    private readonly isHedge = false,
    /** What the provider was sent and must not be told on. */
    private readonly readSecrets: () => readonly string[] = () => [],
  ) {
    bus.emit('attempt-started', {
      ...this.deploymentLabels(),
      decisionId: labels.decisionId,
      attempt,
      startedAtMs: this.#startedAtMs,
      streamed: labels.streamed,
      inputTokens: estimatedInputTokens,
      ...(isHedge ? { hedge: true } : {}),
    });
  }

  get key(): CallKey {
    const { decisionId } = this.labels;
    return { decisionId, attempt: this.attempt, deployment: this.planned.deployment.id };
  }

  get elapsedMs(): number {
    return performance.now() - this.#started;
  }

  /** The provider has taken the request: from here on it may bill. */
  accepted(): void {
    this.#wasAccepted = true;
  }

  firstToken(): void {
    if (this.#timeToFirstTokenMs !== undefined) return;
    this.#timeToFirstTokenMs = performance.now() - this.#started;
    this.bus.emit('attempt-first-token', {
      ...this.deploymentLabels(),
      decisionId: this.labels.decisionId,
      attempt: this.attempt,
      timeToFirstTokenMs: this.#timeToFirstTokenMs,
    });
  }

  /** The answer's headers say that nothing is left of a rate limit. */
  exhausted(exhaustedForMs: number): void {
    const exhaustedUntilMs = Date.now() + exhaustedForMs;
    this.bus.emit('rate-limits-read', { ...this.deploymentLabels(), exhaustedUntilMs });
  }

  /** A second copy is sent beside it. */
  overdue(): void {
    this.bus.emit('attempt-overdue', {
      ...this.deploymentLabels(),
      decisionId: this.labels.decisionId,
      attempt: this.attempt,
      startedAtMs: this.#startedAtMs,
    });
  }

  chunk(chunk: ChatCompletionChunk): void {
    this.#reportedModel ??= this.nameOf(chunk.model);
    for (const { delta, finish_reason: reason } of chunk.choices) {
      this.count(delta);
      if (reason !== null) this.finished(reason);
    }
  }

  /** A whole answer; some servers report no usage with it. */
  answer(completion: ChatCompletion): void {
    this.accepted();
    this.#reportedModel = this.nameOf(completion.model);
    for (const { message, finish_reason: reason } of completion.choices) {
      this.count(message);
      this.finished(reason);
    }
  }

  /** Vectors have no words to count. */
  embeddings(reportedModel: string): void {
    this.accepted();
    this.#reportedModel = this.nameOf(reportedModel);
  }

  private nameOf(model: unknown): string | undefined {
    return plainName(model, this.readSecrets);
  }

  private finished(reason: string): void {
    this.bus.emit('attempt-finish-reason', { ...this.key, reason });
  }

  private count(said: Said): void {
    for (const text of [said.content, said.refusal, said.reasoning_content, said.reasoning]) {
      if (typeof text === 'string') this.#emittedTokens += estimateTokens(text);
    }
    for (const call of said.tool_calls ?? []) {
      const { function: called } = call as { readonly function?: { readonly arguments?: string } };
      this.#emittedTokens += estimateTokens(called?.arguments ?? '');
    }
  }

  /** Emits the record; a second call changes nothing and gives the first one's. */
  settle(
    outcome: Outcome,
    details: {
      readonly error?: ProviderError | undefined;
      /** The provider's final count. */
      readonly usage?: TokenUsage | undefined;
      /** What it had reported when the answer broke off: Anthropic names the prompt's tokens at the start. */
      readonly partialUsage?: TokenUsage | undefined;
      readonly overtaken?: boolean;
      readonly cutShort?: boolean;
    } = {},
  ): AttemptRecord {
    if (this.#record !== undefined) return this.#record;
    const usage = details.usage ?? this.estimateUsage(details.partialUsage);
    const { price } = this.planned.deployment;
    this.#record = {
      ...this.labels,
      ...this.deploymentLabels(),
      attempt: this.attempt,
      tier: this.planned.tier,
      startedAtMs: this.#startedAtMs,
      durationMs: performance.now() - this.#started,
      timeToFirstTokenMs: this.#timeToFirstTokenMs,
      outcome,
      errorKind: details.error?.kind,
      status: details.error?.status,
      providerCode: details.error?.providerCode,
      retryAfterMs: details.error?.retryAfterMs,
      ...(details.error?.otherKeyReady ? { otherKeyReady: true } : {}),
      ...(details.overtaken ? { overtaken: true } : {}),
      ...(details.cutShort ? { cutShort: true } : {}),
      ...(this.isHedge ? { hedge: true } : {}),
      usage,
      usageSource: details.usage === undefined ? 'estimated' : 'reported',
      costUsd: price === undefined ? 0 : costOfUsage(usage, price),
      reportedModel: this.#reportedModel,
    };
    this.bus.emit('attempt-ended', this.#record);
    return this.#record;
  }

  private estimateUsage(partial: TokenUsage | undefined): TokenUsage {
    if (partial !== undefined) {
      return { ...partial, completionTokens: Math.max(partial.completionTokens, this.#emittedTokens) };
    }
    if (!this.#wasAccepted) return NO_USAGE;
    return {
      ...NO_USAGE,
      promptTokens: this.estimatedInputTokens,
      completionTokens: this.#emittedTokens,
    };
  }

  private deploymentLabels(): { deployment: string; model: string; provider: string } {
    const { id, model, provider } = this.planned.deployment;
    return { deployment: id, model: model.name, provider };
  }
}
