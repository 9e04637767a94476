import { Body, Controller, Post, type RawBodyRequest, Req } from '@nestjs/common';
import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LlmRouterHttpModule, LlmRouterModule } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp } from './support/host-app.js';
import { expectErrorResponse, expectRawError } from './support/openai-error.js';
import { PLATFORMS, type Platform } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const MEGABYTE = 1024 * 1024;
const TOO_LARGE = { status: 413, code: 'request_too_large', type: 'invalid_request_error' } as const;

function question(bytes: number): string {
  return JSON.stringify({
    messages: [
      { role: 'user', content: 'What is the capital of France?' },
      { role: 'assistant', content: 'x'.repeat(bytes) },
      { role: 'user', content: 'And of Spain?' },
    ],
  });
}

/** What a host's own handler has got. */
interface Received {
  readonly body: Record<string, unknown> | null;
  readonly rawBytes: number | null;
}

@Controller()
class HostController {
  @Post(['v1/other', 'echo', 'v1/chat'])
  receive(
    @Body() body: Record<string, unknown> | undefined,
    @Req() request: RawBodyRequest<object>,
  ): Received {
    return { body: body ?? null, rawBytes: request.rawBody?.byteLength ?? null };
  }
}

interface Variant {
  readonly withRouter?: boolean;
  readonly path?: string;
  readonly nest?: NestApplicationOptions;
  readonly bodyBytes?: number;
  readonly adapter?: ExpressAdapter;
  readonly configure?: (app: INestApplication) => unknown;
}

let upstream: ScriptedUpstream;
const opened: HostApp[] = [];

beforeAll(async () => {
  upstream = await createScriptedUpstream({ api: 'openai' });
});

afterAll(async () => {
  await Promise.all(opened.map((host) => host.close()));
  await upstream.close();
});

async function open(platform: Platform, variant: Variant = {}): Promise<HostApp> {
  const { withRouter = true, path, bodyBytes, ...rest } = variant;
  const host = await createHostApp({
    platform,
    controllers: [HostController],
    imports: withRouter
      ? [
          LlmRouterModule.forRoot({
            providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
            models: { wide: { provider: 'upstream', contextWindow: 10_000_000 } },
            routingRules: { simple_queries: { primary: 'wide' } },
            ...(bodyBytes === undefined ? {} : { limits: { bodyBytes } }),
          }),
          LlmRouterHttpModule.register({ path }),
        ]
      : [],
    ...rest,
  });
  opened.push(host);
  return host;
}

async function expectAnswered(host: HostApp, path: string, bytes: number): Promise<void> {
  const before = upstream.requestCount;
  const answer = await host.postJson(path, question(bytes));
  expect({ status: answer.status, text: answer.text.slice(0, 300) }).toMatchObject({ status: 200 });
  expect(upstream.requestCount).toBe(before + 1);
  expect(JSON.stringify(upstream.requests.at(-1)?.body).length).toBeGreaterThan(bytes);
}

describe.each(PLATFORMS)('bodies of the router on %s', (platform) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await open(platform);
  });

  it('of 1 MB and of 9 MB are answered', async () => {
    await expectAnswered(host, CHAT, MEGABYTE);
    await expectAnswered(host, CHAT, 9 * MEGABYTE);
  });

  it('of 1 MB are explained', async () => {
    expect(await host.postJson('/router/explain', question(MEGABYTE))).toMatchObject({ status: 200 });
  });

  it('sent in chunks are answered', async () => {
    const body = Buffer.from(question(MEGABYTE));
    const pieces = [body.subarray(0, 10), body.subarray(10, 500_000), body.subarray(500_000)];
    const headers = { 'content-type': 'application/json' };
    expect(await host.send({ method: 'POST', path: CHAT, headers, body: pieces })).toMatchObject({
      status: 200,
    });
  });

  it('keep characters whole that are split between two pieces', async () => {
    const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content: 'Zażółć 🦊?' }] }));
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const pieces = [...body].map((byte) => Buffer.from([byte]));
    expect(await host.send({ method: 'POST', path: CHAT, headers, body: pieces })).toMatchObject({
      status: 200,
    });
    expect(upstream.requests.at(-1)?.lastUserText).toBe('Zażółć 🦊?');
  });

  it.each([CHAT, '/router/explain'])('of 50 MB are refused at %s, and the server lives on', async (path) => {
    const before = upstream.requestCount;
    const body = Buffer.alloc(50 * MEGABYTE, 0x20);
    const json = { 'content-type': 'application/json' };

    // As most clients send it: with its length.
    const known = { ...json, 'content-length': String(body.byteLength) };
    expectRawError(await host.send({ method: 'POST', path, headers: known, body }), TOO_LARGE);
    await expectErrorResponse(
      await fetch(`${host.url}${path}`, { method: 'POST', headers: json, body }),
      TOO_LARGE,
    );

    // In chunks: the length comes out on the way.
    const pieces = Array.from({ length: 50 }, (_, index) =>
      body.subarray(index * MEGABYTE, (index + 1) * MEGABYTE),
    );
    expectRawError(await host.send({ method: 'POST', path, headers: json, body: pieces }), TOO_LARGE);

    expect(upstream.requestCount).toBe(before);
    await expectAnswered(host, CHAT, 10);
  });

  it('that are too large and never end are refused all the same, and their connection closed', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      for (let piece = 0; piece < 11; piece += 1) yield Buffer.alloc(MEGABYTE, 0x20);
      await new Promise(() => undefined);
    }
    const answer = await host.send({
      method: 'POST',
      path: CHAT,
      headers: { 'content-type': 'application/json' },
      body: endless(),
    });
    expectRawError(answer, TOO_LARGE);
    expect(answer.headers.connection).toBe('close');
  });

  it('are refused at the configured limit, to the byte', async () => {
    const small = await open(platform, { bodyBytes: 2_048 });
    const fill = (bytes: number): string => {
      const empty = question(0).length;
      return question(bytes - empty);
    };
    expect(await small.postJson(CHAT, fill(2_048))).toMatchObject({ status: 200 });
    expectRawError(await small.postJson(CHAT, fill(2_049)), TOO_LARGE);
  });

  it('that announce less than comes are cut where they said', async () => {
    const text = question(0);
    const answer = await host.send({
      method: 'POST',
      path: CHAT,
      headers: { 'content-type': 'application/json', 'content-length': String(text.length - 1) },
      body: text.slice(0, -1),
    });
    expectRawError(answer, { status: 400, code: 'invalid_request' });
  });
});

const VARIANTS: readonly (readonly [string, Variant, { readonly chat: string; readonly prefix: string }])[] =
  [
    ['as it is', {}, { chat: CHAT, prefix: '' }],
    [
      'with a global prefix',
      { configure: (app) => app.setGlobalPrefix('api') },
      { chat: `/api${CHAT}`, prefix: '/api' },
    ],
    [
      'with a global prefix that leaves the router out',
      {
        configure: (app) =>
          app.setGlobalPrefix('api', { exclude: ['v1/chat/completions', 'router/explain'] }),
      },
      { chat: CHAT, prefix: '/api' },
    ],
    ['with a path of its own', { path: 'llm' }, { chat: `/llm${CHAT}`, prefix: '' }],
    [
      'with a path and a global prefix',
      { path: '/llm/', configure: (app) => app.setGlobalPrefix('/api/') },
      { chat: `/api/llm${CHAT}`, prefix: '/api' },
    ],
    ['with rawBody', { nest: { rawBody: true } }, { chat: CHAT, prefix: '' }],
  ];

describe.each(PLATFORMS)('the host’s body parsing on %s', (platform) => {
  const limit = platform === 'express' ? 100 * 1024 : MEGABYTE;
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  /** What a host's route does with every kind of body. */
  async function probe(host: HostApp, path: string): Promise<unknown> {
    const json = (text: string): Promise<{ status: number; text: string }> => host.postJson(path, text);
    const answers = [
      await json('{"a":1}'),
      await json('{"a":'),
      await json(''),
      await json(JSON.stringify({ a: 'x'.repeat(limit - 1_000) })),
      await json(JSON.stringify({ a: 'x'.repeat(limit) })),
      await host.postJson(path, 'a=1&b=two+words', form),
      await host.postJson(path, 'text', { 'content-type': 'text/plain' }),
    ];
    return answers.map(({ status, text }) => ({ status, text: text.slice(0, 200), bytes: text.length }));
  }

  it.each(VARIANTS)('is what it was without the router, %s', async (_name, variant, { chat, prefix }) => {
    const without = await open(platform, { ...variant, withRouter: false });
    const host = await open(platform, variant);
    for (const path of ['/v1/other', '/v1/chat']) {
      expect(await probe(host, `${prefix}${path}`)).toEqual(await probe(without, `${prefix}${path}`));
    }
    await expectAnswered(host, chat, MEGABYTE + 1_000);
    expectRawError(await host.postJson(chat, '{'), { status: 400, code: 'invalid_request' });
    expectRawError(await host.postJson(chat, 'a=1', form), { status: 400, code: 'invalid_request' });
  });

  it('keeps its limit, its form parser and its raw body', async () => {
    const host = await open(platform, { nest: { rawBody: true } });
    const sent = JSON.stringify({ a: 'x'.repeat(limit - 1_000) });
    const answer = await host.postJson('/v1/other', sent);
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({ rawBytes: sent.length });
    expect(await host.postJson('/v1/other', JSON.stringify({ a: 'x'.repeat(limit) }))).toMatchObject({
      status: 413,
    });
    expect((await host.postJson('/v1/other', 'a=1&b=two', form)).json()).toMatchObject({
      body: { a: '1', b: 'two' },
    });
  });

  it('stays off where the host switched it off, and the router still reads its own', async () => {
    const nest = { bodyParser: false };
    const without = await open(platform, { nest, withRouter: false });
    const host = await open(platform, { nest });
    expect(await probe(host, '/v1/other')).toEqual(await probe(without, '/v1/other'));
    await expectAnswered(host, CHAT, MEGABYTE + 1_000);
    expectRawError(await host.postJson(CHAT, question(11 * MEGABYTE)), TOO_LARGE);
  });
});

describe('the host’s body parsing on Express alone', () => {
  it('takes the limit of useBodyParser', async () => {
    const host = await open('express', {
      configure: (app) => (app as NestExpressApplication).useBodyParser('json', { limit: '300kb' }),
    });
    expect(await host.postJson('/v1/other', JSON.stringify({ a: 'x'.repeat(250_000) }))).toMatchObject({
      status: 201,
    });
    expect(await host.postJson('/v1/other', JSON.stringify({ a: 'x'.repeat(350_000) }))).toMatchObject({
      status: 413,
    });
    await expectAnswered(host, CHAT, MEGABYTE);
  });

  it.each(['/V1/Chat/Completions', `${CHAT}/`, `${CHAT}?api-version=1`])(
    'is not used for %s',
    async (path) => {
      const host = await open('express');
      await expectAnswered(host, path, MEGABYTE);
    },
  );

  /** A host that gives us an adapter with middleware of its own, which then runs before the router's reader. */
  async function openBehind(
    middleware: (request: IncomingMessage & { body?: unknown }, response: unknown, next: () => void) => void,
  ): Promise<HostApp> {
    const adapter = new ExpressAdapter();
    adapter.use(middleware);
    return open('express', { adapter });
  }

  it('may come before the router’s, which then takes what it parsed, but no form', async () => {
    const host = await openBehind((request, _response, next) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        request.body = text.startsWith('{')
          ? JSON.parse(text)
          : { messages: [{ role: 'user', content: text }] };
        next();
      });
    });
    await expectAnswered(host, CHAT, 1_000);
    const before = upstream.requestCount;
    expectRawError(
      await host.postJson(CHAT, 'forged=1', { 'content-type': 'application/x-www-form-urlencoded' }),
      {
        status: 400,
        code: 'invalid_request',
        param: 'content-type',
      },
    );
    expect(upstream.requestCount).toBe(before);
  });

  it('does not get the router’s body where middleware before took its time', async () => {
    const host = await openBehind((request, _response, next) => {
      // Until the whole body is in Node's buffer, unread.
      const wait = (): void => {
        if (request.complete) next();
        else setImmediate(wait);
      };
      wait();
    });
    await expectAnswered(host, CHAT, 10_000);
    expectRawError(await host.postJson(CHAT, '{'), { status: 400, code: 'invalid_request' });
  });
});
