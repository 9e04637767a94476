import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { ConsoleLogger, Injectable, type LoggerService } from '@nestjs/common';
import OpenAI from 'openai';
import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type ChatRequest,
  type DecisionReport,
  LlmRouterError,
  type LlmRouterOptions,
  OnLlmAlert,
  RouterService,
} from 'nestjs-llm-router';
import {
  createScriptedUpstream,
  type ScriptedUpstream,
  type UpstreamScript,
} from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench, readAll, whenBegun } from './support/fault-bench.js';
import { HookReceiver } from './support/hook-receiver.js';
import { PLATFORMS } from './support/router-app.js';
import { setUpOpenTelemetry, type TraceBench } from './support/trace-bench.js';

/** Part of every canary, so that one search finds all; what is beside it says which one it was. */
const MARK = /\w{0,24}q7x9z\w{0,24}/gi;

/** Keys of providers and of the router; and the address and the secret of the webhook, which are as good as keys. */
const PROVIDER_KEYS = {
  main: 'MainkeyQ7x9z',
  side: 'SidekeyQ7x9z',
  gem: 'GemkeyQ7x9z',
  echo: 'EchokeyQ7x9z',
};
const ADMIN_KEY = 'AdminkeyQ7x9z';
const TENANT_KEY = 'TenantkeyQ7x9z';
const WEBHOOK_SECRET = 'HooksecretQ7x9z';
const WEBHOOK_PATH = '/hooks/HookpathQ7x9z?token=HookqueryQ7x9z';
/** Of a key, so of the configuration. May be seen by operators where it says whose traffic it is. */
const TENANT = 'TenantQ7x9z';
/** A name that only requests have said: it is no label, and in no log. */
const GUEST = 'GuestQ7x9z';
/** What a provider itself says of a fault. Callers are told, and nobody else. */
const FAULT_TEXT = 'FaultwordsQ7x9z';
/** What models answer. Callers are told, and nobody else. */
const REPLY = 'ReplyQ7x9z';
const HOOK_REPLY = 'HookreplyQ7x9z';

const SCHEMA = {
  type: 'json_schema',
  json_schema: {
    name: 'schemanameQ7x9z',
    description: 'schemadescriptionQ7x9z',
    schema: {
      type: 'object',
      properties: {
        propertyQ7x9z: { type: 'string', description: 'propertywordsQ7x9z', enum: ['enumQ7x9z'] },
      },
      required: ['propertyQ7x9z'],
      additionalProperties: false,
    },
  },
};

/** Every wire takes it. */
const PLAIN = {
  messages: [
    { role: 'system', content: 'SystemQ7x9z rules' },
    { role: 'user', content: 'UserQ7x9z asks "QuotedQ7x9z" for 4711' },
    {
      role: 'assistant',
      content: 'AssistantQ7x9z',
      tool_calls: [
        {
          id: 'call_Q7x9z',
          type: 'function',
          function: { name: 'toolnameQ7x9z', arguments: '{"argumentnameQ7x9z":"argumentQ7x9z"}' },
        },
      ],
    },
    { role: 'tool', tool_call_id: 'call_Q7x9z', content: 'ToolresultQ7x9z' },
    { role: 'user', content: 'LastuserQ7x9z asks once more' },
  ],
  tools: [
    {
      type: 'function',
      function: {
        name: 'toolnameQ7x9z',
        description: 'tooldescriptionQ7x9z',
        parameters: {
          type: 'object',
          properties: { argumentnameQ7x9z: { type: 'string', description: 'argumentwordsQ7x9z' } },
        },
      },
    },
  ],
  stop: ['StopQ7x9z'],
  user: 'PersonQ7x9z',
} as unknown as ChatRequest;

/** All that OpenAI takes besides. */
const FULL = {
  ...PLAIN,
  messages: [
    ...PLAIN.messages.slice(0, -1),
    {
      role: 'user',
      name: 'nameQ7x9z',
      content: [
        { type: 'text', text: 'LastuserQ7x9z asks once more' },
        { type: 'image_url', image_url: { url: 'https://images.example/ImageQ7x9z?ImagequeryQ7x9z=1' } },
      ],
    },
  ],
  response_format: SCHEMA,
  metadata: { metanameQ7x9z: 'MetavalueQ7x9z' },
  safety_identifier: 'SafetyidQ7x9z',
  prompt_cache_key: 'CachekeyQ7x9z',
} as unknown as ChatRequest;

/** What the careless upstream does, by the model's name. */
const ECHOES = [
  ...[302, 400, 401, 402, 403, 404, 409, 413, 422, 429, 500, 503, 529].map(String),
  'text',
  'html',
  'error_in_200',
  'stream_error',
  'stream_error_later',
  'broken_json',
  'not_http',
  'cut',
  'names',
  'bare_name',
  'bare_code',
  'context_length',
  'content_filter',
] as const;

const KINDS = [
  'authentication',
  'bad_response',
  'billing',
  'connection',
  'content_filter',
  'context_length',
  'invalid_request',
  'not_found',
  'overloaded',
  'permission',
  'rate_limited',
  'request_too_large',
  'server_error',
  'stream_cut',
  'timeout',
];

/** Quotes headers and body of what it was sent, in words of its own, in everything it answers. */
function createEchoServer(): Server {
  return createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (piece: Buffer) => (body += piece.toString()));
    incoming.on('end', () => {
      const key = incoming.headers.authorization?.split(' ')[1] ?? '';
      const quoted = `${FAULT_TEXT} Hi ${key}, ${JSON.stringify(incoming.headers)} ${body}`;
      const { model, stream = false } = JSON.parse(body) as { model: string; stream?: boolean };
      const mode = model.replace('echo-', '');
      const errorOf = (code: string): string =>
        JSON.stringify({ error: { message: quoted, type: 'invalid_request_error', param: quoted, code } });
      const json = { 'content-type': 'application/json' };
      const sse = { 'content-type': 'text/event-stream' };
      const head = {
        'x-request-id': key,
        'x-quoted': encodeURI(quoted).slice(0, 4_000),
        // Nobody waits for that.
        'retry-after': '600',
      };
      // The names that a provider gives to things, and what it may put in them.
      const named = {
        id: quoted,
        model: mode === 'bare_name' ? key : `${key} ${quoted}`,
        system_fingerprint: quoted,
        service_tier: quoted,
      };
      const chunk = (delta: object, reason: string | null = null, more: object = {}): string => {
        const choices = [{ index: 0, delta, finish_reason: reason }];
        const base = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm' };
        return `data: ${JSON.stringify({ ...base, ...more, choices })}\n\n`;
      };
      switch (mode) {
        case 'text':
          response.writeHead(400, { 'content-type': 'text/plain', ...head }).end(quoted);
          return;
        case 'html':
          response.writeHead(200, { 'content-type': 'text/html', ...head }).end(`<html>${quoted}</html>`);
          return;
        case 'error_in_200':
          response.writeHead(200, { ...json, ...head }).end(errorOf(quoted));
          return;
        case 'stream_error':
          response.writeHead(200, { ...sse, ...head }).end(`data: ${errorOf(quoted)}\n\n`);
          return;
        case 'stream_error_later':
          response.writeHead(200, { ...sse, ...head });
          response.end(`${chunk({ role: 'assistant', content: REPLY })}data: ${errorOf(quoted)}\n\n`);
          return;
        case 'cut':
          response.writeHead(200, { ...sse, ...head });
          response.end(chunk({ role: 'assistant', content: REPLY }));
          return;
        case 'broken_json':
          response.writeHead(200, { ...json, ...head }).end(quoted);
          return;
        case 'not_http':
          incoming.socket.end(`${quoted}\r\n\r\n`);
          return;
        case 'context_length':
          response.writeHead(400, { ...json, ...head }).end(errorOf('context_length_exceeded'));
          return;
        case 'content_filter':
          response.writeHead(400, { ...json, ...head }).end(errorOf('content_filter'));
          return;
        case 'bare_code':
          response
            .writeHead(422, { ...json, ...head })
            .end(JSON.stringify({ error: { message: quoted, type: key, param: key, code: key } }));
          return;
        case 'names':
        case 'bare_name':
          if (stream) {
            response.writeHead(200, { ...sse, ...head });
            response.write(chunk({ role: 'assistant', content: REPLY }, null, named));
            response.end(`${chunk({}, quoted, named)}data: [DONE]\n\n`);
            return;
          }
          response.writeHead(200, { ...json, ...head }).end(
            JSON.stringify({
              object: 'chat.completion',
              created: 1,
              ...named,
              choices: [{ index: 0, message: { role: 'assistant', content: REPLY }, finish_reason: quoted }],
              usage: { prompt_tokens: 5, completion_tokens: 5, total_tokens: 10 },
            }),
          );
          return;
        default:
          response.writeHead(Number(mode), {
            ...json,
            ...head,
            location: 'http://127.0.0.1:1/LocationQ7x9z',
          });
          response.end(errorOf(quoted));
      }
    });
  });
}

/** All that anybody could print of a value. */
function everythingOf(value: unknown): string {
  const texts: string[] = [];
  for (let current = value, depth = 0; current !== undefined && depth < 10; depth += 1) {
    texts.push(inspect(current, { depth: 20, showHidden: true, getters: true, maxStringLength: null }));
    texts.push(JSON.stringify(current));
    if (!(current instanceof Error)) break;
    texts.push(String(current), current.stack ?? '');
    texts.push(JSON.stringify(current, Object.getOwnPropertyNames(current)));
    current = current.cause;
  }
  return texts.join('\n');
}

/** Keeps what it is handed, as text and as JSON. */
class RawLogger implements LoggerService {
  readonly lines: string[] = [];
  log = this.keep('log');
  error = this.keep('error');
  warn = this.keep('warn');
  debug = this.keep('debug');
  verbose = this.keep('verbose');
  fatal = this.keep('fatal');

  private keep(level: string): (...parts: unknown[]) => void {
    return (...parts) => {
      // As pino: an object's own fields make the line.
      const fields = Object.assign({ level }, ...parts.filter((part) => typeof part === 'object')) as object;
      this.lines.push(`${level} ${everythingOf(parts)} ${JSON.stringify(fields)}`);
    };
  }
}

/** Says everything to several. */
class EveryLogger implements LoggerService {
  log = this.tell('log');
  error = this.tell('error');
  warn = this.tell('warn');
  debug = this.tell('debug');
  verbose = this.tell('verbose');
  fatal = this.tell('fatal');

  constructor(private readonly loggers: readonly LoggerService[]) {}

  private tell(level: 'log' | 'error' | 'warn' | 'debug' | 'verbose' | 'fatal') {
    return (message: unknown, ...rest: unknown[]): void => {
      for (const logger of this.loggers) logger[level]?.(message, ...rest);
    };
  }
}

@Injectable()
class Pager {
  readonly heard: string[] = [];

  @OnLlmAlert()
  hear(...given: unknown[]): void {
    this.heard.push(everythingOf(given));
  }

  @OnLlmAlert()
  throws(): void {
    throw new TypeError(`${FAULT_TEXT} of a handler`);
  }
}

describe.each(PLATFORMS)('what can be seen while canaries are in use, on %s', (platform) => {
  let directory: string;
  let main: ScriptedUpstream;
  let side: ScriptedUpstream;
  let gem: ScriptedUpstream;
  let echo: Server;
  let receiver: HookReceiver;
  let bench: FaultBench;
  let isOpen = true;
  let router: RouterService;
  let tracing: TraceBench;
  const raw = new RawLogger();
  const printed: string[] = [];
  const events: string[] = [];
  const warnings: string[] = [];
  const kindsSeen = new Set<string>();
  const restore: (() => void)[] = [];

  const onWarning = (warning: Error): void => {
    warnings.push(everythingOf(warning));
  };

  const reply: UpstreamScript = ({ model, lastUserText }) => {
    const usage = { promptTokens: 50, completionTokens: 10 };
    if (model === 'judge') return { text: 'simple', usage };
    // Asked how sure it is of its answer.
    if (lastUserText.startsWith('{"request"'))
      return { text: lastUserText.includes('unsure') ? '10' : '90', usage };
    if (model === 'caller') {
      return { toolCalls: [{ name: 'replytoolQ7x9z', arguments: { replyargumentQ7x9z: REPLY } }], usage };
    }
    return { text: `${REPLY} at some length, and in more words than one`, usage };
  };

  function optionsWith(extra: LlmRouterOptions = {}): LlmRouterOptions {
    const echoUrl = `http://127.0.0.1:${(echo.address() as AddressInfo).port}/v1`;
    const price = { inputPer1M: 1, outputPer1M: 2 };
    return {
      providers: {
        main: { api: 'openai', baseUrl: main.baseUrl, apiKey: PROVIDER_KEYS.main },
        side: { api: 'anthropic', baseUrl: side.baseUrl, apiKey: PROVIDER_KEYS.side },
        gem: { api: 'gemini', baseUrl: gem.baseUrl, apiKey: PROVIDER_KEYS.gem },
        dead: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1', apiKey: PROVIDER_KEYS.main },
        // One each: a refused key is out for a while.
        ...Object.fromEntries(
          ECHOES.map((mode) => [
            `echo-${mode}`,
            { api: 'openai' as const, baseUrl: echoUrl, apiKey: PROVIDER_KEYS.echo },
          ]),
        ),
      },
      models: {
        quick: { provider: 'main', price },
        caller: { provider: 'main', price },
        spare: { provider: 'side', price },
        third: { provider: 'gem', price },
        judge: { provider: 'main', price },
        vectors: { provider: 'main', capabilities: ['embeddings'], price },
        small: { provider: 'main', contextWindow: 20 },
        'at-dead': { provider: 'dead', price },
        ...Object.fromEntries(ECHOES.map((mode) => [`echo-${mode}`, { provider: `echo-${mode}`, price }])),
      },
      routingRules: {
        simple_queries: {
          tiers: [
            { models: 'quick', targetLatencyMs: 5_000 },
            { models: 'spare', targetLatencyMs: 5_000 },
          ],
          verify: { confidence: 0.5, schema: true },
        },
        complex_reasoning: { primary: 'spare' },
        hedged: {
          tiers: [
            { models: 'quick', targetLatencyMs: 5_000 },
            { models: 'spare', targetLatencyMs: 5_000 },
          ],
        },
        at_main: { primary: 'quick' },
        at_side: { primary: 'spare' },
        at_gem: { primary: 'third' },
        at_dead: { primary: 'at-dead' },
        calls: { primary: 'caller' },
        too_small: { primary: 'small' },
        ...Object.fromEntries(ECHOES.map((mode) => [`echo_${mode}`, { primary: `echo-${mode}` }])),
      },
      classification: {
        examples: {
          model: 'vectors',
          minSimilarity: 0.99,
          timeoutMs: 5_000,
          classes: { complex_reasoning: ['ExampleQ7x9z of a hard question'] },
        },
        judge: { model: 'judge', margin: 1, timeoutMs: 5_000 },
      },
      surfaces: {
        support: { latencySloMs: 5_000 },
        told: { latencySloMs: 5_000, recordPrompts: true },
        legal: { latencySloMs: 5_000, provenance: true },
        poor: { budget: { usd: 0.000_001, per: 'day' } },
        on: { onStreamFailure: 'continue' },
      },
      http: {
        apiKeys: [
          { key: ADMIN_KEY, admin: true },
          { key: TENANT_KEY, tenant: TENANT, surfaces: ['support', 'legal', 'told'] },
        ],
      },
      execution: {
        maxAttempts: 2,
        deadlineMs: 5_000,
        timeouts: { firstTokenMs: 1_500, idleMs: 300, connectMs: 1_000 },
        hedge: { enabled: true, maxShare: 1 },
        // Each fault is to be seen.
        breaker: { errorRate: 1 },
      },
      alerts: {
        minRequests: 20,
        windowMs: 10_000,
        webhook: { url: `${receiver.origin}${WEBHOOK_PATH}`, secret: WEBHOOK_SECRET, baseDelayMs: 1 },
      },
      observability: { metrics: { exemplars: platform === 'express' }, decisions: { keep: 5_000 } },
      // Spent by the first request of a tenant, which is told of.
      budgets: { defaultTenant: { usd: 0.000_000_1, per: 'day', onExceeded: 'downgrade' } },
      requestLog: { file: join(directory, 'requests.jsonl') },
      baseline: 'spare',
      ...extra,
    };
  }

  function marksIn(text: string, allowed: readonly string[] = []): string[] {
    const found = new Set(text.match(MARK) ?? []);
    return [...found].filter((mark) => !allowed.some((one) => mark.includes(one)));
  }

  function expectClean(what: string, text: string, allowed: readonly string[] = []): void {
    const found = marksIn(text, allowed);
    const index = found.length === 0 ? 0 : text.indexOf(found[0]!);
    const where = found.length === 0 ? '' : text.slice(Math.max(0, index - 100), index + 100);
    expect({ what, found, where }).toEqual({ what, found: [], where: '' });
  }

  const admin = { authorization: `Bearer ${ADMIN_KEY}` };
  const theTenant = { authorization: `Bearer ${TENANT_KEY}`, 'x-llm-surface': 'support' };
  const chatPath = '/v1/chat/completions';

  const post = async (
    path: string,
    body: unknown,
    headers: Record<string, string> = admin,
    signal?: AbortSignal,
  ): Promise<{ status: number; text: string }> => {
    const answer = await bench.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await answer.text();
    expectClean(`headers of ${path}`, inspect([...answer.headers]));
    const errorAt = answer.ok ? text.lastIndexOf('{"error":{') : 0;
    // Of a stream what came before its error is the answer, and the caller's.
    if (errorAt >= 0)
      expectClean(`error of ${path}, ${text.slice(errorAt)}`, text.slice(errorAt), [FAULT_TEXT]);
    return { status: answer.status, text };
  };

  const ask = (
    model: string,
    {
      request = PLAIN,
      headers = {},
      stream = false,
    }: { request?: object; headers?: object; stream?: boolean } = {},
  ): Promise<{ status: number; text: string }> =>
    post(chatPath, { ...request, model, stream }, { ...admin, ...headers });

  /** What it throws is looked at. */
  async function thrownBy(call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call();
      return false;
    } catch (error) {
      expect(LlmRouterError.isInstance(error)).toBe(true);
      expectClean(`thrown ${String(error)}`, everythingOf(error), [FAULT_TEXT]);
      return true;
    }
  }

  /** Every route that shows something, and who may be told what there. */
  async function expectCleanRoutes(): Promise<void> {
    const dimensions = ['surface', 'provider', 'model', 'deployment', 'tier', 'class', 'tenant', 'workload'];
    const pairs = dimensions.flatMap((one, index) =>
      dimensions.slice(index + 1).map((two) => `${one},${two}`),
    );
    const windows = ['1m', '5m', '1h', '24h', 'start'];
    const list = await bench.fetch('/router/decisions?limit=1000', { headers: admin });
    const { decisions } = (await list.json()) as DecisionReport;
    expect(decisions.length).toBeGreaterThan(1);
    const paths = [
      '/metrics',
      '/health',
      '/health/live',
      '/health/ready',
      '/v1/models',
      '/v1/models/quick',
      '/router/kpis',
      ...['surface', 'provider', 'model', 'deployment', 'handler'].map((by) => `/router/kpis?by=${by}`),
      ...windows.map((window) => `/router/kpis?window=${window}`),
      ...dimensions.map((by) => `/router/kpis?window=5m&by=${by}`),
      ...pairs.map((by) => `/router/kpis?window=start&by=${by}`),
      ...dimensions.map((by) => `/router/kpis?window=5m&step=10s&by=${by}`),
      '/router/savings',
      '/router/quality',
      '/router/budgets',
      '/router/background',
      '/router/alerts',
      '/router/alerts?state=active',
      '/router/alerts?state=cleared',
      '/router/decisions?limit=1000',
      `/router/decisions?tenant=${TENANT}`,
      ...decisions.map(({ decisionId }) => `/router/decisions/${decisionId}`),
      '/router/ui',
      '/router/ui/state',
      ...['page.css', 'page.mjs', 'uplot.css', 'uplot.mjs'].map((file) => `/router/ui/${file}`),
    ];
    // Operators see whose traffic it is and what it costs; metrics know the tenants of the configuration alone.
    const isOfTenants = /^\/router\/(?:decisions|budgets|kpis\?.*tenant)/;
    const allowedOn = (path: string): string[] => {
      if (isOfTenants.test(path)) return [TENANT, GUEST];
      return path === '/metrics' ? [TENANT] : [];
    };
    const readPath = async (path: string): Promise<void> => {
      for (const accept of path === '/metrics'
        ? ['*/*', 'application/openmetrics-text; version=1.0.0']
        : ['*/*']) {
        const answer = await bench.fetch(path, { headers: { ...admin, accept } });
        const text = await answer.text();
        // A question of ours that is no longer one would find nothing.
        expect([path, answer.status]).toEqual([path, 200]);
        expectClean(path, text + inspect([...answer.headers]), allowedOn(path));
      }
    };
    await Promise.all(paths.map(readPath));
    for (const request of [PLAIN, FULL]) {
      for (const model of ['auto', 'at_main', 'at_gem', 'too_small', 'unknownQ7x9z', 'echo_400']) {
        expectClean(`explain ${model}`, (await post('/router/explain', { ...request, model })).text);
      }
      expectClean('explain', everythingOf(router.explain({ ...request, model: 'auto' })));
    }
  }

  beforeAll(async () => {
    process.on('warning', onWarning);
    for (const stream of [process.stdout, process.stderr]) {
      const write = vi.spyOn(stream, 'write').mockImplementation((text) => {
        printed.push(typeof text === 'string' ? text : Buffer.from(text).toString());
        return true;
      });
      restore.push(() => {
        write.mockRestore();
      });
    }
    directory = await mkdtemp(join(tmpdir(), 'secrets-'));
    tracing = setUpOpenTelemetry();
    main = await createScriptedUpstream({ api: 'openai', reply, requireKey: PROVIDER_KEYS.main });
    side = await createScriptedUpstream({ api: 'anthropic', reply, requireKey: PROVIDER_KEYS.side });
    gem = await createScriptedUpstream({ api: 'gemini', reply, requireKey: PROVIDER_KEYS.gem });
    echo = createEchoServer();
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    receiver = await HookReceiver.open(HOOK_REPLY);
    bench = await createFaultBench({
      platform,
      http: { ui: true },
      logger: new EveryLogger([
        raw,
        new ConsoleLogger({ colors: false }),
        new ConsoleLogger({ json: true, colors: false }),
      ]),
      options: optionsWith(),
      providers: [Pager],
    });
    for (const name of ['attempt-ended', 'request-ended', 'attempt-started', 'request-started'] as const) {
      bench.engine.bus.on(name, (event) => events.push(everythingOf(event)));
    }
    for (const name of [
      'answer-evaluated',
      'feedback-given',
      'attempt-finish-reason',
      'plug-in-failed',
    ] as const) {
      bench.engine.bus.on(name, (event) => events.push(everythingOf(event)));
    }
    bench.engine.bus.on('attempt-ended', ({ errorKind }) => {
      if (errorKind !== undefined) kindsSeen.add(errorKind);
    });
    router = bench.app.get(RouterService);
  });

  afterAll(async () => {
    if (isOpen) await bench.close();
    for (const undo of restore.reverse()) undo();
    process.off('warning', onWarning);
    await tracing.close();
    await Promise.all([main, side, gem].map((upstream) => upstream.close()));
    echo.closeAllConnections();
    echo.close();
    await receiver.close();
    await rm(directory, { recursive: true });
  });

  it('in answers: by every face and wire, whole and streamed, classified and verified', async () => {
    for (const model of ['at_main', 'at_side', 'at_gem', 'calls', 'auto']) {
      for (const stream of [false, true]) {
        const { status, text } = await ask(model, { stream });
        expect([model, stream, status]).toEqual([model, stream, 200]);
        expect(marksIn(text)).not.toEqual([]);
      }
    }
    expect((await ask('at_main', { request: FULL })).status).toBe(200);
    const sent = JSON.stringify(main.requests.at(-1)?.body);
    expect(sent).toMatch(/SystemQ7.*ToolresultQ7.*ImageQ7/s);
    for (const word of ['MetavalueQ7', 'PersonQ7', 'enumQ7', 'StopQ7']) expect(sent).toContain(word);
    // An answer that is no JSON, where JSON was asked for: looked at, and given to the next harder rule.
    expect((await ask('auto', { request: { ...PLAIN, response_format: SCHEMA } })).status).toBe(200);
    for (const surface of ['support', 'legal', 'told']) {
      for (const stream of [false, true]) {
        const headers = { ...theTenant, 'x-llm-surface': surface };
        expect((await ask('at_main', { headers, stream })).status).toBe(200);
        expect((await ask('at_side', { headers, stream })).status).toBe(200);
      }
    }
    const answer = await router.chat({ ...PLAIN, model: 'auto' }, { surface: 'support', tenant: TENANT });
    expectClean('routing', everythingOf(answer.routing));
    expect(answer.routing.classifiedBy).toBe('judge');
    await readAll(router.stream({ ...PLAIN, model: 'at_side' }));
    await lastValueFrom(router.stream$({ ...PLAIN, model: 'at_gem' }).pipe(toArray()));
    await router.enqueue({ ...PLAIN, model: 'at_main' }, { tenant: GUEST });
    await router.embed({ model: 'vectors', input: ['VectorQ7x9z'], user: 'PersonQ7x9z' });
    expect((await post('/v1/embeddings', { model: 'vectors', input: 'VectorQ7x9z' })).status).toBe(200);
    const scored = await post('/router/feedback', { decision_id: answer.routing.decisionId, score: 1 });
    expect(scored.status).toBe(200);
    expectClean('feedback', scored.text);
    expect((await post('/router/feedback', { decision_id: 'ScoredQ7x9z', score: 'ScoreQ7x9z' })).status).toBe(
      400,
    );
  });

  it('in faults of each kind, whole and streamed, from an upstream that quotes all it was sent', async () => {
    const headers = { 'x-llm-surface': 'legal' };
    await Promise.all(
      ECHOES.flatMap((mode) => [
        ask(`echo_${mode}`),
        ask(`echo_${mode}`, { stream: true, headers }),
        ask(`echo_${mode}`, { headers: { 'x-llm-surface': 'told' } }),
        thrownBy(() => router.chat({ ...FULL, model: `echo_${mode}` })),
        thrownBy(() => readAll(router.stream({ ...PLAIN, model: `echo_${mode}` }, { surface: 'legal' }))),
        // The errors are the official client's.
        new OpenAI(router.clientOptions()).chat.completions
          .create({ ...FULL, stream: false, model: `echo_${mode}` }, { maxRetries: 0 })
          .then(
            () => 0,
            (error: unknown) => {
              expectClean(`thrown by the client ${mode}`, everythingOf(error), [FAULT_TEXT]);
              return 1;
            },
          ),
        thrownBy(() => router.enqueue({ ...PLAIN, model: `echo_${mode}` }, { deadlineMs: 400 })),
      ]),
    );
    await Promise.all([ask('at_dead'), thrownBy(() => router.chat({ ...PLAIN, model: 'at_dead' }))]);
  });

  it('in streams that stall or break off, a client that leaves, a copy and a fallback', async () => {
    for (const surface of ['support', 'on']) {
      main.failNext({ kind: 'cut', afterChunks: 2 });
      await ask('hedged', { stream: true, headers: { 'x-llm-surface': surface } });
      main.failNext({ kind: 'stalled', after: 'first_token' });
      await ask('at_main', { stream: true, headers: { 'x-llm-surface': surface } });
    }
    // What was broken off before would have it called last.
    bench.engine.signals.forget();
    main.failNext({ kind: 'status', status: 500 });
    expect((await ask('hedged')).status).toBe(200);
    expect(bench.requests.some(({ fellBack }) => fellBack === true)).toBe(true);
    // Until it is known how long it usually takes.
    bench.engine.signals.forget();
    for (let count = 0; count < 12; count += 1) await ask('hedged');
    // On a busy machine a call may have been given up before its copy was due, and the next goes elsewhere first.
    const isHedged = (): boolean => bench.requests.some(({ hedged }) => hedged === true);
    for (let tries = 0; tries < 5 && !isHedged(); tries += 1) {
      main.failNext({ kind: 'stalled' });
      await ask('hedged', { headers: { 'x-llm-surface': 'told' } });
      await main.heal();
    }
    expect(isHedged()).toBe(true);

    main.failNext({ kind: 'stalled', after: 'first_token' });
    const begun = whenBegun(bench.engine, 1);
    const leave = new AbortController();
    const ended = bench.requests.length;
    const left = post(chatPath, { ...PLAIN, model: 'at_main', stream: true }, theTenant, leave.signal);
    await begun;
    leave.abort();
    await left.catch(() => undefined);
    await bench.whenEnded(ended + 1);
    expect(bench.requests.at(-1)?.outcome).toBe('client_left');
  });

  it('in refusals', async () => {
    const statuses = await Promise.all([
      ask('too_small'),
      ask('unknownQ7x9z'),
      ask('auto', { request: { ...PLAIN, temperature: 'TemperatureQ7x9z' } }),
      ask('auto', { request: { ...PLAIN, tools: [{ type: 'ToolkindQ7x9z' }] } }),
      ask('auto', { request: { ...PLAIN, response_format: 'FormatQ7x9z' } }),
      post(chatPath, '{"messages":[{"role":"user","content":"BrokenQ7x9z'),
      ask('at_gem', { request: FULL }),
      ask('auto', { headers: { 'x-llm-surface': 'SurfaceQ7x9z' } }),
      ask('auto', { headers: { authorization: 'Bearer WrongkeyQ7x9z' } }),
      ask('auto', { headers: { ...theTenant, 'x-llm-surface': 'poor' } }),
      post('/router/explain', PLAIN, theTenant),
      post('/v1/embeddings', { model: 'unknownQ7x9z', input: 'VectorQ7x9z' }),
      post('/v1/embeddings', { model: 'vectors', input: { textQ7x9z: 'VectorQ7x9z' } }),
    ]).then((answers) => answers.map(({ status }) => status));
    expect(statuses).toEqual([400, 404, 400, 400, 400, 400, 400, 400, 401, 403, 403, 404, 400]);
    // With the first the budget is spent.
    await ask('at_main', { headers: { 'x-llm-surface': 'poor' } });
    expect((await ask('at_main', { headers: { 'x-llm-surface': 'poor' } })).status).toBe(402);
    for (const path of [
      'kpis?by=ByQ7x9z',
      'kpis?window=WindowQ7x9z',
      'alerts?state=StateQ7x9z',
      'decisions/DecQ7x9z',
    ]) {
      const answer = await bench.fetch(`/router/${path}`, { headers: admin });
      expect([path, answer.status >= 400]).toEqual([path, true]);
      expectClean(path, await answer.text());
    }
  });

  it('in alerts', async () => {
    receiver.statuses.push(500);
    for (let count = 0; count < 25; count += 1) await ask('echo_500', { headers: theTenant });
    await receiver.whenDelivered(2);
    expect(receiver.deliveries[0]?.url).toBe(WEBHOOK_PATH);
    for (const { headers, body } of receiver.deliveries)
      expectClean('webhook', everythingOf([headers, body]));
    const { heard } = bench.app.get(Pager);
    expect(heard.length).toBeGreaterThan(0);
    expectClean('handlers of alerts', heard.join('\n'));
  });

  it('in what runs, and what is shed meanwhile', async () => {
    await router.reconfigure(optionsWith({ limits: { requestsInFlight: 1 } }));
    main.failNext({ kind: 'stalled', after: 'first_token' });
    const begun = whenBegun(bench.engine, 1);
    const leave = new AbortController();
    const running = post(chatPath, { ...PLAIN, model: 'at_main', stream: true }, theTenant, leave.signal);
    await begun;
    expect((await ask('at_side', { headers: theTenant })).status).toBe(503);
    expect(await thrownBy(() => router.chat({ ...PLAIN, model: 'at_side' }))).toBe(true);
    await expectCleanRoutes();
    leave.abort();
    await running.catch(() => undefined);
    expect(bench.requests.filter(({ outcome }) => outcome === 'shed')).toHaveLength(2);
  });

  it('in what is only observed', async () => {
    await router.reconfigure(optionsWith({ mode: 'observe' }));
    for (const stream of [false, true]) {
      expect((await ask('auto', { headers: theTenant, stream })).status).toBe(200);
    }
    expect(bench.requests.at(-1)?.observed).toBeDefined();
  });

  it('are on no route', async () => {
    await expectCleanRoutes();
    const metrics = await (await bench.fetch('/metrics', { headers: admin })).text();
    expect(metrics.includes(' # {')).toBe(platform === 'express');
    expect(metrics).toContain(`tenant="${TENANT}"`);
    const alerts = await (await bench.fetch('/router/alerts', { headers: admin })).text();
    for (const kind of ['error_rate', 'budget', 'unknown_model']) expect(alerts).toContain(`"${kind}"`);
    expect([...kindsSeen].toSorted()).toEqual(KINDS);
  });

  it('are in no line of the log, in text, as JSON, or as its fields, to the end', async () => {
    await bench.close();
    isOpen = false;
    expect(raw.lines.length).toBeGreaterThan(100);
    expect(printed.length).toBeGreaterThan(200);
    expectClean('log', raw.lines.join('\n'));
    expectClean('printed', printed.join('\n'));
    expectClean('warnings of the process', warnings.join('\n'));
  });

  it('are in no record, and in no line of the request log, but whose it was', async () => {
    expect(events.length).toBeGreaterThan(500);
    expectClean('records', events.join('\n'), [TENANT, GUEST]);
    const files = await readdir(directory);
    const text = (await Promise.all(files.map((file) => readFile(join(directory, file), 'utf8')))).join('');
    expect(text.split('\n').filter((line) => line.includes('"explanation":')).length).toBeGreaterThan(20);
    expectClean('request log', text, [TENANT, GUEST]);
  });

  it('are in no span but those of the surface that records prompts, which hold no key either', async () => {
    const spans = tracing.spans();
    const told = new Set(
      spans
        .filter(({ attributes }) => attributes['llm_router.surface'] === 'told')
        .map((span) => span.spanContext().traceId),
    );
    const textOf = (ofTold: boolean): string =>
      spans
        .filter((span) => told.has(span.spanContext().traceId) === ofTold)
        .map(({ name, attributes, events: spanEvents, status, links, resource }) =>
          everythingOf({ name, attributes, spanEvents, status, links, resource: resource.attributes }),
        )
        .join('\n');
    expect(spans.length).toBeGreaterThan(200);
    expectClean('spans', textOf(false), [TENANT, GUEST]);
    const recorded = textOf(true);
    for (const word of ['SystemQ7x9z', 'LastuserQ7x9z', REPLY]) expect(recorded).toContain(word);
    const asks = /MainkeyQ|SidekeyQ|GemkeyQ|EchokeyQ|AdminkeyQ|TenantkeyQ|HookQ|FaultwordsQ/g;
    expect(recorded.match(asks)).toBeNull();
    const measured = await tracing.allMeasured();
    expect(measured).toContain('gen_ai.client.operation.duration');
    expectClean('metrics of OpenTelemetry', measured);
  });

  it('were looked for where there was something to find', () => {
    expect(marksIn('a systemq7X9Z b')).toEqual(['systemq7X9Z']);
    expect(() => {
      expectClean('a leak', `of ${TENANT}`);
    }).toThrow();
  });
});
