import { type RoutedStream, streamEvents } from '../pipeline/index.js';

export interface EventStreamBody {
  readonly body: ReadableStream<Uint8Array>;
  /** Breaks the stream off for its reader, as an aborted `fetch` does. */
  fail(reason: unknown): void;
}

/**
 * A routed stream as the body of a `Response`: nothing is read ahead of the reader, and a reader that cancels ends the
 * upstream call.
 *
 * @param left - Aborted when the reader leaves: before the read under way returns, which waits for the provider.
 * @param onEnd - Called once, however it ended.
 * @param onFault - Told of a fault of ours that the reader cannot be told of.
 * @param events - The stream in the form its endpoint gives it. @defaultValue that of chat completions
 */
export function eventStreamBody(
  routed: RoutedStream,
  left: AbortController,
  onEnd: () => void,
  onFault: (error: unknown) => void,
  events: AsyncGenerator<string, void, undefined> = streamEvents(routed),
): EventStreamBody {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;

  /** Gives everything back. Harmless where all has been read. */
  const leave = async (): Promise<void> => {
    controller = undefined;
    onEnd();
    left.abort();
    try {
      await events.return();
      // A generator that nobody has read from runs no `finally`.
      await routed.chunks.return();
    } catch (error) {
      onFault(error);
    }
  };

  const body = new ReadableStream<Uint8Array>(
    {
      start: (started) => {
        controller = started;
      },
      pull: async () => {
        const { value, done } = await events.next();
        // Failed meanwhile: there is nothing to write to.
        if (controller === undefined) return;
        if (done === true) {
          controller.close();
          await leave();
        } else {
          controller.enqueue(encoder.encode(value));
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  );
  return {
    body,
    fail: (reason) => {
      controller?.error(reason);
      void leave();
    },
  };
}
