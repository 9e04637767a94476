import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request as forward,
  type RequestListener,
  type Server,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LlmDeploymentHealthIndicator, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
// Internal on purpose: the bus shows every call, and the probe is begun anew without waiting for its pause.
import { ProviderProbe } from '../lib/health/index.js';
import { RouterEngine } from '../lib/router/index.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const ASK = { model: 'auto', messages: [{ role: 'user', content: 'What is the capital of France?' }] };
const APIS = ['openai', 'anthropic', 'gemini'] as const;

interface Detail {
  readonly status: string;
  readonly trouble?: string[];
  readonly probe?: { status: string; checkedAt: string; latencyMs: number; errorKind: string | null };
}

/** A provider by hand: what reaches it, and what it says. */
interface HandMade {
  readonly url: string;
  readonly requests: IncomingMessage[];
  whenRequests(count: number): Promise<void>;
  close(): Promise<void>;
}

async function handMade(answer: RequestListener): Promise<HandMade> {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request);
    server.emit('asked');
    answer(request, response);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    whenRequests: async (count) => {
      while (requests.length < count) await once(server, 'asked');
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('the active probe', () => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    vi.useRealTimers();
    for (const part of opened.splice(0).reverse()) await part.close();
  });

  async function upstreamFor(api: (typeof APIS)[number], requireKey?: string): Promise<ScriptedUpstream> {
    const upstream = await createScriptedUpstream({ api, requireKey });
    opened.push(upstream);
    return upstream;
  }

  async function handMadeProvider(answer: RequestListener): Promise<HandMade> {
    const provider = await handMade(answer);
    opened.push(provider);
    return provider;
  }

  async function open(
    providers: LlmRouterOptions['providers'],
    probe: object = { enabled: true },
    more: LlmRouterOptions = {},
  ): Promise<RouterApp> {
    const names = Object.keys(providers ?? {});
    const router = await createRouterApp({
      platform: 'express',
      options: {
        providers,
        models: Object.fromEntries(names.map((provider) => [`model-${provider}`, { provider }])),
        routingRules: { simple_queries: { primary: names.map((name) => `model-${name}`) } },
        surfaces: { support: {} },
        health: { probe },
        ...more,
      },
    });
    opened.push(router);
    return router;
  }

  async function detailsOf(router: RouterApp): Promise<Record<string, Detail>> {
    const response = await router.fetch('/health');
    expect(response.status).toBe(200);
    return ((await response.json()) as { details: Record<string, Detail> }).details;
  }

  /** Its detail, once it has been probed. */
  async function probed(router: RouterApp, provider: string): Promise<Detail> {
    await expect.poll(async () => (await detailsOf(router))[provider]?.probe).toBeDefined();
    return (await detailsOf(router))[provider]!;
  }

  it('asks each kind of provider for its list of models, with the key, and calls no model', async () => {
    const upstreams = await Promise.all(APIS.map((api) => upstreamFor(api, `key-${api}`)));
    const startedAt = Date.now();
    const router = await open(
      Object.fromEntries(
        APIS.map((api, index) => [api, { api, baseUrl: upstreams[index]!.baseUrl, apiKey: `key-${api}` }]),
      ),
    );
    for (const api of APIS) {
      const { status, probe } = await probed(router, api);
      expect(status, api).toBe('up');
      expect(probe).toEqual({
        status: 'ok',
        checkedAt: expect.any(String) as string,
        latencyMs: expect.any(Number) as number,
        errorKind: null,
      });
      expect(Date.parse(probe!.checkedAt)).toBeGreaterThanOrEqual(startedAt);
    }
    expect(upstreams.map(({ requestCount }) => requestCount)).toEqual([0, 0, 0]);
    const kpis = (await (await router.fetch('/router/kpis')).json()) as { providers: object };
    expect(kpis.providers).toEqual({});
  });

  it('is a GET below the base URL of whoever speaks the wire, without a body', async () => {
    const providers = await Promise.all(
      ['openai-compatible', 'azure-openai', 'anthropic', 'gemini'].map(async (api) => {
        const provider = await handMadeProvider((request, response) => {
          response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}');
        });
        return [api, provider] as const;
      }),
    );
    await open(
      Object.fromEntries(
        providers.map(([api, { url }]) => [
          api,
          { api, baseUrl: api === 'openai-compatible' ? `${url}/v1` : url, apiKey: 'the-key' },
        ]),
      ) as LlmRouterOptions['providers'],
    );
    for (const [api, provider] of providers) {
      await provider.whenRequests(1);
      const { method, url, headers } = provider.requests[0]!;
      expect(method, api).toBe('GET');
      expect(url, api).toMatch(
        {
          'openai-compatible': /^\/v1\/models$/,
          'azure-openai': /^\/openai\/v1\/models$/,
          anthropic: /^\/v1\/models\?limit=1$/,
          gemini: /^\/v1beta\/models\?pageSize=1$/,
        }[api]!,
      );
      expect(headers['content-type'], api).toBeUndefined();
      expect(headers['content-length'] ?? '0', api).toBe('0');
      expect(JSON.stringify(headers), api).toContain('the-key');
    }
  });

  it('is off by default', async () => {
    const provider = await handMadeProvider((_request, response) => response.writeHead(500).end());
    const router = await open({ local: { api: 'openai', baseUrl: `${provider.url}/v1` } }, {});
    expect((await detailsOf(router)).local).not.toHaveProperty('probe');
    expect(provider.requests).toEqual([]);
  });

  it.each<[string, RequestListener, string]>([
    ['a key that is refused', (_request, response) => response.writeHead(401).end('{}'), 'authentication'],
    ['a server error', (_request, response) => response.writeHead(500).end(), 'server_error'],
    ['a connection cut', (request) => request.socket.destroy(), 'connection'],
    [
      'a page in place of a list',
      (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Log in</h1>'),
      'bad_response',
    ],
    ['silence', () => undefined, 'timeout'],
    ['a body that never ends', (_request, response) => response.writeHead(200).write('{'), 'timeout'],
  ])('makes an idle provider degraded over %s, and fails nobody', async (_what, answer, errorKind) => {
    const provider = await handMadeProvider(answer);
    const router = await open(
      { local: { api: 'openai', baseUrl: `${provider.url}/v1`, apiKey: 'k' } },
      { enabled: true, timeoutMs: 200 },
      { health: { failOnSurfaces: ['support'], probe: { enabled: true, timeoutMs: 200 } } },
    );
    expect(await probed(router, 'local')).toMatchObject({
      status: 'degraded',
      trouble: [`probe: ${errorKind}`],
      probe: { status: 'failed', errorKind },
    });
    // A list of models is not a model: only live traffic takes an instance out.
    expect((await router.fetch('/health/ready')).status).toBe(200);
  });

  it('follows no redirect: the key would go along', async () => {
    const thief = await handMadeProvider((_request, response) => response.writeHead(200).end('{}'));
    const provider = await handMadeProvider((_request, response) =>
      response.writeHead(302, { location: `${thief.url}/v1/models` }).end(),
    );
    const router = await open({ local: { api: 'anthropic', baseUrl: provider.url, apiKey: 'k' } });
    expect((await probed(router, 'local')).probe).toMatchObject({ status: 'failed' });
    expect(thief.requests).toEqual([]);
  });

  it('takes a provider without such a list as it is', async () => {
    const provider = await handMadeProvider((_request, response) => response.writeHead(404).end());
    const router = await open({ local: { api: 'openai-compatible', baseUrl: `${provider.url}/v1` } });
    expect(await probed(router, 'local')).toMatchObject({
      status: 'up',
      probe: { status: 'unsupported', errorKind: null },
    });
  });

  it('is overruled by a call that has succeeded since', async () => {
    const upstream = await upstreamFor('openai');
    upstream.failAlways({ kind: 'status', status: 503 });
    const router = await open({ local: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } });
    expect(await probed(router, 'local')).toMatchObject({ status: 'degraded' });
    await upstream.heal();
    expect((await router.postJson('/v1/chat/completions', ASK)).status).toBe(200);
    expect((await detailsOf(router)).local).toMatchObject({ status: 'up', probe: { status: 'failed' } });
  });

  it('does not overrule live failures', async () => {
    const upstream = await upstreamFor('openai');
    const router = await open(
      { local: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'k' } },
      { enabled: true },
      { execution: { maxAttempts: 1 } },
    );
    await probed(router, 'local');
    upstream.failNext({ kind: 'status', status: 500 }, 3);
    for (let count = 0; count < 3; count += 1) await router.postJson('/v1/chat/completions', ASK);
    expect((await detailsOf(router)).local).toMatchObject({ status: 'degraded', probe: { status: 'ok' } });
  });

  it('goes on, one at a time, and sees a provider come back', async () => {
    let isWell = false;
    let open_ = 0;
    let most = 0;
    const provider = await handMadeProvider((_request, response) => {
      open_ += 1;
      most = Math.max(most, open_);
      setTimeout(() => {
        open_ -= 1;
        response.writeHead(isWell ? 200 : 500).end('{}');
      }, 20);
    });
    const router = await open(
      { local: { api: 'openai', baseUrl: `${provider.url}/v1` } },
      { enabled: true, intervalMs: 2 },
    );
    expect(await probed(router, 'local')).toMatchObject({ status: 'degraded' });
    isWell = true;
    await expect.poll(async () => (await detailsOf(router)).local?.status).toBe('up');
    await provider.whenRequests(provider.requests.length + 3);
    expect(most).toBe(1);
  });

  it('asks nobody while there is traffic, nor for a while after it', async () => {
    const wall = vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const upstream = await upstreamFor('openai');
    let lists = 0;
    const front = await handMadeProvider((request, response) => {
      if (request.method === 'GET') {
        lists += 1;
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"data":[]}');
        return;
      }
      const passed = forward({
        port: upstream.port,
        path: request.url,
        method: 'POST',
        headers: request.headers,
      });
      passed.once('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(passed);
    });
    const router = await open(
      { local: { api: 'openai', baseUrl: `${front.url}/v1`, apiKey: 'k' } },
      { enabled: true, intervalMs: 1, idleMs: 60_000 },
    );
    await front.whenRequests(3);
    expect((await router.postJson('/v1/chat/completions', ASK)).status).toBe(200);
    // One may have been on its way.
    await expect.poll(async () => (await detailsOf(router)).local?.probe?.status).toBe('ok');
    const before = lists;
    for (let count = 0; count < 20; count += 1) await detailsOf(router);
    expect(lists - before).toBeLessThanOrEqual(1);
    const settled = lists;
    wall.setSystemTime(Date.now() + 59_000);
    for (let count = 0; count < 20; count += 1) await detailsOf(router);
    expect(lists).toBe(settled);
    wall.setSystemTime(Date.now() + 2_000);
    await expect.poll(() => lists).toBeGreaterThan(settled + 2);
  });

  describe('by a call for one token', () => {
    const PRICE = { inputPer1M: 1, outputPer1M: 10 };

    async function openCalling(
      maxCostUsd: number,
      probe: object = {},
      price: object | null = PRICE,
    ): Promise<{ upstream: ScriptedUpstream; router: RouterApp; engine: RouterEngine }> {
      const upstream = await upstreamFor('openai', 'the-key');
      const router = await open(
        { local: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'the-key' } },
        {},
        {
          models: { 'model-local': { provider: 'local', ...(price === null ? {} : { price }) } },
          health: { probe: { enabled: true, intervalMs: 1, call: { maxCostUsd }, ...probe } },
        },
      );
      return { upstream, router, engine: router.app.get(RouterEngine, { strict: false }) };
    }

    it.each(PLATFORMS)(
      'shows that the model answers, at a cost that is recorded, on %s',
      async (platform) => {
        const upstream = await upstreamFor('openai', 'the-key');
        const router = await createRouterApp({
          platform,
          options: {
            providers: { local: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'the-key' } },
            models: { 'model-local': { provider: 'local', price: PRICE } },
            routingRules: { simple_queries: { primary: 'model-local' } },
            health: { probe: { enabled: true, call: { maxCostUsd: 0.01 } } },
          },
        });
        opened.push(router);
        expect(await probed(router, 'local')).toMatchObject({ status: 'up', probe: { status: 'ok' } });
        expect(upstream.requestCount).toBe(1);
        const [{ maxOutputTokens, model } = {}] = upstream.requests;
        expect([maxOutputTokens, model]).toEqual([1, 'model-local']);
        const deployments = router.app.get(LlmDeploymentHealthIndicator);
        expect(deployments.isHealthy('local/model-local')).toMatchObject({
          'deployment.local/model-local': {
            status: 'up',
            recentCalls: 1,
            probe: { status: 'ok', errorKind: null },
          },
        });
        const kpis = (await (await router.fetch('/router/kpis')).json()) as {
          surfaces: Record<string, { requests: number; costUsd: number }>;
        };
        expect(kpis.surfaces.health_probe).toMatchObject({ requests: 1 });
        expect(kpis.surfaces.health_probe?.costUsd).toBeGreaterThan(0);
        const savings = (await (await router.fetch('/router/savings')).json()) as {
          calls: number;
          answered: number;
          spentUsd: number;
        };
        expect(savings).toMatchObject({ calls: 1, answered: 0 });
        expect(savings.spentUsd).toBeCloseTo(kpis.surfaces.health_probe!.costUsd, 12);
      },
    );

    it('goes on while nobody else calls, until the day’s dollars are spent; then it asks for the list', async () => {
      const { upstream, engine } = await openCalling(0.001);
      let spentUsd = 0;
      let calls = 0;
      const isSpent = new Promise<void>((resolve) => {
        let last: NodeJS.Timeout | undefined;
        engine.bus.on('attempt-ended', (record) => {
          calls += 1;
          spentUsd += record.costUsd;
          clearTimeout(last);
          last = setTimeout(resolve, 300);
        });
      });
      await isSpent;
      expect(calls).toBeGreaterThan(3);
      expect(spentUsd).toBeLessThanOrEqual(0.001);
      expect(upstream.requestCount).toBe(calls);
    });

    it('makes none that might cost too much, or whose cost nobody knows', async () => {
      for (const [maxCostUsd, price] of [
        [1e-9, PRICE],
        [1, null],
      ] as const) {
        const { upstream, router } = await openCalling(maxCostUsd, {}, price);
        expect((await probed(router, 'local')).probe).toMatchObject({ status: 'ok' });
        expect(upstream.requestCount).toBe(0);
      }
    });

    it('finds an idle model out of order, which live traffic then knows', async () => {
      const { upstream, router } = await openCalling(0.01, { intervalMs: 60_000 });
      await probed(router, 'local');
      upstream.failAlways({ kind: 'status', status: 503 });
      router.app.get(ProviderProbe, { strict: false }).onModuleDestroy();
      router.app.get(ProviderProbe, { strict: false }).onApplicationBootstrap();
      await expect.poll(async () => (await detailsOf(router)).local?.probe?.status).toBe('failed');
      expect((await detailsOf(router)).local).toMatchObject({
        status: 'degraded',
        probe: { status: 'failed', errorKind: 'overloaded' },
      });
      const text = await (await router.fetch('/health')).text();
      expect(text).not.toMatch(/the-key|127\.0\.0\.1|http:/);
    });

    it('wants a limit', async () => {
      await expect(openCalling(0)).rejects.toMatchObject({
        issues: [{ path: 'health.probe.call.maxCostUsd' }],
      });
      await expect(openCalling(1, { call: {} })).rejects.toMatchObject({
        issues: [{ path: 'health.probe.call.maxCostUsd' }],
      });
    });
  });

  it('ends with the application, also in the middle of one', async () => {
    const provider = await handMadeProvider(() => undefined);
    const router = await open(
      { local: { api: 'openai', baseUrl: `${provider.url}/v1` } },
      { enabled: true, intervalMs: 1, timeoutMs: 60_000 },
    );
    await provider.whenRequests(1);
    const gone = once(provider.requests[0]!.socket, 'close');
    await router.close();
    opened.splice(opened.indexOf(router), 1);
    await gone;
    expect(provider.requests).toHaveLength(1);
  });

  it('wants sensible times', async () => {
    await expect(
      open({ local: { api: 'openai', baseUrl: 'http://127.0.0.1:9/v1' } }, { enabled: true, intervalMs: 0 }),
    ).rejects.toMatchObject({ issues: [{ path: 'health.probe.intervalMs' }] });
    await expect(
      open({ local: { api: 'openai', baseUrl: 'http://127.0.0.1:9/v1' } }, { enabeld: true }),
    ).rejects.toMatchObject({ issues: [{ path: 'health.probe.enabeld' }] });
  });
});
