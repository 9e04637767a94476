import { Controller, Get, Inject, Injectable, Module, Query } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import OpenAI from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  InjectOpenAI,
  LlmRouterModule,
  type LlmRouterOptions,
  OPENAI_CLIENT,
  RouterService,
  Surface,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll } from './support/fault-bench.js';
import { PLATFORMS } from './support/router-app.js';

const TEXT = 'one two three four five six';
const MESSAGES = [{ role: 'user' as const, content: 'Count' }];
const CALL = { model: 'auto', messages: MESSAGES };
const SLOWLY = { timeToFirstTokenMs: 0, tokensPerSecond: 5 };
const AT_ONCE = { timeToFirstTokenMs: 0, tokensPerSecond: Infinity };

@Injectable()
class Assistant {
  @InjectOpenAI() readonly client!: OpenAI;

  async modelOf(call: Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> = {}): Promise<string | null> {
    const { response } = await this.client.chat.completions.create({ ...CALL, ...call }).withResponse();
    return response.headers.get('x-llm-model');
  }
}

@Controller()
class HostController {
  constructor(
    private readonly assistant: Assistant,
    @InjectOpenAI() private readonly client: OpenAI,
  ) {}

  @Surface('support')
  @Get('support')
  async support(@Query('streamed') streamed?: string): Promise<{ model: string | null }> {
    if (streamed === undefined) return { model: await this.assistant.modelOf() };
    const { data, response } = await this.client.chat.completions
      .create({ ...CALL, stream: true })
      .withResponse();
    await readAll(data);
    return { model: response.headers.get('x-llm-model') };
  }

  @Surface('drafts')
  @Get('drafts')
  async drafts(): Promise<{ model: string | null }> {
    return { model: await this.assistant.modelOf() };
  }
}

const optionsFor = (upstream: ScriptedUpstream): LlmRouterOptions => ({
  providers: { one: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } },
  models: {
    plain: { provider: 'one', quality: 0.3, price: { inputPer1M: 1, outputPer1M: 1 } },
    fine: { provider: 'one', quality: 0.9, price: { inputPer1M: 9, outputPer1M: 9 } },
  },
  routingRules: {
    simple_queries: { primary: 'plain', fallback: 'fine' },
    complex_reasoning: { primary: 'plain', fallback: 'fine' },
  },
  surfaces: { support: { qualityFloor: 0.6 }, drafts: { workload: 'background' } },
  limits: { bodyBytes: 20_000, jsonDepth: 12 },
  // Nobody is called twice: what one failure looks like is at issue.
  execution: { maxAttempts: 2 },
});

describe('@InjectOpenAI()', () => {
  let upstream: ScriptedUpstream;
  let bench: FaultBench;
  let client: OpenAI;
  let router: RouterService;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
    bench = await createFaultBench({
      platform: 'express',
      http: false,
      options: optionsFor(upstream),
      providers: [Assistant],
    });
    client = bench.app.get(Assistant).client;
    router = bench.app.get(RouterService);
  });

  beforeEach(() => {
    bench.clear();
    upstream.setReply(() => ({ text: TEXT }));
    upstream.setLatency(AT_ONCE);
  });

  afterEach(async () => {
    await bench.expectQuiet(upstream);
    // A fault of one test must not steer the next.
    bench.engine.signals.forget();
  });

  afterAll(async () => {
    await bench.close();
    await upstream.close();
  });

  it('is the official client, and answers with the headers of the endpoint', async () => {
    expect(client).toBeInstanceOf(OpenAI);
    expect(client.maxRetries).toBe(0);
    const { data, response, request_id } = await client.chat.completions.create(CALL).withResponse();
    expect(data.choices[0]?.message.content).toBe(TEXT);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-llm-model': 'plain',
      'x-llm-provider': 'one',
      'x-llm-tier': 'primary',
      'x-llm-attempts': '1',
    });
    expect(request_id).toBe(response.headers.get('x-llm-decision-id'));
    expect(bench.requests).toMatchObject([{ outcome: 'succeeded', streamed: false, surface: 'none' }]);
  });

  it('streams, with usage where it is asked for, and the cost in no chunk', async () => {
    const { data, response } = await client.chat.completions
      .create({ ...CALL, stream: true, stream_options: { include_usage: true } })
      .withResponse();
    expect(response.headers.get('x-llm-model')).toBe('plain');
    const chunks = await readAll(data);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(TEXT);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(0);
    expect(bench.requests).toMatchObject([{ outcome: 'succeeded', streamed: true }]);
  });

  it('a reader that leaves the loop ends the upstream call', async () => {
    upstream.setLatency(SLOWLY);
    const aborted = upstream.abortedCount;
    for await (const _chunk of await client.chat.completions.create({ ...CALL, stream: true })) break;
    await upstream.whenAborted(aborted + 1);
    await bench.whenEnded(1);
    expect(bench.requests).toMatchObject([{ outcome: 'client_left' }]);
  });

  it.each(['whole', 'streamed'])(
    'abort before the answer (%s): APIUserAbortError, upstream ended',
    async (kind) => {
      upstream.failNext({ kind: 'stalled' });
      const [aborted, asked] = [upstream.abortedCount, upstream.requestCount];
      const leave = new AbortController();
      const asking = client.chat.completions
        .create({ ...CALL, stream: kind === 'streamed' }, { signal: leave.signal })
        .catch((error: unknown) => error);
      await upstream.whenRequests(asked + 1);
      leave.abort();
      expect(await asking).toBeInstanceOf(OpenAI.APIUserAbortError);
      await upstream.whenAborted(aborted + 1);
      await bench.whenEnded(1);
      expect(bench.requests).toMatchObject([{ outcome: 'client_left' }]);
    },
  );

  it('abort in the middle of a read ends the upstream call at once', async () => {
    upstream.failNext({ kind: 'stalled', after: 'first_token' });
    const aborted = upstream.abortedCount;
    const stream = await client.chat.completions.create({ ...CALL, stream: true });
    const reading = readAll(stream);
    await new Promise(setImmediate);
    stream.controller.abort();
    // The client ends an aborted stream without a word.
    await reading;
    await upstream.whenAborted(aborted + 1);
    await bench.whenEnded(1);
    expect(bench.requests).toMatchObject([{ outcome: 'client_left' }]);
  });

  it("the client's timeout is its own error, and ends the upstream call", async () => {
    upstream.failNext({ kind: 'stalled' });
    const aborted = upstream.abortedCount;
    await expect(client.chat.completions.create(CALL, { timeout: 60 })).rejects.toBeInstanceOf(
      OpenAI.APIConnectionTimeoutError,
    );
    await upstream.whenAborted(aborted + 1);
  });

  it('an aborted signal rejects with its reason before anything is called', async () => {
    const asked = upstream.requestCount;
    const { fetch, baseURL } = router.clientOptions();
    const reason = new Error('mine');
    await expect(
      fetch(`${baseURL}/chat/completions`, { method: 'POST', body: '{}', signal: AbortSignal.abort(reason) }),
    ).rejects.toBe(reason);
    expect(upstream.requestCount).toBe(asked);
    expect(bench.requests).toEqual([]);
  });

  it('typed errors, and no retries of its own', async () => {
    const asked = upstream.requestCount;
    upstream.failNext({ kind: 'status', status: 429, retryAfterSeconds: 2 }, 2);
    // The wait does not fit into it.
    const limited = await router
      .runWith({ deadlineMs: 1_000 }, () => client.chat.completions.create(CALL))
      .catch((error: unknown) => error);
    if (!(limited instanceof OpenAI.RateLimitError)) throw limited;
    expect(limited.code).toBe('rate_limit_exceeded');
    expect(limited.headers.get('retry-after')).toBe('2');
    expect(limited.requestID).toMatch(/^dec_/);
    expect(upstream.requestCount).toBe(asked + 2);

    await expect(client.chat.completions.create({ ...CALL, messages: [] })).rejects.toMatchObject({
      constructor: OpenAI.BadRequestError,
      code: 'invalid_request',
      param: 'messages',
    });
    await expect(client.chat.completions.create({ ...CALL, model: 'nobody' })).rejects.toMatchObject({
      constructor: OpenAI.NotFoundError,
      code: 'model_not_found',
    });
    expect(upstream.requestCount).toBe(asked + 2);
    await upstream.heal();
  });

  it('a stream: an error before the first token is typed, one after it an APIError in the loop', async () => {
    upstream.failNext({ kind: 'status', status: 500 }, 2);
    await expect(client.chat.completions.create({ ...CALL, stream: true })).rejects.toMatchObject({
      constructor: OpenAI.InternalServerError,
      status: 502,
      code: 'all_attempts_failed',
    });
    upstream.failNext({ kind: 'cut', afterChunks: 2 });
    const reading = readAll(await client.chat.completions.create({ ...CALL, stream: true }));
    await expect(reading).rejects.toBeInstanceOf(OpenAI.APIError);
    await expect(reading).rejects.toMatchObject({ code: 'stream_interrupted' });
    await bench.whenEnded(2);
    expect(bench.requests).toMatchObject([{ outcome: 'failed' }, { outcome: 'failed' }]);
  });

  it('parse, the stream helper and runTools', async () => {
    upstream.setReply(() => ({ text: '{"city":"Paris","people":2}' }));
    const format = zodResponseFormat(z.object({ city: z.string(), people: z.number() }), 'place');
    const parsed = await client.chat.completions.parse({ ...CALL, response_format: format });
    expect(parsed.choices[0]?.message.parsed).toEqual({ city: 'Paris', people: 2 });

    upstream.setReply(() => ({ text: TEXT }));
    const helper = client.chat.completions.stream(CALL);
    const pieces: string[] = [];
    helper.on('content', (piece) => pieces.push(piece));
    expect(await helper.finalContent()).toBe(TEXT);
    expect(pieces.join('')).toBe(TEXT);

    upstream.setReply(({ body }) =>
      JSON.stringify(body.messages).includes('"tool"')
        ? { text: 'It rains in Paris.' }
        : { toolCalls: [{ name: 'weather', arguments: { city: 'Paris' } }] },
    );
    const asked: unknown[] = [];
    const weather = {
      type: 'function' as const,
      function: {
        name: 'weather',
        description: 'The weather of a city.',
        parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
        parse: JSON.parse as (text: string) => { city: string },
        function: (input: { city: string }) => {
          asked.push(input);
          return 'rain';
        },
      },
    };
    const runner = client.chat.completions.runTools({ ...CALL, tools: [weather] });
    expect(await runner.finalContent()).toBe('It rains in Paris.');
    const streamed = client.chat.completions.runTools({ ...CALL, tools: [weather], stream: true });
    expect(await streamed.finalContent()).toBe('It rains in Paris.');
    expect(asked).toEqual([{ city: 'Paris' }, { city: 'Paris' }]);
  });

  it('models, and a plain 404 for what the router does not serve', async () => {
    const names = (await readAll(client.models.list())).map(({ id }) => id);
    expect(names).toEqual(expect.arrayContaining(['auto', 'simple_queries', 'plain', 'fine']));
    expect(await client.models.retrieve('fine')).toMatchObject({ id: 'fine', owned_by: 'one' });
    await expect(client.models.retrieve('constructor')).rejects.toMatchObject({ code: 'model_not_found' });
    const refused = await client.files.list().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(OpenAI.NotFoundError);
    expect(refused).toMatchObject({ code: 'not_found' });
    expect(String(refused)).toContain('chat completions');
    expect(bench.requests).toEqual([]);
  });

  it('the limits of the endpoint hold, and refusals are counted', async () => {
    const text = 'x'.repeat(20_000);
    await expect(
      client.chat.completions.create({ ...CALL, messages: [{ role: 'user', content: text }] }),
    ).rejects.toMatchObject({ status: 413, code: 'request_too_large' });
    const deep = JSON.parse('['.repeat(20) + ']'.repeat(20)) as never;
    await expect(client.chat.completions.create({ ...CALL, metadata: deep })).rejects.toBeInstanceOf(
      OpenAI.BadRequestError,
    );
    expect(bench.requests.map(({ outcome, errorCode }) => [outcome, errorCode])).toEqual([
      ['rejected', 'request_too_large'],
      ['rejected', 'invalid_request'],
    ]);
  });

  it('fetch takes a body as text, bytes or a Request, and says what it does not take', async () => {
    const { fetch, baseURL } = router.clientOptions();
    const url = `${baseURL}/chat/completions`;
    const post = (body: RequestInit['body']): Promise<Response> => fetch(url, { method: 'post', body });
    const json = JSON.stringify(CALL);
    const taken = [
      await post(json),
      await post(new TextEncoder().encode(json)),
      await post(Uint8Array.from(Buffer.from(json)).buffer),
      await post(new Blob([json]).stream()),
      await fetch(new Request(url, { method: 'POST', body: json })),
      await fetch(new URL(`${url}/`), { method: 'POST', body: json }),
    ];
    expect(taken.map(({ status }) => status)).toEqual(taken.map(() => 200));
    const euros = JSON.stringify({ ...CALL, messages: [{ role: 'user', content: '€'.repeat(7_000) }] });
    const refused: [RequestInit['body'], number, string][] = [
      ['{', 400, 'invalid_request'],
      [undefined, 400, 'invalid_request'],
      [new FormData(), 400, 'invalid_request'],
      [new Blob([json]), 400, 'invalid_request'],
      ['null', 400, 'invalid_request'],
      ['{"stream":"yes"}', 400, 'invalid_request'],
      // 7,000 characters in three bytes each.
      [euros, 413, 'request_too_large'],
      [new TextEncoder().encode(euros), 413, 'request_too_large'],
      [new Blob([euros]).stream(), 413, 'request_too_large'],
    ];
    for (const [body, status, code] of refused) {
      const response = await post(body);
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(await response.json()).toMatchObject({ error: { code } });
    }
    expect((await fetch(url)).status).toBe(404);
    expect((await fetch(`${baseURL}/models/%E0%A4`)).status).toBe(404);
    expect((await fetch(`${baseURL}/models/fine`, { method: 'DELETE' })).status).toBe(404);
  });

  it('who asks comes from the code that calls: its context, then the options; never from headers', async () => {
    const surfaces = (): string[] => bench.requests.map(({ surface }) => surface);
    await client.chat.completions.create(CALL, {
      headers: { 'x-llm-surface': 'support', 'x-llm-deadline-ms': '1' },
    });
    await router.runWith({ surface: 'drafts' }, () => client.chat.completions.create(CALL));
    const bound = new OpenAI(router.clientOptions({ surface: 'support' }));
    const { response } = await router.runWith({ surface: 'drafts' }, () =>
      bound.chat.completions.create(CALL).withResponse(),
    );
    expect(response.headers.get('x-llm-model')).toBe('fine');
    expect(surfaces()).toEqual(['none', 'drafts', 'support']);
    const wrong = new OpenAI(router.clientOptions({ surface: 'suport' }));
    await expect(wrong.chat.completions.create(CALL)).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('a stream belongs to where it was asked for, not to where it is read', async () => {
    const stream = await router.runWith({ surface: 'support' }, () =>
      client.chat.completions.create({ ...CALL, stream: true }),
    );
    await router.runWith({ surface: 'drafts' }, () => readAll(stream));
    expect(bench.requests).toMatchObject([{ surface: 'support', servedBy: { model: 'fine' } }]);
  });
});

describe.each(PLATFORMS)('@InjectOpenAI() in handlers on %s', (platform) => {
  let upstream: ScriptedUpstream;
  let bench: FaultBench;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: TEXT }) });
    bench = await createFaultBench({
      platform,
      options: optionsFor(upstream),
      controllers: [HostController],
      providers: [Assistant],
      http: false,
    });
  });

  afterAll(async () => {
    await bench.close();
    await upstream.close();
  });

  it("is held to the handler's surface, and concurrent handlers do not cross", async () => {
    upstream.setLatency({ timeToFirstTokenMs: 15, tokensPerSecond: 2_000, jitter: 0.8 });
    const paths = Array.from(
      { length: 60 },
      (_, index) => ['support', 'drafts', 'support?streamed=1'][index % 3]!,
    );
    const answers = await Promise.all(
      paths.map(async (path) => (await bench.fetch(`/${path}`)).json() as Promise<{ model: string }>),
    );
    expect(answers.map(({ model }) => model)).toEqual(
      paths.map((path) => (path === 'drafts' ? 'plain' : 'fine')),
    );
    const workloads = bench.requests.map(({ surface, workload }) => `${surface} ${workload}`).sort();
    expect(new Set(workloads)).toEqual(new Set(['drafts background', 'support interactive']));
    // The floor holds on every attempt: the provider's failure does not reach the model below it.
    upstream.failNext({ kind: 'status', status: 500 }, 2);
    expect((await bench.fetch('/support')).status).toBe(500);
    expect(bench.attempts.slice(-2)).toMatchObject([{ model: 'fine' }, { model: 'fine' }]);
  });
});

describe('the client behind @InjectOpenAI()', () => {
  const WANTED = Symbol.for('nestjs-llm-router.openai-client-wanted');
  const holder = globalThis as { [WANTED]?: true };
  let upstream: ScriptedUpstream;

  beforeAll(async () => {
    upstream = await createScriptedUpstream({ api: 'openai', reply: () => ({ text: TEXT }) });
  });

  beforeEach(() => {
    // As in a process in which no file with the decorator was loaded.
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a symbol of ours
    delete holder[WANTED];
  });

  afterEach(() => {
    holder[WANTED] = true;
  });

  afterAll(async () => {
    await upstream.close();
  });

  it('is not made where nobody has it injected, and says so where it is used all the same', async () => {
    const module = await Test.createTestingModule({
      imports: [LlmRouterModule.forRoot(optionsFor(upstream))],
    }).compile();
    await module.init();
    const missing = module.get<OpenAI>(OPENAI_CLIENT);
    expect(missing).not.toBeInstanceOf(OpenAI);
    expect(() => missing.chat).toThrow(/@InjectOpenAI\(\).*clientOptions/);
    await module.close();
  });

  it('is made for the decorator, and for a factory that names its token', async () => {
    @Module({
      providers: [{ provide: 'mine', inject: [OPENAI_CLIENT], useFactory: (client: OpenAI) => ({ client }) }],
    })
    class FactoryModule {}
    const app = await NestFactory.createApplicationContext(
      {
        module: FactoryModule,
        imports: [LlmRouterModule.forRoot({ ...optionsFor(upstream), isGlobal: true })],
      },
      { logger: false, abortOnError: false },
    );
    const { client } = app.get<{ client: OpenAI }>('mine');
    expect((await client.chat.completions.create(CALL)).choices[0]?.message.content).toBe(TEXT);
    await app.close();

    @Injectable()
    class Decorated {
      constructor(@InjectOpenAI() readonly client: OpenAI) {}
    }
    expect(holder[WANTED]).toBe(true);
    const module = await Test.createTestingModule({
      imports: [LlmRouterModule.forRoot(optionsFor(upstream))],
      providers: [Decorated],
    }).compile();
    expect(module.get(Decorated).client).toBeInstanceOf(OpenAI);
    await module.close();
  });

  it('is overridden by its token', async () => {
    @Injectable()
    class Decorated {
      constructor(@Inject(OPENAI_CLIENT) readonly client: OpenAI) {}
    }
    const double = { chat: 'mine' };
    const module = await Test.createTestingModule({
      imports: [LlmRouterModule.forRoot(optionsFor(upstream))],
      providers: [Decorated],
    })
      .overrideProvider(OPENAI_CLIENT)
      .useValue(double)
      .compile();
    expect(module.get(Decorated).client).toBe(double);
    await module.close();
  });
});
