import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RouterService, StreamInterruptedError } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';

const PRICE = { inputPer1M: 10, outputPer1M: 100 };
const WORDS = 'Thirty-two characters of answer.';
const WORDS_TOKENS = WORDS.length / 4;
const messages = [{ role: 'user' as const, content: 'A question of forty characters, or about.' }];

/** Writes one answer, at its own pace. The router may leave before its end. */
type Answerer = (response: ServerResponse) => void | Promise<void>;

/** What an upstream is made to send, byte by byte. */
class RawUpstream {
  answerer: Answerer = () => undefined;
  requestCount = 0;
  readonly #server: Server = createServer((request, response) => {
    this.requestCount += 1;
    request.resume().once('end', () => void this.answerer(response));
  });

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const event = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
const DONE = 'data: [DONE]\n\n';

function chunk(delta: object, finish: string | null = null): string {
  const choices = [{ index: 0, delta, finish_reason: finish, logprobs: null }];
  return event({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'raw', choices });
}

function answer(message: object): string {
  return JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'raw',
    choices: [
      { index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop', logprobs: null },
    ],
  });
}

function beginStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
}

function beginAnswer(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' });
}

describe('keep-alives of a stream', () => {
  const IDLE_MS = 300;
  /** Three times the pause that a silent stream may make. */
  const BEATS = Array.from({ length: 9 }, () => 100);
  const anthropicEvent = (data: { type: string } & Record<string, unknown>): string =>
    `event: ${data.type}\n${event(data)}`;
  const usage = { input_tokens: 5, output_tokens: 1 };

  interface Wire {
    readonly begin: string;
    readonly beat: string;
    readonly end: string;
  }
  const openai: Omit<Wire, 'beat'> = {
    begin: chunk({ role: 'assistant', content: 'Hello' }),
    end: chunk({ content: ' again' }) + chunk({}, 'stop') + DONE,
  };
  const delta = (text: string): string =>
    anthropicEvent({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
  const anthropic: Omit<Wire, 'beat'> = {
    begin:
      anthropicEvent({
        type: 'message_start',
        message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'raw', content: [], usage },
      }) +
      anthropicEvent({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }) +
      delta('Hello'),
    end:
      delta(' again') +
      anthropicEvent({ type: 'content_block_stop', index: 0 }) +
      anthropicEvent({ type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage }) +
      anthropicEvent({ type: 'message_stop' }),
  };

  async function read(api: 'openai' | 'anthropic', wire: Wire): Promise<{ text: string; error: unknown }> {
    const upstream = new RawUpstream();
    upstream.answerer = async (response) => {
      beginStream(response);
      response.write(wire.begin);
      for (const pauseMs of BEATS) {
        await after(pauseMs);
        if (wire.beat !== '') response.write(wire.beat);
      }
      response.end(wire.end);
    };
    await upstream.listen();
    const bench = await createFaultBench({
      platform: 'express',
      http: false,
      options: {
        providers: {
          raw: { api, baseUrl: api === 'openai' ? `${upstream.origin}/v1` : upstream.origin, apiKey: 'k' },
        },
        models: { only: { provider: 'raw' } },
        routingRules: { simple_queries: { primary: 'only' } },
        execution: { timeouts: { idleMs: IDLE_MS } },
      },
    });
    let text = '';
    let error: unknown;
    try {
      for await (const { choices } of bench.app.get(RouterService).stream({ messages })) {
        text += choices[0]?.delta.content ?? '';
      }
    } catch (thrown) {
      error = thrown;
    }
    await bench.close();
    await upstream.close();
    return { text, error };
  }

  it.concurrent.each([
    ['comments', 'openai', { ...openai, beat: ': still thinking\n\n' }],
    ['comments without a blank line', 'openai', { ...openai, beat: ':\n' }],
    ['pings', 'anthropic', { ...anthropic, beat: anthropicEvent({ type: 'ping' }) }],
  ] as const)('%s tell that the upstream is alive (%s)', async (_name, api, wire) => {
    expect(await read(api, wire)).toEqual({ text: 'Hello again', error: undefined });
  });

  it.concurrent.each([
    ['openai', { ...openai, beat: '' }],
    ['anthropic', { ...anthropic, beat: '' }],
  ] as const)('silence as long ends the stream (%s)', async (api, wire) => {
    const { text, error } = await read(api, wire);
    expect(text).toBe('Hello');
    expect(error).toBeInstanceOf(StreamInterruptedError);
  });
});

describe('answers as few upstreams send them', () => {
  const MAX_LATENCY_MS = 300;
  const IDLE_MS = 900;
  const raw = new RawUpstream();
  let fallback: ScriptedUpstream;
  let bench: FaultBench;
  let router: RouterService;

  beforeAll(async () => {
    await raw.listen();
    fallback = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: 'Fallback.' }) });
    bench = await createFaultBench({
      platform: 'express',
      http: false,
      options: {
        providers: {
          raw: { api: 'openai-compatible', baseUrl: `${raw.origin}/v1` },
          two: { api: 'openai', baseUrl: fallback.baseUrl, apiKey: 'k2' },
        },
        models: {
          first: { provider: 'raw', price: PRICE },
          paced: { provider: 'raw', price: PRICE },
          'paced-stream': { provider: 'raw', price: PRICE },
          second: { provider: 'two', price: PRICE },
        },
        routingRules: {
          simple_queries: { primary: 'first' },
          hurried: { primary: 'paced', fallback: 'second', maxLatencyMs: MAX_LATENCY_MS },
          hurried_stream: {
            tiers: [
              { models: 'paced-stream', targetLatencyMs: 80 },
              { models: 'second', targetLatencyMs: 5_000 },
            ],
          },
        },
        execution: { timeouts: { idleMs: IDLE_MS } },
      },
    });
    router = bench.app.get(RouterService);
  });

  beforeEach(() => {
    bench.clear();
  });

  afterEach(async () => {
    await bench.expectQuiet(fallback);
    // A fault of one test must not steer the next.
    bench.engine.signals.forget();
  });

  afterAll(async () => {
    await bench.close();
    await Promise.all([raw.close(), fallback.close()]);
  });

  const toolCall = {
    id: 'call_1',
    type: 'function',
    function: { name: 'look_up', arguments: JSON.stringify({ words: WORDS }) },
  };

  it.each([
    ['text', { content: WORDS }],
    ['a refusal', { content: null, refusal: WORDS }],
    ['a tool call', { content: null, tool_calls: [toolCall] }],
    ['reasoning', { content: 'A', reasoning_content: WORDS }],
  ])('a whole answer without usage is estimated: %s', async (_name, message) => {
    raw.answerer = (response) => {
      beginAnswer(response);
      response.end(answer(message));
    };
    await router.chat({ messages });
    const [attempt] = bench.attempts;
    expect(attempt).toMatchObject({ outcome: 'succeeded', usageSource: 'estimated' });
    expect(attempt!.usage.promptTokens).toBeGreaterThan(0);
    expect(attempt!.usage.completionTokens).toBeGreaterThanOrEqual(WORDS_TOKENS);
    expect(attempt!.usage.completionTokens).toBeLessThan(WORDS_TOKENS * 3);
    expect(attempt!.costUsd).toBeCloseTo(
      (attempt!.usage.promptTokens * PRICE.inputPer1M + attempt!.usage.completionTokens * PRICE.outputPer1M) /
        1_000_000,
      9,
    );
    expect(bench.requests).toMatchObject([{ usage: attempt!.usage, costUsd: attempt!.costUsd }]);
  });

  it('a stream moved on from before its headers books what the prompt cost', async () => {
    raw.answerer = () => undefined;
    let text = '';
    for await (const { choices } of router.stream({ model: 'hurried_stream', messages })) {
      text += choices[0]?.delta.content ?? '';
    }
    expect(text).toBe('Fallback.');
    const [given, served] = bench.attempts;
    expect(given).toMatchObject({
      model: 'paced-stream',
      outcome: 'timed_out',
      providerCode: 'moved_on',
      usageSource: 'estimated',
      usage: { completionTokens: 0 },
    });
    expect(given!.usage.promptTokens).toBeGreaterThan(0);
    expect(given!.costUsd).toBeCloseTo((given!.usage.promptTokens * PRICE.inputPer1M) / 1_000_000, 9);
    expect(bench.requests[0]?.costUsd).toBeCloseTo(given!.costUsd + served!.costUsd, 9);
  });

  it.each(['reasoning_content', 'reasoning'])('a stream cut after its %s books that', async (field) => {
    raw.answerer = async (response) => {
      beginStream(response);
      for (let index = 0; index < 4; index += 1) {
        // Handed over before the cut, or nothing of it would arrive.
        await new Promise((resolve) => response.write(chunk({ [field]: WORDS }), resolve));
        await after(5);
      }
      response.destroy();
    };
    const reading = (async () => {
      for await (const piece of router.stream({ messages })) expect(piece.choices).toHaveLength(1);
    })();
    await expect(reading).rejects.toBeInstanceOf(StreamInterruptedError);
    const [attempt] = bench.attempts;
    expect(attempt).toMatchObject({
      outcome: 'failed',
      usageSource: 'estimated',
      usage: { completionTokens: 4 * WORDS_TOKENS },
    });
    expect(attempt!.costUsd).toBeGreaterThanOrEqual((4 * WORDS_TOKENS * PRICE.outputPer1M) / 1_000_000);
  });

  it('a whole answer that has begun is not cut by maxLatencyMs', async () => {
    const asked = fallback.requestCount;
    raw.answerer = async (response) => {
      const body = answer({ content: WORDS });
      beginAnswer(response);
      response.write(body.slice(0, body.length / 2));
      await after(500);
      response.end(body.slice(body.length / 2));
    };
    const completion = await router.chat({ model: 'hurried', messages });
    expect(completion.choices[0]?.message.content).toBe(WORDS);
    expect(completion.routing).toMatchObject({ model: 'paced', tier: 'primary', attempts: 1 });
    expect(bench.attempts).toMatchObject([{ model: 'paced', outcome: 'succeeded' }]);
    expect(bench.attempts[0]!.durationMs).toBeGreaterThan(MAX_LATENCY_MS);
    expect(fallback.requestCount).toBe(asked);
  });

  it('a whole answer that stalls after its beginning is left for the fallback', async () => {
    raw.answerer = (response) => {
      beginAnswer(response);
      response.write(answer({ content: WORDS }).slice(0, 40));
    };
    const completion = await router.chat({ model: 'hurried', messages });
    expect(completion.choices[0]?.message.content).toBe('Fallback.');
    expect(completion.routing).toMatchObject({ model: 'second', attempts: 2 });
    expect(bench.attempts).toMatchObject([
      { model: 'paced', outcome: 'timed_out', providerCode: 'idle' },
      { model: 'second', outcome: 'succeeded' },
    ]);
    expect(bench.attempts[0]!.durationMs).toBeGreaterThan(IDLE_MS - 10);
  });

  it('a whole answer that does not begin is left after maxLatencyMs', async () => {
    raw.answerer = () => undefined;
    const completion = await router.chat({ model: 'hurried', messages });
    expect(completion.routing).toMatchObject({ model: 'second', attempts: 2 });
    expect(bench.attempts[0]).toMatchObject({ outcome: 'timed_out', providerCode: 'moved_on' });
  });

  it('a reader that breaks at the finish reason loses no usage that comes after it', async () => {
    raw.answerer = async (response) => {
      beginStream(response);
      response.write(chunk({ content: WORDS }) + chunk({}, 'stop'));
      await after(50);
      response.end(
        event({
          id: 'chatcmpl-1',
          object: 'chat.completion.chunk',
          created: 1,
          model: 'raw',
          choices: [],
          usage: { prompt_tokens: 321, completion_tokens: 123, total_tokens: 444 },
        }) + DONE,
      );
    };
    for await (const piece of router.stream({ messages })) if (piece.choices[0]?.finish_reason) break;
    await bench.whenEnded(1);
    expect(bench.attempts).toMatchObject([
      { outcome: 'succeeded', usageSource: 'reported', usage: { completionTokens: 123 } },
    ]);
  });
});
