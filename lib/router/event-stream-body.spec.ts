import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk } from '../chat/index.js';
import type { RoutedStream } from '../pipeline/index.js';
import { type EventStreamBody, eventStreamBody } from './event-stream-body.js';

const CHUNK = { choices: [] } as unknown as ChatCompletionChunk;

interface Setup extends EventStreamBody {
  readonly log: string[];
  readonly left: AbortController;
  readonly routed: RoutedStream;
}

/** A stream of so many chunks; `log` tells what was asked of it. */
function setUp(count: number, read: (index: number) => Promise<void> = () => Promise.resolve()): Setup {
  const log: string[] = [];
  const left = new AbortController();
  async function* chunks(): AsyncGenerator<ChatCompletionChunk, void, undefined> {
    try {
      for (let index = 0; index < count; index += 1) {
        log.push(`read ${index}`);
        await read(index);
        yield CHUNK;
      }
    } finally {
      log.push('given back');
    }
  }
  const routed = {
    chunks: chunks(),
    routing: { decisionId: 'dec_1' },
    costUsd: () => 0,
    ended: left.signal,
  } as unknown as RoutedStream;
  const body = eventStreamBody(
    routed,
    left,
    () => log.push('ended'),
    (error) => log.push(`fault ${String(error)}`),
  );
  return { ...body, log, left, routed };
}

/** Time for whatever would happen by itself. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}

describe('the body of an event stream', () => {
  it('reads one chunk for one read, and none before', async () => {
    const { body, log } = setUp(50);
    const reader = new Response(body).body!.getReader();
    await turns();
    expect(log).toEqual([]);
    await reader.read();
    await turns();
    expect(log).toEqual(['read 0']);
    await reader.read();
    await turns();
    expect(log).toEqual(['read 0', 'read 1']);
    await reader.cancel();
    expect(log).toEqual(['read 0', 'read 1', 'ended', 'given back']);
  });

  it('comes whole, and ends once', async () => {
    const { body, log } = setUp(2);
    const text = await new Response(body).text();
    expect(text).toBe(
      `${`data: ${JSON.stringify(CHUNK)}\n\n`.repeat(2)}: x-llm-cost-usd 0\n\ndata: [DONE]\n\n`,
    );
    expect(log).toEqual(['read 0', 'read 1', 'given back', 'ended']);
  });

  it('a reader that cancels in the middle of a read leaves first, and waits after', async () => {
    const { body, log, left } = setUp(5, (index) =>
      index === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            left.signal.addEventListener('abort', () => {
              resolve();
            });
          }),
    );
    const reader = body.getReader();
    await reader.read();
    const reading = reader.read();
    await turns();
    await reader.cancel();
    expect(await reading).toEqual({ done: true, value: undefined });
    expect(left.signal.aborted).toBe(true);
    expect(log).toEqual(['read 0', 'read 1', 'ended', 'given back']);
  });

  it('fails for its reader with the reason, also where nothing was read yet', async () => {
    const reason = new Error('left');
    const begun = setUp(5);
    const reader = begun.body.getReader();
    await reader.read();
    begun.fail(reason);
    await expect(reader.read()).rejects.toBe(reason);
    expect(begun.log).toEqual(['read 0', 'ended', 'given back']);

    const untouched = setUp(5);
    // As the pipeline hands it over: primed, so that giving it back runs what it holds.
    await untouched.routed.chunks.next();
    untouched.fail(reason);
    await turns();
    await expect(new Response(untouched.body).text()).rejects.toBe(reason);
    expect(untouched.log).toEqual(['read 0', 'ended', 'given back']);
  });

  it('tells of a fault of ours that its reader cannot be told of', async () => {
    const { body, log, routed } = setUp(5);
    routed.chunks.return = () => Promise.reject(new RangeError('ours'));
    await body.cancel();
    expect(log).toEqual(['ended', 'fault RangeError: ours']);
  });
});
