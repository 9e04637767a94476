import type { ChatCompletionChunk, ValidatedChatRequest } from '../chat/index.js';
import { cappedOutputTokens } from '../cost/index.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { type PlannedAttempt, promptOf } from '../planning/index.js';
import type { OpenedStream, PreparedCall } from '../providers/upstream-client.js';
import type { ClockLimit } from './attempt-clock.js';
import { type PatienceLimit, patienceWith } from './attempt-pace.js';
import type { Call, Kind } from './attempt-runner.js';
import { Cascade, type CascadeParts } from './cascade.js';
import { type AskForRest, continueStream } from './continue-stream.js';
import {
  affordableTokens,
  type EmbeddingExecution,
  type Execution,
  type PlannedExecution,
  remainingMs,
  type ServedAnswer,
  type ServedEmbeddings,
  type ServedStream,
} from './execution.js';
import { takesOneToolCall, withOneToolCall } from './one-tool-call.js';
import { primed } from './primed.js';
import { relayStream } from './relay-stream.js';
import { continuationOf, isContinuable, type SaidSoFar } from './said-so-far.js';

/** Start-up events and empty deltas held back so that an early failure stays invisible; more than these is odd. */
const MAX_HELD_CHUNKS = 256;

/** An answer that comes in one piece, within the limits of its attempt. */
async function wholeAnswer<Answer>({
  execution,
  planned,
  prepared,
  clock,
  mayMoveOn,
  onBegun,
}: Call<{
  complete(signal: AbortSignal, onStarted: () => void): Promise<Answer>;
}>): Promise<Answer> {
  clock.arm(limitsOf(patienceWith(planned, false, remainingMs(execution)), mayMoveOn));
  const answer = await prepared.complete(clock.signal, () => {
    onBegun();
    // The answer has begun to arrive: only the deadline ends it now, or a pause as long as a stream may make.
    clock.arm([
      { afterMs: remainingMs(execution), cause: 'deadline' },
      { afterMs: planned.timeouts.idleMs, cause: 'idle' },
    ]);
  });
  clock.dispose();
  return answer;
}

/** As the attempt's clock has them. */
function limitsOf(patience: readonly PatienceLimit[], mayMoveOn: () => boolean): ClockLimit[] {
  return patience.map(({ afterMs, cause, isOptional }) => ({
    afterMs,
    cause,
    ...(isOptional ? { unless: () => !mayMoveOn() } : {}),
  }));
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
  constructor(private readonly parts: CascadeParts) {}

  /** Requests that wait for room at a deployment. */
  get queued(): number {
    return this.parts.room.size;
  }

  /** What is known of deployments that are gone is forgotten. */
  retain(deployments: ReadonlySet<string>): void {
    this.parts.room.retain(deployments);
  }

  /** Nobody waits any more. */
  close(): void {
    this.parts.room.close();
  }

  /** @throws A {@link LlmRouterError} when no attempt answered. */
  async chat(execution: Execution): Promise<ServedAnswer> {
    const run = async (call: Call<PreparedCall>): Promise<ServedAnswer> => {
      const { planned, prepared, recorder } = call;
      const { completion: whole, usage } = await wholeAnswer(call);
      // All that it wrote is paid for.
      recorder.answer(whole);
      await call.claim();
      const completion = takesOneToolCall(execution.request) ? withOneToolCall(whole) : whole;
      execution.records.push(recorder.settle('succeeded', { usage }));
      return { planned, attempt: recorder.attempt, droppedFields: prepared.droppedFields ?? [], completion };
    };
    return this.cascade(execution, { prepare: chatPreparer(execution), run });
  }

  /** @throws A {@link LlmRouterError} when no attempt answered. */
  async embed(execution: EmbeddingExecution): Promise<ServedEmbeddings> {
    const { request } = execution;
    return this.cascade(execution, {
      prepare: (client, { deployment: { upstreamModel }, timeouts }) => {
        const prepared = client.prepareEmbeddings?.({
          upstreamModel,
          request,
          connectTimeoutMs: timeouts.connectMs,
        });
        if (prepared !== undefined) return prepared;
        throw new InvalidRequestError('This provider makes no embeddings.', 'model');
      },
      run: async (call) => {
        const { planned, recorder } = call;
        const embeddings = await wholeAnswer(call);
        recorder.embeddings(embeddings.model);
        await call.claim();
        const record = recorder.settle('succeeded', { usage: embeddings.usage });
        execution.records.push(record);
        return { planned, attempt: recorder.attempt, embeddings, usage: record.usage };
      },
    });
  }

  /** Resolves once the first real token is there. @throws A {@link LlmRouterError} when no attempt got so far. */
  async stream(execution: Execution): Promise<ServedStream> {
    const cascade = new Cascade(this.parts, execution, this.streamed(execution));
    const first = await cascade.run();
    const served = { ...first, attempt: cascade.attempts };
    const { surface } = execution.plan;
    if (surface.onStreamFailure !== 'continue' || !isContinuable(execution.request)) return served;
    let last = cascade;
    const askForRest: AskForRest = async (said) => {
      const rest = restOf(execution, said);
      last = new Cascade(this.parts, rest, this.streamed(rest), last);
      try {
        return await last.run();
      } catch (error) {
        // A caller that left is told of by the stream it reads; any other failure is that of the stream itself.
        if (error instanceof ClientClosedRequestError) throw error;
        return undefined;
      }
    };
    return { ...served, chunks: await primed(continueStream(served, askForRest)) };
  }

  private streamed(execution: Execution): Kind<PreparedCall, ServedStream> {
    const run = async (call: Call<PreparedCall>): Promise<ServedStream> => {
      const { planned, prepared, clock, recorder, mayMoveOn } = call;
      clock.arm(limitsOf(patienceWith(planned, true, remainingMs(execution)), mayMoveOn));
      const opened = await prepared.openStream(clock.signal);
      const { held, isDone, hasToken } = await holdUntilToken(opened);
      // From here on it is being served: no limit of its beginning ends it.
      clock.arm([]);
      try {
        await call.claim();
      } catch (error) {
        recorder.accepted();
        await opened.chunks.return();
        throw error;
      }
      if (hasToken) recorder.firstToken();
      const chunks = await primed(relayStream(call, execution.request, opened, held, isDone));
      return { planned, attempt: recorder.attempt, droppedFields: prepared.droppedFields ?? [], chunks };
    };
    return { prepare: chatPreparer(execution), run };
  }

  private cascade<Prepared, Answer>(
    execution: PlannedExecution,
    kind: Kind<Prepared, Answer>,
  ): Promise<Answer> {
    return new Cascade(this.parts, execution, kind).run();
  }
}

/** The request for the rest of an answer; its stream has begun, so the deadline of its beginning is over. */
function restOf(execution: Execution, said: SaidSoFar): Execution {
  const { features } = execution;
  return {
    ...execution,
    request: continuationOf(execution.request, said),
    features: { ...features, inputTokens: features.inputTokens + said.tokens },
    startedAt: performance.now(),
    mayOverlap: false,
    tokensBefore: said.tokens,
  };
}

/** Reads on until there is something to show, or it is over. */
async function holdUntilToken(
  opened: OpenedStream,
): Promise<{ readonly held: ChatCompletionChunk[]; readonly isDone: boolean; readonly hasToken: boolean }> {
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
  return { held, isDone, hasToken };
}

function chatPreparer(execution: Execution): Kind<PreparedCall, never>['prepare'] {
  const { request, features, recalledTurns, labels } = execution;
  return (client, planned, onExhausted) => {
    const { deployment } = planned;
    // Planning lets one through only where it may be left out.
    const unsupported = features.parameters.filter((name) => deployment.unsupportedParameters.has(name));
    const prepared = client.prepare({
      upstreamModel: deployment.upstreamModel,
      request: unsupported.length === 0 ? request : withoutFields(request, unsupported),
      ...(recalledTurns.size > 0 ? { recalledTurns } : {}),
      stream: labels.streamed,
      maxOutputTokens: outputLimit(execution, planned),
      modelMaxOutputTokens: deployment.maxOutputTokens,
      reasoning: deployment.model.thinking !== 'never',
      connectTimeoutMs: planned.timeouts.connectMs,
      onExhausted,
    });
    return unsupported.length === 0
      ? prepared
      : { ...prepared, droppedFields: [...unsupported, ...(prepared.droppedFields ?? [])] };
  };
}

/** The planned limit, lowered to what is left of the dollars after the attempts so far. */
function outputLimit(execution: Execution, planned: PlannedAttempt): number | undefined {
  const { maxOutputTokens } = planned;
  return cappedOutputTokens({
    requested:
      maxOutputTokens === undefined
        ? undefined
        : Math.max(1, maxOutputTokens - (execution.tokensBefore ?? 0)),
    affordable: affordableTokens(execution, planned),
    modelMaxOutputTokens: planned.deployment.maxOutputTokens,
    contextWindow: planned.deployment.contextWindow,
    inputTokens: promptOf(planned.deployment, execution.features).inputTokens,
  });
}
