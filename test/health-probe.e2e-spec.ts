import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, type RouterApp } from './support/router-app.js';

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
