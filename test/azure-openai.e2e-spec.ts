import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const KEY = 'azure-key-1';
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];

/** One resource with a deployment of the user's own name, and another provider to fall back to. */
function optionsOf(azureUrl: string, fallbackUrl: string, apiVersion?: string): LlmRouterOptions {
  return {
    providers: {
      azure: { api: 'azure-openai', baseUrl: azureUrl, apiKey: KEY, apiVersion },
      openai: { api: 'openai', baseUrl: fallbackUrl, apiKey: 'openai-key' },
    },
    models: { 'gpt-4o': { provider: 'azure', upstreamModel: 'chat prod/4o' } },
    routingRules: { simple_queries: { primary: 'gpt-4o', fallback: 'gpt-4o-mini' } },
  };
}

describe.each(PLATFORMS)('azure-openai on %s', (platform) => {
  describe.each([
    ['the v1 API', undefined, ''],
    ['the v1 API with its path in the address', undefined, '/openai/v1/'],
    ['the v1 API in preview', 'preview', '/openai'],
    ['a dated version', '2024-10-21', ''],
    ['a dated preview', '2025-04-01-preview', '/openai'],
  ])('over %s', (_name, apiVersion, suffix) => {
    let azure: ScriptedUpstream;
    let openai: ScriptedUpstream;
    let router: RouterApp;

    beforeAll(async () => {
      azure = await createScriptedUpstream({ api: 'azure-openai', requireKey: KEY });
      openai = await createScriptedUpstream({ api: 'openai' });
      router = await createRouterApp({
        platform,
        options: optionsOf(`${azure.origin}${suffix}`, openai.baseUrl, apiVersion),
      });
    });

    afterEach(async () => {
      await azure.heal();
    });

    afterAll(async () => {
      await router.close();
      await Promise.all([azure.close(), openai.close()]);
    });

    it('answers the official client, with the key in its own header', async () => {
      azure.setReply(() => ({ text: 'Paris.', usage: { promptTokens: 12, completionTokens: 3 } }));
      const { data, response } = await router.client.chat.completions
        .create({ model: 'auto', messages, max_completion_tokens: 50 })
        .withResponse();
      expect(data.choices[0]).toMatchObject({ message: { content: 'Paris.' }, finish_reason: 'stop' });
      expect(data.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 3 });
      expect(response.headers.get('x-llm-model')).toBe('gpt-4o');
      expect(response.headers.get('x-llm-provider')).toBe('azure');
      // At the price of the catalogue's model of that name.
      expect(Number(response.headers.get('x-llm-cost-usd'))).toBeGreaterThan(0);
      const sent = azure.requests.at(-1)!;
      expect(sent.model).toBe('chat prod/4o');
      expect(sent.headers['api-key']).toBe(KEY);
      expect(sent.headers.authorization).toBeUndefined();
    });

    it('streams, past the first chunk without choices, with usage', async () => {
      azure.setReply(() => ({ text: 'Paris it is.', usage: { promptTokens: 12, completionTokens: 4 } }));
      const stream = await router.client.chat.completions.create({
        model: 'auto',
        messages,
        stream: true,
        stream_options: { include_usage: true },
      });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Paris it is.');
      expect(chunks[0]).toMatchObject({ model: 'chat prod/4o', choices: [{ delta: { role: 'assistant' } }] });
      expect(chunks[0]!.id).not.toBe('');
      expect(chunks.at(-1)).toMatchObject({
        choices: [],
        usage: { prompt_tokens: 12, completion_tokens: 4 },
      });
    });

    it('tells the client of a filtered prompt, and asks nobody else', async () => {
      azure.failNext({ kind: 'status', status: 400 });
      const before = openai.requestCount;
      const error: unknown = await router.client.chat.completions
        .create({ model: 'auto', messages })
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(String(error)).toMatch(/filter/);
      expect(openai.requestCount).toBe(before);
    });

    it('ends a filtered answer with content_filter', async () => {
      azure.setReply(() => ({ text: 'Par', finish: 'content_filter' }));
      const completion = await router.client.chat.completions.create({ model: 'auto', messages });
      expect(completion.choices[0]).toMatchObject({ finish_reason: 'content_filter' });
    });
  });
});

describe.each([undefined, '2024-10-21'])('a fault of Azure under api-version %s', (apiVersion) => {
  let azure: ScriptedUpstream;
  let openai: ScriptedUpstream;
  let router: RouterApp;

  // Anew for each: a fault ranks its deployment down.
  beforeEach(async () => {
    azure = await createScriptedUpstream({ api: 'azure-openai' });
    openai = await createScriptedUpstream({ api: 'openai' });
    router = await createRouterApp({
      platform: 'express',
      options: optionsOf(azure.baseUrl, openai.baseUrl, apiVersion),
    });
  });

  afterEach(async () => {
    await router.close();
    await Promise.all([azure.close(), openai.close()]);
  });

  it.each([404, 401, 403, 429, 500, 503])('%i: the next deployment answers', async (status) => {
    azure.failAlways({ kind: 'status', status, retryAfterSeconds: 1 });
    const { data, response } = await router.client.chat.completions
      .create({ model: 'auto', messages })
      .withResponse();
    expect(data.choices[0]?.message.content).toMatch(/gpt-4o-mini/);
    expect(response.headers.get('x-llm-provider')).toBe('openai');
    expect(azure.requestCount).toBe(1);
  });

  it('an error event in mid-stream reaches the client', async () => {
    // In pieces of their own: what comes with the error in one packet was never sent.
    azure.setReply(() => ({ text: 'word '.repeat(40) }));
    azure.setLatency({ timeToFirstTokenMs: 1, tokensPerSecond: 200 });
    azure.failNext({ kind: 'stream_error', afterChunks: 30 });
    const stream = await router.client.chat.completions.create({ model: 'auto', messages, stream: true });
    await expect(
      (async () => {
        for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk');
      })(),
    ).rejects.toBeInstanceOf(OpenAI.APIError);
    expect(openai.requestCount).toBe(0);
  });

  it('429 alone: the client is told how long Azure wants it to wait', async () => {
    azure.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    openai.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 9 });
    // Neither wait fits into it: otherwise the router would wait itself.
    const hasty = { 'x-llm-deadline-ms': '2000' };
    const answer = await router.postJson('/v1/chat/completions', { messages }, hasty);
    expect(answer.status).toBe(429);
    expect(Number(answer.headers.get('retry-after'))).toBe(7);
    expect([azure.requestCount, openai.requestCount]).toEqual([1, 1]);
  });
});

describe('a deployment that Azure does not have', () => {
  it('is the configuration, not the caller: 502 where there is nobody else', async () => {
    const azure = await createScriptedUpstream({ api: 'azure-openai' });
    azure.failAlways({ kind: 'status', status: 404 });
    const router = await createRouterApp({
      platform: 'express',
      options: {
        providers: { azure: { api: 'azure-openai', baseUrl: azure.baseUrl } },
        models: { 'gpt-4o': { provider: 'azure', upstreamModel: 'gone' } },
        routingRules: { simple_queries: { primary: 'gpt-4o' } },
      },
    });
    const answer = await router.postJson('/v1/chat/completions', { messages });
    expect(answer.status).toBe(502);
    expect(await answer.json()).toMatchObject({ error: { code: 'all_attempts_failed' } });
    await router.close();
    await azure.close();
  });
});

describe('what a dated version does not know', () => {
  it('stays away from the wire', async () => {
    const bodies: Record<string, unknown>[] = [];
    const urls: string[] = [];
    const server = createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => (text += piece.toString()));
      request.once('end', () => {
        urls.push(request.url ?? '');
        bodies.push(JSON.parse(text) as Record<string, unknown>);
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify({ choices: [{ index: 0, message: { content: 'Yes.' }, finish_reason: 'stop' }] }),
        );
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const router = await createRouterApp({
      platform: 'express',
      options: {
        providers: { azure: { api: 'azure-openai', baseUrl: origin, apiVersion: '2024-06-01' } },
        models: { 'gpt-4o': { provider: 'azure', upstreamModel: 'd/1' } },
        routingRules: { simple_queries: { primary: 'gpt-4o' } },
      },
    });
    const completion = await router.client.chat.completions.create({
      model: 'auto',
      messages,
      max_completion_tokens: 40,
      store: false,
      metadata: { a: 'b' },
      safety_identifier: 'u1',
      temperature: 0.5,
    });
    expect(completion.choices[0]?.message).toMatchObject({ content: 'Yes.', refusal: null });
    expect(urls).toEqual(['/openai/deployments/d%2F1/chat/completions?api-version=2024-06-01']);
    expect(bodies).toEqual([{ messages, model: 'd/1', max_tokens: 40, stream: false, temperature: 0.5 }]);
    const refused = await router.postJson('/v1/chat/completions', {
      messages,
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: 'object' } } },
    });
    expect(refused.status).toBe(400);
    expect(bodies).toHaveLength(1);
    await router.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe('the boot', () => {
  const boot = async (azure: object): Promise<unknown> =>
    createRouterApp({
      platform: 'express',
      options: {
        providers: { azure: { api: 'azure-openai', ...azure } },
        models: { 'gpt-4o': { provider: 'azure', upstreamModel: 'd' } },
        routingRules: { simple_queries: { primary: 'gpt-4o' } },
      },
    }).then(
      async (router) => router.close(),
      (error: unknown) => error,
    );

  it.each([
    ['no address', { apiKey: 'k' }, /providers\.azure\.baseUrl is required for api "azure-openai"/],
    ['no key', { baseUrl: 'https://r.openai.azure.com' }, /providers\.azure\.apiKey is required/],
    [
      'an address with the deployment',
      { apiKey: 'k', baseUrl: 'https://r.openai.azure.com/openai/deployments/d' },
      /providers\.azure\.baseUrl must end before "\/openai": .*upstreamModel/,
    ],
    [
      'a version that is none',
      { apiKey: 'k', baseUrl: 'https://r.openai.azure.com', apiVersion: 'newest' },
      /providers\.azure\.apiVersion must be "v1", "preview", or a date/,
    ],
    [
      'a dated version of v1',
      { apiKey: 'k', baseUrl: 'https://r.services.ai.azure.com/openai/v1', apiVersion: '2024-10-21' },
      /providers\.azure\.apiVersion a dated version is of the API before v1/,
    ],
    [
      'a version of another maker',
      { api: 'openai', apiKey: 'k', apiVersion: '2024-10-21' },
      /providers\.azure\.apiVersion is for api "azure-openai" alone/,
    ],
  ])('refuses %s', async (_name, azure, message) => {
    const error = await boot(azure);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error).replaceAll(/: (?=is|must|a dated)/g, ' ')).toMatch(message);
  });

  it.each([
    { baseUrl: 'https://r.openai.azure.com', apiKey: 'k' },
    { baseUrl: 'https://r.services.ai.azure.com/openai/v1/', apiKey: 'k', apiVersion: 'preview' },
    { baseUrl: 'https://gateway.example.com/azure', apiVersion: '2024-10-21' },
  ])('takes %j', async (azure) => {
    expect(await boot(azure)).toBeUndefined();
  });

  it('gives no model of the catalogue to Azure by itself: deployments have names of their owner', async () => {
    const error = await createRouterApp({
      platform: 'express',
      options: {
        providers: { azure: { api: 'azure-openai', baseUrl: 'https://r.openai.azure.com', apiKey: 'k' } },
        routingRules: { simple_queries: { primary: 'gpt-4o' } },
      },
    }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect(String(error)).toMatch(/no provider serves any of them/);
  });
});
