import type { ChatCompletionChunk, ValidatedChatRequest } from '../chat/index.js';
import { ClientClosedRequestError } from '../errors/client-closed-request-error.js';
import { ProviderError } from '../errors/provider-error.js';
import { StreamInterruptedError } from '../errors/stream-interrupted-error.js';
import type { OpenedStream, PreparedCall } from '../providers/upstream-client.js';
import type { Outcome } from '../telemetry/index.js';
import { type Call, outcomeOfFailure } from './attempt-runner.js';
import { ChoiceProgress, choicesOf } from './choice-progress.js';
import { takesOneToolCall, withoutLaterToolCalls } from './one-tool-call.js';

/** The rest of a stream that has begun. Settles the attempt exactly once, whichever way it ends. */
export async function* relayStream(
  { execution, planned, prepared, clock, recorder }: Call<PreparedCall>,
  request: ValidatedChatRequest,
  opened: OpenedStream,
  held: readonly ChatCompletionChunk[],
  isDone: boolean,
): AsyncGenerator<ChatCompletionChunk | undefined, void, undefined> {
  const streamStartedAt = performance.now();
  const { idleMs, maxStreamMs } = planned.timeouts;
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
    // Another model would only go on for as long again.
    throw new StreamInterruptedError(cause === 'max_stream' ? 'deadline' : failure.kind);
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
