import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk } from '../../chat/chat-types.js';
import type { AiSdkLanguageModel } from '../../config/index.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import type { RecalledTurn } from '../recalled-turn.js';
import { LanguageModelClient } from './language-model-client.js';

const FINISH = { type: 'finish', finishReason: 'stop', usage: { inputTokens: 3, outputTokens: 2 } };
const TEXT = { type: 'text-delta', id: '0', delta: 'Hi' };
const NEVER = new Promise<never>(() => undefined);

function callOf(request: object = {}, rest: Partial<ProviderCall> = {}): ProviderCall {
  return {
    upstreamModel: 'm',
    request: { model: 'm', messages: [{ role: 'user', content: 'Hello' }], ...request },
    stream: false,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
    reasoning: false,
    ...rest,
  };
}

interface AskedOptions {
  readonly abortSignal: AbortSignal;
  readonly prompt: unknown;
}

function modelOf(rest: {
  doGenerate?: (options: AskedOptions) => unknown;
  doStream?: (options: AskedOptions) => unknown;
}): AiSdkLanguageModel {
  return {
    specificationVersion: 'v2',
    provider: 'acme.chat',
    modelId: 'm',
    doGenerate: () => NEVER,
    doStream: () => NEVER,
    ...(rest as object),
  };
}

const clientOf = (model: AiSdkLanguageModel): LanguageModelClient =>
  new LanguageModelClient({ name: 'acme', languageModel: () => model });
const noProgress = (): void => undefined;

/** A stream that tells what was asked of it. */
class WatchedStream {
  pulls = 0;
  readonly cancelled: Promise<unknown>;
  readonly stream: ReadableStream<unknown>;

  constructor(next: (pull: number) => unknown) {
    let tell: (reason: unknown) => void = () => undefined;
    this.cancelled = new Promise((resolve) => {
      tell = resolve;
    });
    this.stream = new ReadableStream<unknown>(
      {
        pull: async (controller) => {
          this.pulls += 1;
          const part = await next(this.pulls);
          if (part === undefined) controller.close();
          else controller.enqueue(part);
        },
        cancel: tell,
      },
      // Nothing is read ahead.
      { highWaterMark: 0 },
    );
  }
}

describe('LanguageModelClient', () => {
  it('knows no secret and nothing to probe', () => {
    const client = clientOf(modelOf({}));
    expect(client.readSecrets()).toEqual([]);
    expect('probe' in client).toBe(false);
  });

  it('makes a model once for each name, and again after its making has failed', async () => {
    const made: string[] = [];
    let isBroken = true;
    const client = new LanguageModelClient({
      name: 'acme',
      languageModel: (modelId) => {
        made.push(modelId);
        if (isBroken) throw Object.assign(new Error('x'), { name: 'AI_LoadAPIKeyError' });
        return modelOf({ doGenerate: () => Promise.resolve({ content: [], finishReason: 'stop' }) });
      },
    });
    const ask = async (upstreamModel: string): Promise<unknown> =>
      client.prepare(callOf({}, { upstreamModel })).complete(new AbortController().signal, noProgress);
    await expect(ask('a')).rejects.toMatchObject({ kind: 'authentication' });
    await expect(client.prepare(callOf()).openStream(new AbortController().signal)).rejects.toMatchObject({
      kind: 'authentication',
    });
    isBroken = false;
    await ask('a');
    await ask('a');
    await ask('b');
    expect(made).toEqual(['a', 'm', 'a', 'b']);
  });

  it('calls the methods on the model itself', async () => {
    class Model {
      readonly specificationVersion = 'v3';
      readonly provider = 'acme.chat';
      readonly modelId = 'm';
      readonly #text = 'Hi';
      doGenerate(): Promise<unknown> {
        return Promise.resolve({ content: [{ type: 'text', text: this.#text }], finishReason: 'stop' });
      }
      doStream(): Promise<unknown> {
        return NEVER;
      }
    }
    const { completion } = await clientOf(new Model())
      .prepare(callOf())
      .complete(new AbortController().signal, noProgress);
    expect(completion.choices[0]!.message.content).toBe('Hi');
  });

  it('refuses before the call what cannot be said', () => {
    expect(() => clientOf(modelOf({})).prepare(callOf({ n: 2 }))).toThrow(InvalidRequestError);
  });

  it('maps what is thrown at once, and what is rejected', async () => {
    const fault = Object.assign(new Error('x'), { name: 'AI_APICallError', statusCode: 429 });
    const sync = modelOf({
      doGenerate: () => {
        throw fault;
      },
      doStream: () => {
        throw fault;
      },
    });
    const late = modelOf({ doGenerate: () => Promise.reject(fault), doStream: () => Promise.reject(fault) });
    for (const model of [sync, late]) {
      const prepared = clientOf(model).prepare(callOf());
      const { signal } = new AbortController();
      await expect(prepared.complete(signal, noProgress)).rejects.toMatchObject({ kind: 'rate_limited' });
      await expect(prepared.openStream(signal)).rejects.toMatchObject({ kind: 'rate_limited' });
    }
  });

  it('gives its signal along', async () => {
    const signals: AbortSignal[] = [];
    const take = ({ abortSignal }: AskedOptions): Promise<never> => {
      signals.push(abortSignal);
      return Promise.reject(new Error('x'));
    };
    const prepared = clientOf(modelOf({ doGenerate: take, doStream: take })).prepare(callOf());
    const { signal } = new AbortController();
    await expect(prepared.complete(signal, noProgress)).rejects.toMatchObject({ kind: 'server_error' });
    await expect(prepared.openStream(signal)).rejects.toMatchObject({ kind: 'server_error' });
    expect(signals).toHaveLength(2);
    expect(signals.every((given) => given === signal)).toBe(true);
  });

  it('does not wait for a model that does not listen to its signal', async () => {
    const reason = new Error('left');
    for (const how of ['complete', 'openStream'] as const) {
      const leave = new AbortController();
      const prepared = clientOf(modelOf({})).prepare(callOf());
      const answer =
        how === 'complete' ? prepared.complete(leave.signal, noProgress) : prepared.openStream(leave.signal);
      leave.abort(reason);
      await expect(answer).rejects.toBe(reason);
    }
  });

  it('calls nothing where the signal has aborted before', async () => {
    let calls = 0;
    const count = (): Promise<never> => {
      calls += 1;
      return NEVER;
    };
    const prepared = clientOf(modelOf({ doGenerate: count, doStream: count })).prepare(callOf());
    await expect(prepared.complete(AbortSignal.abort('gone'), noProgress)).rejects.toBe('gone');
    await expect(prepared.openStream(AbortSignal.abort('gone'))).rejects.toBe('gone');
    expect(calls).toBe(0);
  });

  it('gives back what the client lost, of this provider alone', async () => {
    const prompts: unknown[] = [];
    const model = modelOf({
      doGenerate: ({ prompt }) => {
        prompts.push(prompt);
        return Promise.resolve({ content: [], finishReason: 'stop' });
      },
    });
    for (const provider of ['acme', 'another']) {
      const recalledTurns = new Map<number, RecalledTurn>([[0, { provider, reasoningContent: 'Hm' }]]);
      const call = callOf({ messages: [{ role: 'assistant', content: 'Hi' }] }, { recalledTurns });
      await clientOf(model).prepare(call).complete(new AbortController().signal, noProgress);
    }
    const said = { type: 'text', text: 'Hi' };
    expect(prompts).toEqual([
      [{ role: 'assistant', content: [{ type: 'reasoning', text: 'Hm' }, said] }],
      [{ role: 'assistant', content: [said] }],
    ]);
  });

  describe('a stream', () => {
    const open = async (stream: unknown, signal = new AbortController().signal) =>
      clientOf(modelOf({ doStream: () => Promise.resolve({ stream }) }))
        .prepare(callOf({}, { stream: true }))
        .openStream(signal);
    const contentOf = (groups: readonly (readonly ChatCompletionChunk[])[]): string =>
      groups.flatMap((group) => group.map(({ choices }) => choices[0]?.delta.content ?? '')).join('');

    it('is read a part at a time, when the next is asked for', async () => {
      const watched = new WatchedStream((pull) => (pull < 4 ? TEXT : pull === 4 ? FINISH : undefined));
      const { chunks, usage } = await open(watched.stream);
      expect(watched.pulls).toBe(0);
      for (let pull = 1; pull <= 3; pull += 1) {
        const { value } = await chunks.next();
        expect(contentOf([value ?? []])).toBe('Hi');
        expect(watched.pulls).toBe(pull);
      }
      expect(usage()).toBeUndefined();
      const rest: (readonly ChatCompletionChunk[])[] = [];
      for await (const group of chunks) rest.push(group);
      expect(rest.flat().map(({ choices }) => choices[0]?.finish_reason)).toEqual(['stop', undefined]);
      expect(usage()).toMatchObject({ promptTokens: 3, completionTokens: 2 });
    });

    it.each([
      ['before it was read', 0],
      ['in the middle', 1],
    ])('is cancelled when it is left %s', async (_when, reads) => {
      const watched = new WatchedStream(() => TEXT);
      const { chunks } = await open(watched.stream);
      for (let read = 0; read < reads; read += 1) await chunks.next();
      await chunks.return();
      await watched.cancelled;
      expect(watched.pulls).toBe(reads);
    });

    it('is cancelled on an abort, also while nothing comes', async () => {
      const watched = new WatchedStream((pull) => (pull === 1 ? TEXT : NEVER));
      const leave = new AbortController();
      const { chunks } = await open(watched.stream, leave.signal);
      await chunks.next();
      const waiting = chunks.next();
      const reason = new Error('left');
      leave.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await watched.cancelled;
    });

    it('that opens after the abort is cancelled too', async () => {
      const watched = new WatchedStream(() => TEXT);
      let answer: (value: unknown) => void = () => undefined;
      const opening = new Promise((resolve) => {
        answer = resolve;
      });
      const leave = new AbortController();
      const opened = clientOf(modelOf({ doStream: () => opening }))
        .prepare(callOf())
        .openStream(leave.signal);
      leave.abort('gone');
      await expect(opened).rejects.toBe('gone');
      answer({ stream: watched.stream });
      await watched.cancelled;
    });

    it('is cut where it ends without a finish part', async () => {
      const watched = new WatchedStream((pull) => (pull === 1 ? TEXT : undefined));
      const { chunks } = await open(watched.stream);
      await chunks.next();
      await expect(chunks.next()).rejects.toMatchObject({ kind: 'stream_cut' });
    });

    it('that breaks is told by what broke it, and cancelled after an error part', async () => {
      const broken = new WatchedStream(() =>
        Promise.reject(Object.assign(new TypeError('terminated'), { code: 'UND_ERR_SOCKET' })),
      );
      const { chunks } = await open(broken.stream);
      await expect(chunks.next()).rejects.toMatchObject({ kind: 'connection', providerCode: 'ECONNRESET' });
      const failed = new WatchedStream(() => ({ type: 'error', error: { type: 'overloaded_error' } }));
      const second = await open(failed.stream);
      await expect(second.chunks.next()).rejects.toMatchObject({ kind: 'overloaded' });
      await failed.cancelled;
    });

    it('that does not end after its finish part is not read for ever', async () => {
      const watched = new WatchedStream(() => FINISH);
      const { chunks } = await open(watched.stream);
      for await (const group of chunks) expect(group).toBeDefined();
      await watched.cancelled;
      expect(watched.pulls).toBeLessThan(200);
    });

    it.each([[undefined], [{}], [{ getReader: 1 }]])('is none: %j', async (stream) => {
      await expect(open(stream)).rejects.toMatchObject({
        kind: 'bad_response',
        providerCode: 'not_a_stream',
      });
    });
  });
});
