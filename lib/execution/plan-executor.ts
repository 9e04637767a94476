import type { ChatCompletionChunk, ValidatedChatRequest } from '../chat/index.js';
import { affordableOutputTokens, cappedOutputTokens, MIN_AFFORDABLE_OUTPUT_TOKENS } from '../cost/index.js';
import { AllAttemptsFailedError } from '../errors/all-attempts-failed-error.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { DeadlineExceededError } from '../errors/deadline-exceeded-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import type { LlmRouterError } from '../errors/llm-router-error.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import { ProviderError } from '../errors/provider-error.js';
import { RateLimitedError } from '../errors/rate-limited-error.js';
import { StreamInterruptedError } from '../errors/stream-interrupted-error.js';
import { UpstreamRejectedError } from '../errors/upstream-rejected-error.js';
import { type PlannedAttempt, promptOf } from '../planning/index.js';
import type { OpenedStream, PreparedCall, UpstreamClient } from '../providers/upstream-client.js';
import type { AttemptRecord, Outcome, TelemetryBus } from '../telemetry/index.js';
import { AttemptClock, AttemptStopped, SHUTDOWN, type StopCause } from './attempt-clock.js';
import { AttemptRecorder } from './attempt-recorder.js';
import type {
  EmbeddingExecution,
  Execution,
  PlannedExecution,
  ServedAnswer,
  ServedEmbeddings,
  ServedStream,
} from './execution.js';
import { ChoiceProgress, choicesOf } from './choice-progress.js';
import { takesOneToolCall, withOneToolCall, withoutLaterToolCalls } from './one-tool-call.js';
import { primed } from './primed.js';
import { redactProviderMessage } from './redact-provider-message.js';

/** Start-up events and empty deltas held back so that an early failure stays invisible; more than these is odd. */
const MAX_HELD_CHUNKS = 256;

type AttemptResult<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer }
  | { readonly kind: 'failed'; readonly error: ProviderError; readonly stopCause: StopCause | undefined }
  /** The adapter cannot say this request on its wire. */
  | { readonly kind: 'unsayable'; readonly error: InvalidRequestError };

interface Call<Prepared> {
  readonly execution: PlannedExecution;
  readonly planned: PlannedAttempt;
  readonly prepared: Prepared;
  readonly clock: AttemptClock;
  readonly recorder: AttemptRecorder;
  /** Whether nobody comes after it who could serve; looks at them, so ask it when it matters. Does not throw. */
  readonly isLast: () => boolean;
}

/** How requests of one kind are put on a wire, and carried out once they are. */
interface Kind<Prepared, Answer> {
  /** @throws {@link InvalidRequestError} when the deployment's wire cannot say the request. */
  prepare(client: UpstreamClient, planned: PlannedAttempt): Prepared;
  run(call: Call<Prepared>): Promise<Answer>;
}

function callerGone(signal: AbortSignal | undefined): LlmRouterError {
  return signal?.reason === SHUTDOWN
    ? new OverloadedError('The application is shutting down.', 1_000)
    : new ClientClosedRequestError();
}

function clientOf({ clients }: PlannedExecution, { deployment }: PlannedAttempt): UpstreamClient {
  const client = clients.get(deployment.provider);
  if (client === undefined) throw new TypeError(`No client for provider ${deployment.provider}`);
  return client;
}

function remainingMs(execution: PlannedExecution): number {
  return execution.plan.deadlineMs - (performance.now() - execution.startedAt);
}

/** An answer that comes in one piece, within the limits of its attempt. */
async function wholeAnswer<Answer>({
  execution,
  planned,
  prepared,
  clock,
  isLast,
}: Call<{
  complete(signal: AbortSignal, onStarted: () => void): Promise<Answer>;
}>): Promise<Answer> {
  const leftMs = remainingMs(execution);
  clock.arm([
    { afterMs: leftMs, cause: 'deadline' },
    { afterMs: planned.moveOnAfterMs, cause: 'moved_on', unless: isLast },
    // Whole answers send their headers when they are finished, so silence proves nothing; but a provider that
    // never answers must leave the others time to.
    { afterMs: leftMs / 2, cause: 'too_slow', unless: isLast },
  ]);
  const answer = await prepared.complete(clock.signal, () => {
    // The answer has begun to arrive: only the deadline ends it now, or a pause as long as a stream may make.
    clock.arm([
      { afterMs: remainingMs(execution), cause: 'deadline' },
      { afterMs: execution.timeouts.idleMs, cause: 'idle' },
    ]);
  });
  clock.dispose();
  return answer;
}

/** The client's own short deadline, or half of it, ended the attempt: no fault of the deployment, and no measure. */
function isImpatienceOfClient(cause: StopCause, { plan, labels }: PlannedExecution): boolean {
  if (!plan.isDeadlineOfClient) return false;
  return cause === 'deadline' || (cause === 'too_slow' && !labels.streamed);
}

/** What the caller did wrong is no failure of the deployment. */
function outcomeOfFailure(error: ProviderError): Outcome {
  if (!error.isRetryable) return 'rejected';
  return error.kind === 'timeout' ? 'timed_out' : 'failed';
}

function isRealToken(chunk: ChatCompletionChunk): boolean {
  return chunk.choices.some(({ delta, finish_reason: finishReason }) => {
    const extended = delta as Omit<typeof delta, 'function_call'> & {
      reasoning_content?: string | null;
      reasoning?: string | null;
      function_call?: object | null;
      audio?: object | null;
    };
    return (
      finishReason !== null ||
      Boolean(delta.content) ||
      Boolean(delta.refusal) ||
      (delta.tool_calls?.length ?? 0) > 0 ||
      Boolean(extended.function_call) ||
      Boolean(extended.audio) ||
      Boolean(extended.reasoning_content) ||
      Boolean(extended.reasoning)
    );
  });
}

function withoutFields(request: ValidatedChatRequest, names: readonly string[]): ValidatedChatRequest {
  const rest = Object.fromEntries(Object.entries(request).filter(([name]) => !names.includes(name)));
  return rest as unknown as ValidatedChatRequest;
}

/**
 * Carries a plan out: one deadline, one attempt count and one dollar ceiling over all attempts; the next deployment
 * at once when one fails before anything was sent; the end of the caller ends the upstream call.
 */
export class PlanExecutor {
  constructor(private readonly bus: TelemetryBus) {}

  /** @throws A {@link LlmRouterError} when no attempt answered. */
  async chat(execution: Execution): Promise<ServedAnswer> {
    const prepare = this.chatPreparer(execution);
    const run = async (call: Call<PreparedCall>): Promise<ServedAnswer> => {
      const { planned, prepared, recorder } = call;
      const { completion: whole, usage } = await wholeAnswer(call);
      // All that it wrote is paid for.
      recorder.answer(whole);
      const completion = takesOneToolCall(execution.request) ? withOneToolCall(whole) : whole;
      execution.records.push(recorder.settle('succeeded', { usage }));
      return { planned, attempt: recorder.attempt, droppedFields: prepared.droppedFields ?? [], completion };
    };
    return this.cascade(execution, { prepare, run });
  }

  /** @throws A {@link LlmRouterError} when no attempt answered. */
  async embed(execution: EmbeddingExecution): Promise<ServedEmbeddings> {
    const { request } = execution;
    return this.cascade(execution, {
      prepare: (client, { deployment: { upstreamModel } }) => {
        const prepared = client.prepareEmbeddings?.({ upstreamModel, request });
        if (prepared !== undefined) return prepared;
        throw new InvalidRequestError('This provider makes no embeddings.', 'model');
      },
      run: async (call) => {
        const { planned, recorder } = call;
        const embeddings = await wholeAnswer(call);
        recorder.embeddings(embeddings.model);
        const record = recorder.settle('succeeded', { usage: embeddings.usage });
        execution.records.push(record);
        return { planned, attempt: recorder.attempt, embeddings, usage: record.usage };
      },
    });
  }

  /** Resolves once the first real token is there. @throws A {@link LlmRouterError} when no attempt got so far. */
  async stream(execution: Execution): Promise<ServedStream> {
    const prepare = this.chatPreparer(execution);
    const run = async (attempt: Call<PreparedCall>): Promise<ServedStream> => {
      const { planned, prepared, clock, recorder, isLast } = attempt;
      clock.arm([
        { afterMs: remainingMs(execution), cause: 'deadline' },
        { afterMs: planned.moveOnAfterMs, cause: 'moved_on', unless: isLast },
        { afterMs: planned.firstTokenMs, cause: 'too_slow' },
      ]);
      const opened = await prepared.openStream(clock.signal);
      const held: ChatCompletionChunk[] = [];
      let isDone = false;
      let hasToken = false;
      try {
        while (!hasToken && held.length < MAX_HELD_CHUNKS && !isDone) {
          const next = await opened.chunks.next();
          if (next.done) {
            isDone = true;
          } else {
            held.push(...next.value);
            hasToken = next.value.some(isRealToken);
          }
        }
      } catch (error) {
        await opened.chunks.return();
        throw error;
      }
      clock.arm([]);
      if (hasToken) recorder.firstToken();
      const chunks = await primed(this.passOn(attempt, execution.request, opened, held, isDone));
      return { planned, attempt: recorder.attempt, droppedFields: prepared.droppedFields ?? [], chunks };
    };
    return this.cascade(execution, { prepare, run });
  }

  /** The rest of a stream that has begun. Settles the attempt exactly once, whichever way it ends. */
  private async *passOn(
    { execution, prepared, clock, recorder }: Call<PreparedCall>,
    request: ValidatedChatRequest,
    opened: OpenedStream,
    held: readonly ChatCompletionChunk[],
    isDone: boolean,
  ): AsyncGenerator<ChatCompletionChunk | undefined, void, undefined> {
    const streamStartedAt = performance.now();
    const { idleMs, maxStreamMs } = execution.timeouts;
    const fit = takesOneToolCall(request)
      ? withoutLaterToolCalls
      : (chunks: readonly ChatCompletionChunk[]) => chunks;
    const settle = (outcome: Outcome, error?: ProviderError): void => {
      const usage = opened.usage();
      const isWhole = outcome === 'succeeded';
      execution.records.push(
        recorder.settle(outcome, isWhole ? { usage, error } : { partialUsage: usage, error }),
      );
    };
    let hasEnded = false;
    const progress = new ChoiceProgress(choicesOf(execution.features, prepared.droppedFields));
    const follow = (chunk: ChatCompletionChunk): void => {
      recorder.chunk(chunk);
      progress.follow(chunk);
    };
    try {
      recorder.accepted();
      yield undefined;
      for (const chunk of fit(held)) {
        follow(chunk);
        yield chunk;
      }
      while (!isDone) {
        const leftMs = maxStreamMs - (performance.now() - streamStartedAt);
        // A timer alone would never end an upstream that always has the next piece ready.
        if (leftMs <= 0) clock.stop('max_stream');
        // Counted only while we wait for the upstream: a slow reader is not a slow provider.
        clock.arm([
          { afterMs: idleMs, cause: 'idle' },
          { afterMs: leftMs, cause: 'max_stream' },
        ]);
        const next = await opened.chunks.next();
        clock.arm([]);
        if (next.done) {
          isDone = true;
        } else {
          for (const chunk of fit(next.value)) {
            follow(chunk);
            yield chunk;
          }
        }
      }
      hasEnded = true;
      settle('succeeded');
    } catch (error) {
      hasEnded = true;
      const cause = clock.stopCause;
      if (cause === 'client_left' || cause === 'shutdown') {
        // Either way the provider is not to blame.
        settle('client_left');
        throw cause === 'shutdown' ? new StreamInterruptedError(cause) : new ClientClosedRequestError();
      }
      const failure =
        cause === undefined
          ? error instanceof ProviderError
            ? error
            : new ProviderError({ kind: 'bad_response' })
          : new ProviderError({ kind: 'timeout', providerCode: cause });
      settle(outcomeOfFailure(failure), failure);
      throw new StreamInterruptedError(failure.kind);
    } finally {
      // The consumer has left the loop, or thrown into it.
      if (!hasEnded) {
        // Who stops at the finish reason has had the whole answer.
        if (progress.isComplete) {
          settle('succeeded');
        } else {
          clock.stop('client_left');
          settle('client_left');
        }
      }
      clock.dispose();
      await opened.chunks.return();
    }
  }

  /** Tries the plan's attempts in order until one answers. */
  private async cascade<Prepared, Answer>(
    execution: PlannedExecution,
    kind: Kind<Prepared, Answer>,
  ): Promise<Answer> {
    const { plan, signal } = execution;
    let queue: readonly PlannedAttempt[] = plan.attempts;
    /** Given up on for slowness alone: tried again, without that limit, when everything else has failed. */
    let slow: readonly PlannedAttempt[] = [];
    const failures: { planned: PlannedAttempt; error: ProviderError }[] = [];
    let unsayable: InvalidRequestError | undefined;
    let minWindow = 0;
    let attempt = 0;
    let isOverdue = false;
    const mayServe = (planned: PlannedAttempt): boolean =>
      // Too long for one window: only a larger one is worth the try.
      (minWindow === 0 || (planned.deployment.contextWindow ?? Number.POSITIVE_INFINITY) > minWindow) &&
      this.affordableTokens(execution, planned) >= MIN_AFFORDABLE_OUTPUT_TOKENS;

    while (attempt < plan.maxAttempts) {
      if (signal?.aborted) throw callerGone(signal);
      isOverdue ||= remainingMs(execution) <= 0;
      if (isOverdue) break;
      queue = queue.filter(mayServe);
      slow = slow.filter(mayServe);
      const planned = queue[0] ?? slow[0];
      if (planned === undefined) break;
      if (queue.length > 0) queue = queue.slice(1);
      else slow = slow.slice(1);
      const others = attempt + 1 === plan.maxAttempts ? [] : queue;
      const isLast = (): boolean => !others.some((other) => this.canSay(execution, other, kind));
      const result = await this.attempt(execution, planned, attempt + 1, isLast, kind);
      if (result.kind === 'answered') return result.answer;
      if (result.kind === 'unsayable') {
        unsayable ??= result.error;
        continue;
      }
      attempt += 1;
      failures.push({ planned, error: result.error });
      if (result.error.otherKeyReady) queue = [planned, ...queue];
      if (result.stopCause === 'moved_on') slow = [...slow, planned];
      // Told by the timer, not by the clock: a timer may go off a moment early.
      if (result.stopCause === 'deadline') isOverdue = true;
      if (result.error.kind === 'context_length') {
        minWindow = Math.max(minWindow, planned.deployment.contextWindow ?? 0);
        if (queue.some(mayServe) || slow.some(mayServe)) continue;
      }
      if (!result.error.isRetryable) throw this.rejection(result.error, planned, execution);
    }
    throw this.failure(execution, failures, unsayable, isOverdue);
  }

  private async attempt<Prepared, Answer>(
    execution: PlannedExecution,
    planned: PlannedAttempt,
    attempt: number,
    isLast: () => boolean,
    kind: Kind<Prepared, Answer>,
  ): Promise<AttemptResult<Answer>> {
    let prepared: Prepared;
    try {
      prepared = kind.prepare(clientOf(execution, planned), planned);
    } catch (error) {
      if (error instanceof InvalidRequestError) return { kind: 'unsayable', error };
      throw error;
    }
    const recorder = new AttemptRecorder(
      this.bus,
      execution.labels,
      planned,
      attempt,
      promptOf(planned.deployment, execution.features).inputTokens,
    );
    const clock = new AttemptClock(execution.signal);
    try {
      return {
        kind: 'answered',
        answer: await kind.run({ execution, planned, prepared, clock, recorder, isLast }),
      };
    } catch (error) {
      clock.dispose();
      return this.classify(error, clock, recorder, execution);
    }
  }

  private chatPreparer(execution: Execution): Kind<PreparedCall, never>['prepare'] {
    const { request, features, recalledTurns, labels } = execution;
    return (client, planned) => {
      const { deployment } = planned;
      // Planning lets one through only where it may be left out.
      const unsupported = features.parameters.filter((name) => deployment.unsupportedParameters.has(name));
      const prepared = client.prepare({
        upstreamModel: deployment.upstreamModel,
        request: unsupported.length === 0 ? request : withoutFields(request, unsupported),
        ...(recalledTurns.size > 0 ? { recalledTurns } : {}),
        stream: labels.streamed,
        maxOutputTokens: this.outputLimit(execution, planned),
        modelMaxOutputTokens: deployment.maxOutputTokens,
        reasoning: deployment.model.thinking !== 'never',
      });
      return unsupported.length === 0
        ? prepared
        : { ...prepared, droppedFields: [...unsupported, ...(prepared.droppedFields ?? [])] };
    };
  }

  /** Prepared again when its turn comes: by then there may be fewer dollars left, and it is rarely asked. */
  private canSay(
    execution: PlannedExecution,
    planned: PlannedAttempt,
    kind: Kind<unknown, unknown>,
  ): boolean {
    try {
      kind.prepare(clientOf(execution, planned), planned);
      return true;
    } catch (error) {
      // Any other fault shows at its own attempt.
      return !(error instanceof InvalidRequestError);
    }
  }

  /** Turns what an attempt threw into its record and the cascade's next step. */
  private classify(
    error: unknown,
    clock: AttemptClock,
    recorder: AttemptRecorder,
    execution: PlannedExecution,
  ): Extract<AttemptResult<never>, { kind: 'failed' }> {
    const settle = (outcome: Outcome, failure?: ProviderError): void => {
      execution.records.push(recorder.settle(outcome, { error: failure, usage: undefined }));
    };
    const cause = error instanceof AttemptStopped ? error.stopCause : clock.stopCause;
    // Ended from our side after it was sent: the provider has read the prompt, and bills it.
    if (cause !== undefined) recorder.accepted();
    if (cause === 'client_left' || cause === 'shutdown') {
      settle('client_left');
      throw callerGone(execution.signal);
    }
    if (cause !== undefined) {
      const failure = new ProviderError({ kind: 'timeout', providerCode: cause });
      if (isImpatienceOfClient(cause, execution)) settle('client_left');
      else settle('timed_out', failure);
      return { kind: 'failed', error: failure, stopCause: cause };
    }
    if (error instanceof ProviderError) {
      // An answer that began with success was generated, and is billed, even if it did not arrive whole.
      if (error.status !== undefined && error.status < 300) recorder.accepted();
      settle(outcomeOfFailure(error), error);
      return { kind: 'failed', error, stopCause: undefined };
    }
    // A fault of ours: recorded, so that no in-flight count stays behind, and passed on. The deployment is not to blame.
    settle('rejected', new ProviderError({ kind: 'bad_response', providerCode: 'router_fault' }));
    throw error;
  }

  /** The planned limit, lowered to what is left of the dollars after the attempts so far. */
  private outputLimit(execution: PlannedExecution, planned: PlannedAttempt): number | undefined {
    return cappedOutputTokens({
      requested: planned.maxOutputTokens,
      affordable: this.affordableTokens(execution, planned),
      modelMaxOutputTokens: planned.deployment.maxOutputTokens,
      contextWindow: planned.deployment.contextWindow,
      inputTokens: promptOf(planned.deployment, execution.features).inputTokens,
    });
  }

  /** Output tokens a choice that the dollars left pay for; `Infinity` where nothing was spent or nothing is capped. */
  private affordableTokens(execution: PlannedExecution, planned: PlannedAttempt): number {
    const { maxCostUsd } = execution.plan;
    const { price } = planned.deployment;
    // Before the first attempt the plan's own limits hold all of it.
    if (maxCostUsd === undefined || price === undefined || execution.records.length === 0) {
      return Number.POSITIVE_INFINITY;
    }
    const spentUsd = execution.records.reduce(
      (sum: number, record: AttemptRecord) => sum + record.costUsd,
      0,
    );
    return affordableOutputTokens(
      maxCostUsd - spentUsd,
      price,
      promptOf(planned.deployment, execution.features),
    );
  }

  private rejection(
    error: ProviderError,
    planned: PlannedAttempt,
    execution: PlannedExecution,
  ): UpstreamRejectedError {
    const message = error.readProviderMessage();
    const secrets = execution.clients.get(planned.deployment.provider)?.readSecrets() ?? [];
    return new UpstreamRejectedError(
      error,
      message === undefined ? undefined : redactProviderMessage(message, execution.request, secrets),
    );
  }

  private failure(
    execution: PlannedExecution,
    failures: readonly { planned: PlannedAttempt; error: ProviderError }[],
    unsayable: InvalidRequestError | undefined,
    isOverdue: boolean,
  ): Error {
    if (execution.signal?.aborted) return callerGone(execution.signal);
    if (isOverdue || remainingMs(execution) <= 0) {
      return new DeadlineExceededError(execution.plan.deadlineMs, failures.length);
    }
    if (failures.length === 0 && unsayable !== undefined) return unsayable;
    const [first] = failures;
    if (first !== undefined && failures.every(({ error }) => error.kind === 'context_length')) {
      return this.rejection(first.error, first.planned, execution);
    }
    if (first !== undefined && failures.every(({ error }) => error.kind === 'rate_limited')) {
      const waits = failures.flatMap(({ error }) => error.retryAfterMs ?? []);
      return new RateLimitedError(waits.length > 0 ? Math.min(...waits) : undefined);
    }
    return new AllAttemptsFailedError(
      failures.map(({ planned, error }) => ({
        model: planned.deployment.model.name,
        provider: planned.deployment.provider,
        kind: error.kind,
        status: error.status,
      })),
    );
  }
}
