import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ChatRequest, LlmRouterError, RouterService } from 'nestjs-llm-router';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamApi,
  type UpstreamRequestFault,
} from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll } from './support/fault-bench.js';
import { LogCollector } from './support/log-collector.js';

/** Each begins alike, so that one search finds all; the rest says which one it was. */
const CANARY = /canary|q7x9z/i;
/** Nothing in its form says that it is a key, and it has nothing of the prompt. */
const PROVIDER_KEY = 'UpstreamQ7x9z31';
const ROUTER_KEY = 'CanaryRouterKeyQ7x9z77';
const REPLY = 'Canaryreply from the model';

const REQUEST = {
  messages: [
    { role: 'system', content: 'Canarysystem rules\nCanaryline' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Canaryuser asks "Canaryquoted" for 4711' },
        { type: 'image_url', image_url: { url: 'https://images.example/Canaryimage?Canaryquery=1' } },
      ],
    },
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        {
          id: 'call_1',
          type: 'function',
          function: { name: 'look_up', arguments: '{"q":"Canaryargument"}' },
        },
      ],
    },
    { role: 'tool', tool_call_id: 'call_1', content: 'Canarytool result' },
  ],
  tools: [
    {
      type: 'function',
      function: {
        name: 'look_up',
        description: 'Canarydescription',
        parameters: { type: 'object', properties: { q: { type: 'string', description: 'Canaryproperty' } } },
      },
    },
  ],
  user: 'Canaryperson',
} as unknown as ChatRequest;

/** Gemini fetches no picture by its address: the adapter refuses, and nothing would reach the upstream. */
const WITHOUT_IMAGE: ChatRequest = {
  ...REQUEST,
  messages: REQUEST.messages.map((message) =>
    message.role === 'user' ? { role: 'user', content: 'Canaryuser asks "Canaryquoted" for 4711' } : message,
  ),
};

const WIRES = ['openai', 'anthropic', 'gemini'] as const;

const FAULTS: readonly UpstreamRequestFault[] = [
  ...[400, 401, 403, 404, 413, 422, 429, 500, 503].map((status) => ({ kind: 'status', status }) as const),
  { kind: 'stalled', after: 'request' },
  { kind: 'stalled', after: 'headers' },
  { kind: 'stalled', after: 'first_token' },
  { kind: 'cut', afterChunks: 0 },
  { kind: 'cut', afterChunks: 2 },
  { kind: 'stream_error', afterChunks: 0 },
  { kind: 'stream_error', afterChunks: 2 },
];

/** What the careless upstream does, by the model's name. */
const ECHOES = [
  ...[302, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503].map(String),
  'text',
  'html',
  'error_in_200',
  'stream_error',
  'stream_error_later',
  'broken_json',
  'not_http',
] as const;

/** Where keys come from besides one in the configuration. */
const KEY_SOURCES = {
  several: { apiKeys: [`${PROVIDER_KEY}a`, `${PROVIDER_KEY}b`] },
  // Another each time it is asked, which it is after each refusal: those before are still quoted.
  asked: { apiKey: countingKeys() },
  thrown: {
    apiKeys: (): never => {
      throw new Error(`${PROVIDER_KEY} could not be read`, { cause: PROVIDER_KEY });
    },
  },
};
const KEY_ECHOES = ['400', '401', '402', '403', '429', 'error_in_200', 'stream_error'] as const;

function countingKeys(): () => string {
  let count = 0;
  return () => `${PROVIDER_KEY}c${(count += 1)}`;
}

/** Quotes the headers and the body it was sent in everything it answers. */
function createEchoServer(): Server {
  return createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (piece: Buffer) => (body += piece.toString()));
    incoming.on('end', () => {
      const key = incoming.headers.authorization?.split(' ')[1] ?? '';
      const quoted = `Hi ${key}, ${JSON.stringify(incoming.headers)} ${body}`;
      const mode = (JSON.parse(body) as { model: string }).model.replace('echo-', '');
      const error = JSON.stringify({
        error: { message: quoted, type: 'invalid_request_error', param: quoted, code: quoted },
      });
      const sse = { 'content-type': 'text/event-stream' };
      const json = { 'content-type': 'application/json' };
      switch (mode) {
        case 'text':
          response.writeHead(400, { 'content-type': 'text/plain' }).end(quoted);
          return;
        case 'html':
          response.writeHead(200, { 'content-type': 'text/html' }).end(`<html>${quoted}</html>`);
          return;
        case 'error_in_200':
          response.writeHead(200, json).end(error);
          return;
        case 'stream_error':
          response.writeHead(200, sse).end(`data: ${error}\n\n`);
          return;
        case 'stream_error_later':
          response.writeHead(200, sse);
          response.write(
            'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Begun"},"finish_reason":null}]}\n\n',
            () => setTimeout(() => response.end(`data: ${error}\n\n`), 20),
          );
          return;
        case 'broken_json':
          response.writeHead(200, json).end(quoted);
          return;
        case 'not_http':
          incoming.socket.end(`${quoted}\r\n\r\n`);
          return;
        default:
          response.writeHead(Number(mode), { ...json, location: `http://127.0.0.1:1/?${encodeURI(quoted)}` });
          response.end(error);
      }
    });
  });
}

/** All that anybody could print of an error. */
function everythingOf(error: unknown): string {
  const texts: string[] = [];
  for (let current = error, depth = 0; current !== undefined && current !== null && depth < 10; depth += 1) {
    texts.push(inspect(current, { depth: 10, showHidden: true }), JSON.stringify(current));
    if (current instanceof Error) {
      texts.push(
        String(current),
        current.stack ?? '',
        JSON.stringify(current, Object.getOwnPropertyNames(current)),
      );
      current = current.cause;
    } else {
      break;
    }
  }
  return texts.join('\n');
}

describe.each([
  ['express', 'undici'],
  ['fastify', 'http'],
] as const)('keys and prompts, on %s over %s', (platform, httpAdapter) => {
  const upstreams = new Map<UpstreamApi, ScriptedUpstream>();
  let dead: ScriptedUpstream;
  let echo: Server;
  let bench: FaultBench;
  let router: RouterService;
  const logs = new LogCollector();
  const printed: string[] = [];
  const events: string[] = [];
  const restore: (() => void)[] = [];

  beforeAll(async () => {
    // The wall clock alone, so that it can be put forward: every timer runs on.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    for (const stream of [process.stdout, process.stderr]) {
      const write = vi.spyOn(stream, 'write').mockImplementation((text) => {
        printed.push(typeof text === 'string' ? text : Buffer.from(text).toString());
        return true;
      });
      restore.push(() => {
        write.mockRestore();
      });
    }
    for (const method of ['log', 'info', 'warn', 'error', 'debug', 'trace'] as const) {
      const spy = vi.spyOn(console, method).mockImplementation((...parts: unknown[]) => {
        printed.push(parts.map((part) => inspect(part, { depth: 10 })).join(' '));
      });
      restore.push(() => {
        spy.mockRestore();
      });
    }
    for (const api of WIRES) {
      upstreams.set(
        api,
        await createScriptedUpstream({
          api,
          reply: () => ({ text: `${REPLY} at some length` }),
          requireKey: PROVIDER_KEY,
        }),
      );
    }
    dead = await createScriptedUpstream({ api: 'openai' });
    dead.failAlways({ kind: 'refused' });
    echo = createEchoServer();
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const echoOrigin = `127.0.0.1:${(echo.address() as AddressInfo).port}`;
    bench = await createFaultBench({
      platform,
      logger: logs,
      options: {
        providers: {
          ...Object.fromEntries(
            WIRES.map((api) => [api, { api, baseUrl: upstreams.get(api)?.baseUrl, apiKey: PROVIDER_KEY }]),
          ),
          dead: { api: 'openai', baseUrl: dead.baseUrl, apiKey: PROVIDER_KEY },
          // Speaks no TLS.
          tls: { api: 'openai', baseUrl: `https://${echoOrigin}/v1`, apiKey: PROVIDER_KEY },
          nowhere: { api: 'anthropic', baseUrl: 'http://nowhere.invalid', apiKey: PROVIDER_KEY },
          echo: { api: 'openai', baseUrl: `http://${echoOrigin}/v1`, apiKey: PROVIDER_KEY },
          ...Object.fromEntries(
            Object.entries(KEY_SOURCES).map(([name, keys]) => [
              name,
              { api: 'openai', baseUrl: `http://${echoOrigin}/v1`, ...keys },
            ]),
          ),
        },
        models: {
          ...Object.fromEntries(
            [...WIRES, 'dead', 'tls', 'nowhere'].map((provider) => [`at-${provider}`, { provider }]),
          ),
          ...Object.fromEntries(ECHOES.map((mode) => [`echo-${mode}`, { provider: 'echo' }])),
          ...Object.fromEntries(
            Object.keys(KEY_SOURCES).flatMap((provider) =>
              KEY_ECHOES.map((mode) => [`${provider}-${mode}`, { provider, upstreamModel: `echo-${mode}` }]),
            ),
          ),
          small: { provider: 'openai', contextWindow: 20 },
        },
        routingRules: {
          ...Object.fromEntries(
            [...WIRES, 'dead', 'tls', 'nowhere'].map((name) => [name, { primary: `at-${name}` }]),
          ),
          ...Object.fromEntries(ECHOES.map((mode) => [`echo_${mode}`, { primary: `echo-${mode}` }])),
          ...Object.fromEntries(
            Object.keys(KEY_SOURCES).flatMap((provider) =>
              KEY_ECHOES.map((mode) => [`${provider}_${mode}`, { primary: `${provider}-${mode}` }]),
            ),
          ),
          too_small: { primary: 'small' },
        },
        surfaces: { support: {} },
        http: { apiKeys: [{ key: ROUTER_KEY, admin: true }] },
        execution: {
          httpAdapter,
          // Each fault is seen.
          maxAttempts: 1,
          deadlineMs: 2_000,
          // Long enough for a busy machine: the healthy cases must not run into them.
          timeouts: { firstTokenMs: 500, idleMs: 500, connectMs: 1_000 },
        },
      },
    });
    for (const name of [
      'attempt-started',
      'attempt-first-token',
      'attempt-ended',
      'request-ended',
      'key-refused',
      'key-restored',
    ] as const) {
      bench.engine.bus.on(name, (event) => events.push(inspect(event, { depth: 10, showHidden: true })));
    }
    router = bench.app.get(RouterService);
  });

  afterAll(async () => {
    vi.useRealTimers();
    for (const undo of restore) undo();
    await bench.close();
    await Promise.all([...upstreams.values()].map((upstream) => upstream.close()));
    await dead.close();
    echo.closeAllConnections();
    echo.close();
  });

  function expectClean(what: string, text: string): void {
    const found = CANARY.exec(text);
    expect(
      found === null ? what : `${what}: …${text.slice(Math.max(0, found.index - 80), found.index + 80)}`,
    ).toBe(what);
  }

  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    bench.postJson(path, body, { authorization: `Bearer ${ROUTER_KEY}`, ...headers });

  /** Asks once by each face; gives what failed. */
  async function askEveryWay(
    model: string,
    fault?: { upstream: ScriptedUpstream; fault: UpstreamRequestFault },
    request = model === 'gemini' ? WITHOUT_IMAGE : REQUEST,
  ): Promise<number> {
    const arm = (): void => {
      // A refused key is tried again after ten minutes at the latest.
      vi.setSystemTime(Date.now() + 11 * 60_000);
      if (fault !== undefined) fault.upstream.failNext(fault.fault);
    };
    const isStall = fault?.fault.kind === 'stalled';
    // A whole answer has no limit of its own but the deadline, and a stall shall not take long. Each call has begun by then,
    // also on a busy machine.
    const deadlineMs = isStall ? 500 : 10_000;
    const overHttp = (stream: boolean) => async (): Promise<number> => {
      const answer = await post(
        '/v1/chat/completions',
        { ...request, model, stream },
        { 'x-llm-deadline-ms': String(deadlineMs) },
      );
      const text = await answer.text();
      expectClean(`headers of ${model}`, inspect([...answer.headers]));
      if (answer.ok && !text.includes('"error":{')) return 0;
      // What was streamed before the error is the model's answer, and the client's.
      expectClean(`body of ${model}`, text.slice(Math.max(0, text.lastIndexOf('{"error":{'))));
      return 1;
    };
    const inProcess = (face: string, ask: () => Promise<unknown>) => async (): Promise<number> => {
      try {
        await ask();
        return 0;
      } catch (error) {
        expect(LlmRouterError.isInstance(error)).toBe(true);
        expectClean(`error of ${face}, ${model}`, everythingOf(error));
        return 1;
      }
    };
    const ways = [
      overHttp(false),
      overHttp(true),
      inProcess('chat', () => router.chat({ ...request, model }, { deadlineMs })),
      inProcess('stream', () => readAll(router.stream({ ...request, model }, { deadlineMs }))),
    ];
    if (isStall) {
      // They wait the same time, and may do so together.
      for (const _way of ways) arm();
      const failed = await Promise.all(ways.map((ask) => ask()));
      return failed.reduce((sum, one) => sum + one, 0);
    }
    let failures = 0;
    for (const ask of ways) {
      arm();
      failures += await ask();
    }
    return failures;
  }

  /** Everything that is kept or shown apart from the answer itself. */
  async function expectNothingKept(): Promise<void> {
    expectClean('logs', logs.lines.join('\n'));
    expectClean('printed', printed.join('\n'));
    expectClean('events', events.join('\n'));
    for (const path of ['/metrics', '/router/kpis', '/health', '/health/ready', '/v1/models']) {
      const answer = await bench.fetch(path, { headers: { authorization: `Bearer ${ROUTER_KEY}` } });
      expectClean(path, await answer.text());
    }
    const { engine } = bench;
    expectClean('signals', inspect(engine.signals, { depth: 10, showHidden: true }));
    expectClean('policy', inspect(engine.runtime.policy, { depth: 12, showHidden: true }));
  }

  it.each(WIRES)('stay in the answer: %s', async (api) => {
    const upstream = upstreams.get(api)!;
    const asked = upstream.requestCount;
    const failures = await askEveryWay(api);
    expect(failures).toBe(0);
    expect(upstream.requestCount).toBe(asked + 4);
    // The test would prove nothing had they not been on their way.
    const sent = upstream.requests.at(-1)!;
    expect(JSON.stringify(sent.body)).toMatch(/Canaryuser.*Canaryargument.*Canarytool/s);
    expect(JSON.stringify(sent.headers)).toContain(PROVIDER_KEY);
    await expectNothingKept();
  });

  it('are in no refusal of what a wire cannot say', async () => {
    expect(await askEveryWay('gemini', undefined, REQUEST)).toBe(4);
    await expectNothingKept();
  });

  it.each(WIRES)('are in nothing that a fault leaves: %s', async (api) => {
    const upstream = upstreams.get(api)!;
    for (const fault of FAULTS) {
      const asked = upstream.requestCount;
      const failures = await askEveryWay(api, { upstream, fault });
      const calls = upstream.requestCount - asked;
      expect({ fault, failures, calls }).toEqual({ fault, failures: 4, calls: 4 });
      await upstream.heal();
    }
    await expectNothingKept();
  });

  it.each(['dead', 'tls', 'nowhere'])('are in no connection error: %s', async (name) => {
    expect(await askEveryWay(name)).toBe(4);
    await expectNothingKept();
  });

  it.each(ECHOES)('are not let through by an upstream that quotes them: %s', async (mode) => {
    expect(await askEveryWay(`echo_${mode}`)).toBeGreaterThanOrEqual(mode === 'stream_error_later' ? 2 : 4);
    await expectNothingKept();
  });

  it.each(Object.keys(KEY_SOURCES))('are not let through wherever they come from: %s', async (name) => {
    for (const mode of KEY_ECHOES) {
      expect(await askEveryWay(`${name}_${mode}`), mode).toBe(4);
    }
    await expectNothingKept();
  });

  it('are in no plan', async () => {
    for (const model of ['auto', 'openai', 'too_small']) {
      const answer = await post('/router/explain', { ...REQUEST, model });
      expect(answer.status).toBe(200);
      expectClean('explanation', await answer.text());
    }
    expectClean('explanation', inspect(router.explain(REQUEST), { depth: 12, showHidden: true }));
    const refused = await post('/v1/chat/completions', { ...REQUEST, model: 'too_small' });
    expect(refused.status).toBe(400);
    expectClean('context length', await refused.text());
  });

  it('are in no refusal of bad input', async () => {
    const word = 'Canaryvalue';
    const bodies: unknown[] = [
      `{"messages": [{"role": "user", "content": "${word}`,
      `"${word}"`,
      { ...REQUEST, model: word },
      { ...REQUEST, temperature: word },
      { ...REQUEST, stream: word },
      { ...REQUEST, max_tokens: word },
      { ...REQUEST, response_format: { type: word } },
      { ...REQUEST, tool_choice: word },
      { ...REQUEST, tools: word },
      { ...REQUEST, stop: { [word]: word } },
      { messages: word },
      { messages: [word] },
      { messages: [{ role: word, content: word }] },
      { messages: [{ role: 'user', content: { text: word } }] },
      { messages: [{ role: 'user', content: [{ type: word, text: word }] }] },
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: word }] }] },
      { messages: [{ role: 'assistant', tool_calls: [{ function: { arguments: word } }] }] },
      { messages: [{ role: 'tool', content: word }] },
    ];
    for (const body of bodies) {
      for (const path of ['/v1/chat/completions', '/router/explain']) {
        const answer = await post(path, body);
        expectClean(`${path} ${inspect(answer.status)}`, (await answer.text()).replaceAll(REPLY, ''));
      }
    }
    const refusedHeaders: Record<string, string>[] = [
      { 'x-llm-surface': word },
      { 'x-llm-workload': word },
      { 'x-llm-deadline-ms': word },
      { authorization: `Bearer ${word}` },
      { 'content-encoding': word },
    ];
    for (const headers of refusedHeaders) {
      const answer = await post('/v1/chat/completions', { ...REQUEST, model: 'openai' }, headers);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expectClean(inspect(headers).replaceAll(word, '…'), await answer.text());
    }
    for (const path of [`/v1/models/${word}`, `/router/${word}`]) {
      const answer = await bench.fetch(path, { headers: { authorization: `Bearer ${ROUTER_KEY}` } });
      // A path nobody serves is answered by the host, which names it.
      if (path.startsWith('/v1/')) expectClean('path of a model', await answer.text());
    }
    await expectNothingKept();
  });

  it('were looked for where there was something to find', () => {
    expect(logs.lines.length).toBeGreaterThan(50);
    expect(events.length).toBeGreaterThan(200);
    expect(() => {
      expectClean('a leak', 'the word canary');
    }).toThrow();
  });
});
