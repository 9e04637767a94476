import type { LoggerService } from '@nestjs/common';
import OpenAI from 'openai';
import { expect } from 'vitest';
import type { LlmRouterHttpOptions, LlmRouterOptions } from 'nestjs-llm-router';
import type { ScriptedUpstream } from 'nestjs-llm-router/testing';
// Internal on purpose: only the bus shows that a record is emitted exactly once, and only the signals what is in flight.
import { RouterEngine } from '../../lib/router/index.js';
import type { AttemptRecord, RequestRecord } from '../../lib/telemetry/index.js';
import { createRouterApp, type Platform, type RouterApp, type RouterAppOptions } from './router-app.js';

export interface FaultBenchOptions {
  readonly platform: Platform;
  readonly options: LlmRouterOptions;
  readonly http?: LlmRouterHttpOptions | false;
  readonly controllers?: RouterAppOptions['controllers'];
  readonly providers?: RouterAppOptions['providers'];
  readonly logger?: LoggerService;
}

/** A router under faults, with everything its bus has told. */
export interface FaultBench extends RouterApp {
  readonly engine: RouterEngine;
  /** Since the last {@link clear}, in the order they ended. */
  readonly attempts: AttemptRecord[];
  readonly requests: RequestRecord[];
  clear(): void;
  /** Resolves when so many requests have ended since the last {@link clear}. */
  whenEnded(count: number): Promise<void>;
  /** Nothing is left in flight, here or at the upstreams. */
  expectQuiet(...upstreams: ScriptedUpstream[]): Promise<void>;
}

export async function createFaultBench(setup: FaultBenchOptions): Promise<FaultBench> {
  const router = await createRouterApp(setup);
  const engine = router.app.get(RouterEngine, { strict: false });
  const attempts: AttemptRecord[] = [];
  const requests: RequestRecord[] = [];
  let waiters: { count: number; resolve: () => void }[] = [];
  engine.bus.on('attempt-ended', (record) => attempts.push(record));
  engine.bus.on('request-ended', (record) => {
    requests.push(record);
    for (const { count, resolve } of waiters) if (requests.length >= count) resolve();
    waiters = waiters.filter(({ count }) => requests.length < count);
  });
  return {
    ...router,
    engine,
    attempts,
    requests,
    clear: () => {
      attempts.length = 0;
      requests.length = 0;
    },
    whenEnded: (count) =>
      requests.length >= count
        ? Promise.resolve()
        : new Promise((resolve) => waiters.push({ count, resolve })),
    expectQuiet: async (...upstreams) => {
      await Promise.all(upstreams.map((upstream) => upstream.whenIdle()));
      expect(engine.pipeline.inFlight).toBe(0);
      const busy = [...engine.runtime.policy.models.values()]
        .flatMap((model) => model.deployments)
        .filter(({ id }) => engine.signals.of(id).inFlight !== 0);
      expect(busy.map(({ id }) => id)).toEqual([]);
    },
  };
}

/** Resolves when so many streams more have shown their first token. */
export function whenBegun(engine: RouterEngine, count: number): Promise<void> {
  let missing = count;
  return new Promise((resolve) => {
    const unsubscribe = engine.bus.on('attempt-first-token', () => {
      missing -= 1;
      if (missing > 0) return;
      unsubscribe();
      resolve();
    });
  });
}

export interface ReadStream {
  readonly response: Response;
  readonly chunks: OpenAI.ChatCompletionChunk[];
  readonly text: string;
  /** What the official client threw while it read. */
  readonly error: unknown;
  /** The stream as it came over the wire. */
  readonly raw: string;
}

/** Reads a stream by the official client and keeps what was on the wire. */
export async function readStream(
  url: string,
  body: Omit<OpenAI.ChatCompletionCreateParamsStreaming, 'stream'>,
  headers: Record<string, string> = {},
): Promise<ReadStream> {
  const kept: { raw?: Promise<string> } = {};
  const client = new OpenAI({
    apiKey: 'any',
    baseURL: `${url}/v1`,
    maxRetries: 0,
    defaultHeaders: headers,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      kept.raw = response.clone().text();
      // A test may fail before it looks at it.
      kept.raw.catch(() => undefined);
      return response;
    },
  });
  const { data, response } = await client.chat.completions.create({ ...body, stream: true }).withResponse();
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  let error: unknown;
  try {
    for await (const chunk of data) chunks.push(chunk);
  } catch (thrown) {
    error = thrown;
  }
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
  return { response, chunks, text, error, raw: (await kept.raw) ?? '' };
}

/** Reads to the end. */
export async function readAll<Value>(values: AsyncIterable<Value>): Promise<Value[]> {
  const all: Value[] = [];
  for await (const value of values) all.push(value);
  return all;
}

/** An answer that broke off after it had begun: an error event, and nothing that would make it look whole. */
export function expectInterrupted(read: ReadStream): void {
  expect(read.error).toBeInstanceOf(OpenAI.APIError);
  expect(read.error).toMatchObject({ code: 'stream_interrupted' });
  expect(read.text).not.toBe('');
  expect(read.raw).not.toContain('[DONE]');
  expect(read.chunks.map((chunk) => chunk.choices[0]?.finish_reason ?? null)).toEqual(
    read.chunks.map(() => null),
  );
  const events = read.raw.split('\n\n').filter((event) => event.startsWith('data: '));
  expect(JSON.parse(events.at(-1)!.slice('data: '.length))).toEqual({
    error: {
      message: expect.any(String) as string,
      type: 'server_error',
      param: null,
      code: 'stream_interrupted',
    },
  });
}
