import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
// Internal, because the grace period is no option of the public face yet.
import { RouterEngine } from '../lib/router/index.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const CHUNK = (content: string, finish: string | null): string =>
  `data: ${JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, delta: { content }, finish_reason: finish, logprobs: null }],
  })}\n\n`;

const ask = { messages: [{ role: 'user' as const, content: 'hello' }] };
const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

async function routerOver(
  baseUrl: string,
  platform: (typeof PLATFORMS)[number] = 'express',
): Promise<RouterApp> {
  const router = await createRouterApp({
    platform,
    options: {
      providers: { upstream: { api: 'openai', baseUrl } },
      routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
    },
  });
  closing.push(() => router.close());
  return router;
}

interface KpiLike {
  readonly requests: number;
  readonly errors: number;
  readonly refused: number;
  readonly errorRate: number;
  readonly costUsd: number;
}

async function kpisOf(router: RouterApp): Promise<{ total: KpiLike; providers: { upstream: KpiLike } }> {
  return (await (await router.fetch('/router/kpis')).json()) as {
    total: KpiLike;
    providers: { upstream: KpiLike };
  };
}

describe('what happens after an answer', () => {
  it('keeps the connection of a stream that was read to its terminator', async () => {
    let connections = 0;
    let ended = Promise.resolve<unknown>(undefined);
    const server = createServer((request, response) => {
      request.resume().once('end', () => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        // The end of the body comes in a packet of its own, after the terminator.
        response.write(`${CHUNK('hello', null)}${CHUNK('', 'stop')}data: [DONE]\n\n`);
        setTimeout(() => response.end(), 20);
        ended = once(response, 'close');
      });
    }).on('connection', () => (connections += 1));
    const router = await routerOver(await listen(server));
    const service = router.app.get(RouterService);
    for (let round = 0; round < 5; round += 1) {
      let text = '';
      for await (const chunk of service.stream(ask)) text += chunk.choices[0]?.delta.content ?? '';
      expect(text).toBe('hello');
      await ended;
      // undici gives a socket back one turn of the event loop after the answer's end has arrived.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // One; two, should a slow machine not have given the first back in time.
    expect(connections).toBeLessThanOrEqual(2);
  });

  it("counts what the caller did wrong as refused, not as the provider's error", async () => {
    const upstream: ScriptedUpstream = await createScriptedUpstream({ api: 'openai' });
    closing.push(() => upstream.close());
    const router = await routerOver(upstream.baseUrl);
    upstream.failNext({ kind: 'status', status: 400 });
    expect((await router.postJson('/v1/chat/completions', ask)).status).toBe(400);
    const { total, providers } = await kpisOf(router);
    expect(total).toMatchObject({ requests: 1, errors: 0, refused: 1, errorRate: 0 });
    expect(providers.upstream).toMatchObject({
      requests: 1,
      errors: 0,
      refused: 1,
      errorRate: 0,
      costUsd: 0,
    });
  });

  it('counts a whole answer that was cut on its way as billed', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    closing.push(() => upstream.close());
    const router = await routerOver(upstream.baseUrl);
    upstream.failAlways({ kind: 'cut', afterChunks: 0 });
    expect((await router.postJson('/v1/chat/completions', ask)).status).toBe(502);
    const { providers } = await kpisOf(router);
    // It is tried again where there is no other; each time is paid for.
    expect(providers.upstream.errors).toBe(upstream.requestCount);
    expect(providers.upstream.costUsd).toBeGreaterThan(0);
  });
});

describe.each(PLATFORMS)('a reader that stops reading, on %s', (platform) => {
  it('does not hold up the shutdown', async () => {
    // An upstream without end: the buffers between it and the reader fill, and then nothing moves.
    const server = createServer((request, response) => {
      request.resume().once('end', () => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const write = (): void => {
          while (!response.destroyed && response.write(CHUNK('x'.repeat(16_384), null)));
        };
        response.on('drain', write).on('error', () => undefined);
        write();
      });
    });
    const router = await routerOver(await listen(server), platform);
    const { port } = new URL(router.url);
    const client = httpRequest({
      port,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { 'content-type': 'application/json' },
    });
    client.on('error', () => undefined).end(JSON.stringify({ ...ask, stream: true }));
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    // Never read from: only its headers are there.
    expect(response.headers['x-llm-model']).toBe('gpt-4o-mini');
    await router.app.get(RouterEngine).drain(50);
    const startedAt = performance.now();
    await router.app.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(router.app.get(RouterEngine).pipeline.inFlight).toBe(0);
  });
});
