import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LlmRouterHttpModule, LlmRouterModule, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createHostApp, type HostApp } from './support/host-app.js';
import { expectRawError } from './support/openai-error.js';
import { sendRaw } from './support/raw-http.js';
import { PLATFORMS } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const QUESTION = { messages: [{ role: 'user', content: 'What is the capital of France?' }] };
const ADMIN_ROUTES = ['/router/kpis', '/metrics'] as const;
const OPEN_ROUTES = ['/health', '/health/live', '/health/ready'] as const;
const NOT_ALLOWED = { status: 403, code: 'surface_not_allowed', type: 'permission_error' } as const;
const NO_KEY = { status: 401, code: 'invalid_api_key', type: 'authentication_error' } as const;

function bearer(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

/** The surfaces have different models, so that the answer shows which one held. */
const SURFACES: LlmRouterOptions = {
  models: {
    plain: { provider: 'upstream', quality: 0.5 },
    fine: { provider: 'upstream', quality: 0.9 },
  },
  routingRules: { simple_queries: { primary: 'plain', fallback: 'fine' } },
  surfaces: {
    support: { qualityFloor: 0.4 },
    legal: { qualityFloor: 0.8 },
    reports: { workload: 'background' },
  },
};

let upstream: ScriptedUpstream;

beforeAll(async () => {
  upstream = await createScriptedUpstream({ api: 'openai' });
});

afterAll(async () => {
  await upstream.close();
});

function openRouter(
  platform: (typeof PLATFORMS)[number],
  http: NonNullable<LlmRouterOptions['http']> = {},
): Promise<HostApp> {
  return createHostApp({
    platform,
    imports: [
      LlmRouterModule.forRoot({
        ...SURFACES,
        providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
        http,
      }),
      LlmRouterHttpModule.register(),
    ],
  });
}

describe.each(PLATFORMS)('with keys on %s', (platform) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await openRouter(platform, {
      apiKeys: [
        { key: 'key-any' },
        { key: 'key-legal', surfaces: ['legal'], tenant: 'acme' },
        { key: 'key-two', surfaces: ['legal', 'support'] },
        { key: 'key-admin', admin: true },
      ],
    });
  });

  afterAll(() => host.close());

  it.each([
    ['none', {}],
    ['a wrong one', bearer('key-wrong')],
    ['a prefix of a right one', bearer('key-an')],
    ['one with something after it', bearer('key-any,key-admin')],
    ['an empty one', bearer('')],
    ['one by another scheme', { authorization: 'Basic a2V5LWFueQ==' }],
    ['one without a scheme', { authorization: 'key-any' }],
    ['one in another header', { 'x-api-key': 'key-any' }],
  ])('no call is taken with %s', async (_name, headers: Record<string, string>) => {
    const before = upstream.requestCount;
    for (const path of [CHAT, '/router/explain']) {
      const answer = await host.postJson(path, QUESTION, headers);
      expectRawError(answer, NO_KEY);
      expect(answer.headers['www-authenticate']).toBe('Bearer');
    }
    for (const path of ['/v1/models', '/v1/models/plain', ...ADMIN_ROUTES]) {
      expectRawError(await host.send({ path, headers }), NO_KEY);
    }
    expect(upstream.requestCount).toBe(before);
  });

  it('nothing of a body is looked at before the key', async () => {
    expectRawError(await host.postJson(CHAT, '{"messages": [', {}), NO_KEY);
  });

  it('a right key is answered, whatever the case of its scheme', async () => {
    expect(await host.postJson(CHAT, QUESTION, bearer('key-any'))).toMatchObject({ status: 200 });
    expect(await host.postJson(CHAT, QUESTION, { authorization: 'bearer key-any' })).toMatchObject({
      status: 200,
    });
    expect(await host.send({ path: '/v1/models', headers: bearer('key-any') })).toMatchObject({
      status: 200,
    });
  });

  it('a right key is answered from any host name and through a proxy', async () => {
    const headers = { ...bearer('key-any'), host: 'llm.example.com', 'x-forwarded-for': '203.0.113.7' };
    expect(await host.postJson(CHAT, QUESTION, headers)).toMatchObject({ status: 200 });
  });

  it('the key goes to no provider', async () => {
    await host.postJson(CHAT, QUESTION, bearer('key-any'));
    expect(JSON.stringify(upstream.requests.at(-1))).not.toContain('key-any');
    expect(upstream.requests.at(-1)?.headers.authorization).toBe('Bearer test-key');
  });

  it('a key for one surface is held to that surface without naming it', async () => {
    const answer = await host.postJson(CHAT, QUESTION, bearer('key-legal'));
    expect(answer).toMatchObject({ status: 200, headers: { 'x-llm-model': 'fine' } });
    const unbound = await host.postJson(CHAT, QUESTION, bearer('key-any'));
    expect(unbound).toMatchObject({ status: 200, headers: { 'x-llm-model': 'plain' } });
  });

  it('a key for one surface gets no other', async () => {
    const before = upstream.requestCount;
    for (const surface of ['support', 'nonsense', '__proto__']) {
      const answer = await host.postJson(CHAT, QUESTION, {
        ...bearer('key-legal'),
        'x-llm-surface': surface,
      });
      expectRawError(answer, { ...NOT_ALLOWED, param: 'x-llm-surface' });
    }
    expect(upstream.requestCount).toBe(before);
  });

  it('a key for two surfaces must name one of them', async () => {
    const ask = (headers: object): Promise<unknown> =>
      host.postJson(CHAT, QUESTION, { ...bearer('key-two'), ...headers });
    expectRawError(await host.postJson(CHAT, QUESTION, bearer('key-two')), {
      ...NOT_ALLOWED,
      param: 'x-llm-surface',
      message: /legal, support/,
    });
    expect(await ask({ 'x-llm-surface': 'legal' })).toMatchObject({
      status: 200,
      headers: { 'x-llm-model': 'fine' },
    });
    expect(await ask({ 'x-llm-surface': 'support' })).toMatchObject({
      status: 200,
      headers: { 'x-llm-model': 'plain' },
    });
  });

  it('only a key with admin opens explain, KPIs and metrics', async () => {
    for (const key of ['key-any', 'key-legal']) {
      expectRawError(await host.postJson('/router/explain', QUESTION, bearer(key)), NOT_ALLOWED);
      for (const path of ADMIN_ROUTES) {
        expectRawError(await host.send({ path, headers: bearer(key) }), NOT_ALLOWED);
      }
    }
    const headers = bearer('key-admin');
    expect(await host.postJson('/router/explain', QUESTION, headers)).toMatchObject({ status: 200 });
    for (const path of ADMIN_ROUTES)
      expect(await host.send({ path, headers })).toMatchObject({ status: 200 });
  });

  it('a header makes work patient, but not the work of a background surface urgent', async () => {
    const explain = async (headers: Record<string, string>): Promise<unknown> =>
      (await host.postJson('/router/explain', QUESTION, { ...bearer('key-admin'), ...headers })).json();
    expect(await explain({})).toMatchObject({ workload: 'interactive' });
    expect(await explain({ 'x-llm-workload': 'background' })).toMatchObject({ workload: 'background' });
    expect(await explain({ 'x-llm-surface': 'reports', 'x-llm-workload': 'interactive' })).toMatchObject({
      surface: 'reports',
      workload: 'background',
    });
  });

  it.each(OPEN_ROUTES)('%s is open, to any host name', async (path) => {
    expect(await host.send({ path, headers: { host: 'pod.internal' } })).toMatchObject({ status: 200 });
  });

  it('no key is in any answer', async () => {
    const headers = bearer('key-admin');
    for (const path of ['/v1/models', '/health', ...ADMIN_ROUTES]) {
      expect((await host.send({ path, headers })).text).not.toMatch(/key-(any|legal|two|admin)|test-key/);
    }
  });
});

describe.each(PLATFORMS)('publicMetrics on %s', (platform) => {
  it.each([[{ apiKeys: [{ key: 'key-any' }] }], [{}]])(
    'opens metrics to all with %j, and nothing else',
    async (http) => {
      const host = await openRouter(platform, { ...http, publicMetrics: true });
      try {
        const headers = { host: 'prometheus.internal' };
        expect(await host.send({ path: '/metrics', headers })).toMatchObject({ status: 200 });
        expect([401, 403]).toContain((await host.send({ path: '/router/kpis', headers })).status);
        expect([401, 403]).toContain((await host.send({ path: '/v1/models', headers })).status);
      } finally {
        await host.close();
      }
    },
  );
});

describe.each(PLATFORMS)('without keys on %s', (platform) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await openRouter(platform);
  });

  afterAll(() => host.close());

  const GET_ROUTES = ['/v1/models', '/v1/models/plain', ...ADMIN_ROUTES];

  it.each([
    ['a foreign name', { host: 'evil.example' }],
    ['a foreign name with our port', { host: 'evil.example:3000' }],
    ['a name that begins like ours', { host: '127.0.0.1.evil.example' }],
    ['another name that begins like ours', { host: 'localhost.evil.example' }],
    ['a foreign address', { host: '10.0.0.1' }],
    ['a user part', { host: '127.0.0.1@evil.example' }],
    ['a proxied caller', { 'x-forwarded-for': '203.0.113.7' }],
    ['a caller proxied twice', { 'x-forwarded-for': '127.0.0.1, 203.0.113.7' }],
    ['a proxied caller that says it is local', { 'x-forwarded-for': '203.0.113.7, 127.0.0.1' }],
    ['a proxied caller without an address', { 'x-forwarded-for': 'unknown' }],
    ['a caller named by x-real-ip', { 'x-real-ip': '203.0.113.7' }],
    ['a caller named by forwarded', { forwarded: 'for=203.0.113.7' }],
  ])('nobody is served under %s', async (_name, headers: Record<string, string>) => {
    const before = upstream.requestCount;
    for (const path of [CHAT, '/router/explain']) {
      expectRawError(await host.postJson(path, QUESTION, headers), NOT_ALLOWED);
    }
    for (const path of GET_ROUTES) expectRawError(await host.send({ path, headers }), NOT_ALLOWED);
    expect(upstream.requestCount).toBe(before);
  });

  it.each([
    'localhost',
    'LOCALHOST:3000',
    '127.0.0.1',
    '127.0.0.1:3000',
    '127.8.9.10',
    '[::1]',
    '[::1]:3000',
  ])('this machine is served under the name %s, with any bearer or none', async (name) => {
    expect(await host.postJson(CHAT, QUESTION, { host: name })).toMatchObject({ status: 200 });
    const headers = { host: name, ...bearer('whatever') };
    for (const path of GET_ROUTES) expect(await host.send({ path, headers })).toMatchObject({ status: 200 });
  });

  it('a local proxy is served', async () => {
    const headers = { 'x-forwarded-for': '127.0.0.1, ::1' };
    expect(await host.postJson(CHAT, QUESTION, headers)).toMatchObject({ status: 200 });
  });

  it('no answer carries a CORS header', async () => {
    const headers = { origin: 'https://evil.example' };
    for (const answer of [
      await host.postJson(CHAT, QUESTION, headers),
      await host.send({ path: '/v1/models', headers }),
      await host.send({
        method: 'OPTIONS',
        path: CHAT,
        headers: { ...headers, 'access-control-request-method': 'POST' },
      }),
    ]) {
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  it.each(OPEN_ROUTES)('%s is open', async (path) => {
    expect(await host.send({ path, headers: { host: 'pod.internal' } })).toMatchObject({ status: 200 });
  });

  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal)?.address;

  it.skipIf(outside === undefined)(
    'a caller that comes in from the network is refused (needs an address that is not loopback)',
    async () => {
      const open = await createHostApp({
        platform,
        imports: [
          LlmRouterModule.forRoot({
            ...SURFACES,
            providers: { upstream: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'test-key' } },
          }),
          LlmRouterHttpModule.register(),
        ],
        address: '0.0.0.0',
      });
      try {
        const port = new URL(open.url).port;
        const answer = await sendRaw(`http://${outside}:${port}`, {
          path: '/v1/models',
          headers: { host: '127.0.0.1' },
        });
        expectRawError(answer, NOT_ALLOWED);
      } finally {
        await open.close();
      }
    },
  );
});
