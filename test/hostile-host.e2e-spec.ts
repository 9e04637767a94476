import { type DynamicModule, UseGuards } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LlmRouterHttpModule, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import type { HostApp } from './support/host-app.js';
import { createHostileHost, HOST_BODY_LIMIT, OperatorGuard, Public } from './support/hostile-host.js';
import { expectRawError } from './support/openai-error.js';
import { PLATFORMS, type Platform } from './support/router-app.js';

const MESSAGES = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const CHAT = '/v1/chat/completions';
const CLIENT_KEY = 'key-of-a-client';
const OPERATOR_KEY = 'key-of-an-operator';

interface Setup {
  readonly http?: NonNullable<LlmRouterOptions['http']>;
  readonly routes?: readonly DynamicModule[];
}

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await createScriptedUpstream({
    api: 'openai',
    reply: ({ model, lastUserText }) => ({ text: `${model}: ${lastUserText.length}` }),
  });
});

afterAll(() => upstream.close());

function openHost(platform: Platform, setup: Setup): Promise<HostApp> {
  return createHostileHost({ platform, upstream, ...setup });
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, origin: 'https://app.example' };
}

function tokenOf(host: HostApp): Promise<string> {
  return host.app.get(JwtService, { strict: false }).signAsync({ sub: 'somebody' });
}

const READ_ROUTES = [
  '/v1/models',
  '/v1/models/plain',
  '/health',
  '/health/live',
  '/health/ready',
  '/metrics',
  '/router/kpis',
  '/router/kpis?by=surface',
  '/router/kpis?by=handler',
  '/router/savings',
  '/router/quality',
  '/router/alerts',
  '/router/background',
  '/router/budgets',
];

describe.each(PLATFORMS)('a hostile host on %s', (platform) => {
  describe.each([
    {
      name: 'whose JWT guard holds for the router’s routes too, which have no keys',
      setup: (): Setup => ({}),
      tokens: async (host: HostApp) => {
        const jwt = await tokenOf(host);
        return { jwt, client: jwt, operator: jwt };
      },
    },
    {
      name: 'whose JWT guard is told that the router’s keys guard its routes',
      setup: (): Setup => ({
        http: { apiKeys: [{ key: CLIENT_KEY }, { key: OPERATOR_KEY, admin: true }] },
        routes: [LlmRouterHttpModule.register({ decorators: [Public()] })],
      }),
      tokens: async (host: HostApp) => ({
        jwt: await tokenOf(host),
        client: CLIENT_KEY,
        operator: OPERATOR_KEY,
      }),
    },
  ])('$name', ({ setup, tokens }) => {
    let host: HostApp;
    let jwt: Record<string, string>;
    let client: Record<string, string>;
    let operator: Record<string, string>;

    beforeAll(async () => {
      host = await openHost(platform, setup());
      const named = await tokens(host);
      [jwt, client, operator] = [bearer(named.jwt), bearer(named.client), bearer(named.operator)];
    });

    afterAll(() => host.close());

    /** What helmet and CORS set, on whosever answers. */
    function expectHostHeaders(headers: Readonly<Record<string, unknown>>): void {
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'strict-transport-security': expect.stringContaining('max-age') as string,
        'content-security-policy': expect.stringContaining('default-src') as string,
        'access-control-allow-origin': 'https://app.example',
        'access-control-allow-credentials': 'true',
      });
      expect(headers).not.toHaveProperty('x-powered-by');
    }

    it('has the router’s answers as they are', async () => {
      const answer = await host.postJson(`/api/llm${CHAT}`, { messages: MESSAGES, seed: 7 }, client);
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
      expect(answer.json()).toMatchObject({
        object: 'chat.completion',
        choices: [{ message: { role: 'assistant', content: 'plain: 30' } }],
      });
      expect(answer.text).not.toContain('wrapped');
      expect(answer.headers['x-llm-model']).toBe('plain');
      expectHostHeaders(answer.headers);
    });

    it('has the router’s streams as they are, and no compressor holds them back', async () => {
      const answer = await host.postJson(`/api/llm${CHAT}`, { messages: MESSAGES, stream: true }, client);
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
      });
      const events = answer.text.split('\n\n').filter((event) => event.startsWith('data: {'));
      const texts = events.map(
        (event) => (JSON.parse(event.slice(6)) as OpenAI.ChatCompletionChunk).choices[0]?.delta.content ?? '',
      );
      expect(texts.join('')).toBe('plain: 30');
      expect(answer.text).toMatch(/data: \[DONE\]\n\n$/);
      expectHostHeaders(answer.headers);
    });

    it('takes larger bodies on the router’s routes than on its own', async () => {
      const long = 'x'.repeat(HOST_BODY_LIMIT * 4);
      const messages = [{ role: 'user', content: long }];
      const answer = await host.postJson(`/api/llm${CHAT}`, { messages }, client);
      expect(answer).toMatchObject({ status: 200 });
      expect(answer.text).toContain(`plain: ${long.length}`);
      expect(await host.postJson('/api/llm/router/explain', { messages }, operator)).toMatchObject({
        status: 200,
      });
      const own = await host.postJson('/api/v1/notes', { question: long }, jwt);
      expect(own.status).toBe(413);
    });

    it.each(READ_ROUTES)('has GET %s as it is', async (path) => {
      const answer = await host.send({ path: `/api/llm${path}`, headers: operator });
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
      expect(answer.text).not.toContain('wrapped');
      expectHostHeaders(answer.headers);
      // Nowhere else: neither without the prefix nor without the path, nor under a version.
      for (const other of [path, `/llm${path}`, `/api/v1/llm${path}`]) {
        expect(await host.send({ path: other, headers: operator })).toMatchObject({ status: 404 });
      }
    });

    it('has explain as it is', async () => {
      const answer = await host.postJson(
        '/api/llm/router/explain',
        { messages: MESSAGES },
        { ...operator, 'x-llm-surface': 'legal' },
      );
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
      expect(answer.json()).toMatchObject({ surface: 'legal', plan: { attempts: [{ model: 'fine' }] } });
    });

    it('has feedback as it is', async () => {
      const { headers } = await host.postJson(`/api/llm${CHAT}`, { messages: MESSAGES }, client);
      const feedback = { decision_id: headers['x-llm-decision-id'], score: 0.5 };
      const answer = await host.postJson('/api/llm/router/feedback', feedback, client);
      expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
      expect(answer.json()).toEqual({ ...feedback, is_replacement: false });
    });

    it('has the router’s errors in OpenAI’s shape, whatever its filters make of its own', async () => {
      expectRawError(await host.postJson(`/api/llm${CHAT}`, { messages: [] }, client), {
        status: 400,
        code: 'invalid_request',
        param: 'messages',
      });
      expectRawError(await host.postJson(`/api/llm${CHAT}`, '{', client), {
        status: 400,
        code: 'invalid_request',
      });
      const unknown = await host.postJson(`/api/llm${CHAT}`, { model: 'gpt-97', messages: MESSAGES }, client);
      expectRawError(unknown, { status: 404, code: 'model_not_found' });
      expectHostHeaders(unknown.headers);
    });

    it('still has its own routes wrapped, serialised, validated, versioned, guarded, and its raw body', async () => {
      const path = '/api/v1/notes';
      const list = await host.send({ path, headers: jwt });
      expect(list.json()).toEqual({ wrapped: true, data: [{ text: 'first' }] });
      expectHostHeaders(list.headers);
      const sent = JSON.stringify({ question: 'x' }, null, 1);
      expect((await host.postJson(path, sent, jwt)).json()).toEqual({
        wrapped: true,
        data: { question: 'x', rawBody: sent },
      });
      expect(await host.postJson(path, { question: 'x', more: 1 }, jwt)).toMatchObject({ status: 400 });
      expect(await host.postJson(path, { question: 5 }, jwt)).toMatchObject({ status: 400 });
      expect((await host.postJson(path, '{', jwt)).json()).toEqual({ trouble: 400 });
      expect((await host.send({ path: `${path}/broken`, headers: jwt })).json()).toEqual({ trouble: 500 });
      expect((await host.send({ path })).json()).toEqual({ trouble: 401 });
      expect((await host.send({ path, headers: bearer(CLIENT_KEY) })).json()).toEqual({ trouble: 401 });
      expect(await host.send({ path: `${path}/open` })).toMatchObject({ status: 200 });
      expect(await host.send({ path: '/api/notes', headers: jwt })).toMatchObject({ status: 404 });
    });

    it('keeps its own classes, tokens and paths of names like ours', async () => {
      const answer = await host.send({ path: '/api/v1/v1/models', headers: jwt });
      expect(answer.json()).toEqual({ wrapped: true, data: [true, true, true] });
    });

    it('has its own controllers’ answers wrapped, with the headers of what was routed', async () => {
      const byRouter = await host.postJson('/api/v1/assistant/router', { question: 'Hi' }, jwt);
      expect(byRouter.json()).toEqual({ wrapped: true, data: { answer: 'plain: 2', surface: 'support' } });
      expect(byRouter.headers).toMatchObject({ 'x-llm-model': 'plain', 'x-llm-attempts': '1' });
      expectHostHeaders(byRouter.headers);

      const byClient = await host.postJson('/api/v1/assistant/client', { question: 'Hi' }, jwt);
      expect(byClient.json()).toEqual({ wrapped: true, data: { answer: 'fine: 2', surface: 'legal' } });
      expect(byClient.headers['x-llm-model']).toBe('fine');

      const stream = await host.postJson('/api/v1/assistant/stream', { question: 'Hi' }, jwt);
      expect(stream).toMatchObject({ status: 201, text: 'plain: 2' });

      const refused = await host.postJson('/api/v1/assistant/nobody', { question: 'Hi' }, jwt);
      expectRawError(refused, { status: 404, code: 'model_not_found' });
      // Refused by the host before a model is asked: no header of ours.
      const bad = await host.postJson('/api/v1/assistant/router', { question: 'Hi', surface: 'legal' }, jwt);
      expect(bad.json()).toEqual({ trouble: 400 });
      expect(bad.headers).not.toHaveProperty('x-llm-model');

      const kpis = await host.send({ path: '/api/llm/router/kpis?by=handler', headers: operator });
      expect(kpis.text).toContain('AssistantController.byRouter');
      expect(kpis.text).not.toContain('NotesController');
    });
  });

  it('guards the router’s routes by its JWT unless told otherwise', async () => {
    const host = await openHost(platform, {});
    const before = upstream.requestCount;
    const refused = [
      await host.postJson(`/api/llm${CHAT}`, { messages: MESSAGES }),
      await host.postJson(`/api/llm${CHAT}`, { messages: MESSAGES, stream: true }, bearer('forged')),
      await host.postJson('/api/llm/router/explain', { messages: MESSAGES }),
      ...(await Promise.all(READ_ROUTES.map((path) => host.send({ path: `/api/llm${path}` })))),
    ];
    for (const answer of refused) expect(answer).toMatchObject({ status: 401, text: '{"trouble":401}' });
    expect(upstream.requestCount).toBe(before);
    await host.close();
  });

  it('sees its JWT and the router’s keys collide where the guard is told nothing', async () => {
    const host = await openHost(platform, { http: { apiKeys: [{ key: CLIENT_KEY }] } });
    const body = { messages: MESSAGES };
    // One Authorization header cannot be both: the host refuses the key, the router the JWT.
    expect((await host.postJson(`/api/llm${CHAT}`, body, bearer(CLIENT_KEY))).json()).toEqual({
      trouble: 401,
    });
    expectRawError(await host.postJson(`/api/llm${CHAT}`, body, bearer(await tokenOf(host))), {
      status: 401,
      code: 'invalid_api_key',
    });
    await host.close();
  });

  it('can guard the operators’ routes otherwise than the clients’', async () => {
    const host = await openHost(platform, {
      http: { apiKeys: [{ key: CLIENT_KEY, admin: true }] },
      routes: [
        LlmRouterHttpModule.register({ admin: false, metrics: false, decorators: [Public()] }),
        LlmRouterHttpModule.register({
          openAiApi: false,
          health: false,
          decorators: [Public(), UseGuards(OperatorGuard)],
        }),
      ],
    });
    const key = bearer(CLIENT_KEY);
    const operator = { ...key, 'x-operator': 'yes' };
    expect(await host.postJson(`/api/llm${CHAT}`, { messages: MESSAGES }, key)).toMatchObject({
      status: 200,
    });
    expect(await host.send({ path: '/api/llm/health' })).toMatchObject({ status: 200 });
    for (const path of ['/api/llm/router/kpis', '/api/llm/metrics']) {
      expect(await host.send({ path, headers: key })).toMatchObject({ status: 403 });
      expect(await host.send({ path, headers: operator })).toMatchObject({ status: 200 });
    }
    const explain = '/api/llm/router/explain';
    expect(await host.postJson(explain, { messages: MESSAGES }, key)).toMatchObject({ status: 403 });
    expect(await host.postJson(explain, { messages: MESSAGES }, operator)).toMatchObject({ status: 200 });
    expectRawError(await host.postJson(`/api/llm${CHAT}`, { messages: MESSAGES }), {
      status: 401,
      code: 'invalid_api_key',
    });
    await host.close();
  });
});
