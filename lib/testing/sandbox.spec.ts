import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox, type SandboxProvider } from './index.js';
import { sandboxLatency } from './sandbox.js';

describe('the sandbox', () => {
  let sandbox: Sandbox;
  beforeEach(async () => {
    sandbox = await createSandbox({ seed: 3, latencyScale: 0 });
  });
  afterEach(() => sandbox.close());

  const prompt = 'Why is the sky blue?';

  function ask(provider: SandboxProvider, model: string, extra: object = {}): Promise<Response> {
    const { baseUrl, apiKey } = sandbox.config.providers[provider];
    const post = (url: string, body: object, headers: Record<string, string>): Promise<Response> =>
      fetch(url, { method: 'POST', headers, body: JSON.stringify({ ...body, ...extra }) });
    const messages = [{ role: 'user', content: prompt }];
    switch (provider) {
      case 'openai':
      case 'local':
        return post(
          `${baseUrl}/chat/completions`,
          { model, messages },
          { authorization: `Bearer ${apiKey}` },
        );
      case 'anthropic':
        return post(
          `${baseUrl}/v1/messages`,
          { model, messages, max_tokens: 400 },
          { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' },
        );
      case 'gemini':
        return post(
          `${baseUrl}/v1beta/models/${model}:generateContent`,
          { contents: [{ role: 'user', parts: [{ text: prompt }] }] },
          { 'x-goog-api-key': apiKey },
        );
    }
  }

  it.each([
    ['openai', 'gpt-4-turbo'],
    ['anthropic', 'claude-sonnet-4-5'],
    ['gemini', 'gemini-2.5-pro'],
    ['local', 'llama3.3'],
  ] as const)('%s says that it is simulated, and stands in for %s', async (provider, model) => {
    const answer = await ask(provider, model);
    expect(answer.status).toBe(200);
    const text = /"(?:content|text)":"(This [^"\\]*(?:\\.[^"\\]*)*)"/.exec(await answer.text())![1]!;
    expect(text).toContain('simulated answer from the sandbox');
    expect(text).toContain(model);
    const words = text.split(' ').length;
    expect(words).toBeGreaterThanOrEqual(40);
    expect(words).toBeLessThanOrEqual(80);
  });

  it('lets tools and JSON be what the request insists on, and keeps limits', async () => {
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
    const called = await (await ask('local', 'llama3.3', { tools, tool_choice: 'required' })).json();
    expect(called).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
    const json = (await (
      await ask('openai', 'gpt-4o', { response_format: { type: 'json_object' } })
    ).json()) as {
      choices: { message: { content: string } }[];
    };
    expect(JSON.parse(json.choices[0]!.message.content)).toEqual({ simulated: true });
    const short = await (await ask('openai', 'gpt-4o', { max_tokens: 5 })).json();
    expect(short).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 5 } });
  });

  it('wants its key', async () => {
    const { baseUrl } = sandbox.config.providers.openai;
    expect((await fetch(`${baseUrl}/models`)).status).toBe(401);
  });

  it('has a configuration of plain JSON with the tier table', () => {
    expect(JSON.parse(JSON.stringify(sandbox.config))).toEqual(sandbox.config);
    expect(sandbox.config.routingRules.complex_reasoning).toEqual({
      primary: ['gpt-4-turbo', 'claude-sonnet'],
      fallback: ['gpt-3.5-turbo', 'gemini-pro'],
      emergency: 'llama-3.3-70b',
    });
    expect(Object.keys(sandbox.config.models)).toEqual(['llama-3.3-70b']);
    expect(sandbox.config.providers.openai.baseUrl).toBe(sandbox.upstreams.openai.baseUrl);
    expect(new URL(sandbox.config.providers.anthropic.baseUrl).pathname).toBe('/');
    expect(sandbox.config.providers.local.api).toBe('openai-compatible');
    expect(new Set(Object.values(sandbox.upstreams).map(({ port }) => port)).size).toBe(4);
  });

  it('closes all of its upstreams', async () => {
    await sandbox.close();
    await expect(ask('gemini', 'gemini-2.5-pro')).rejects.toThrow();
    await expect(ask('local', 'llama3.3')).rejects.toThrow();
  });
});

describe('the pace of the sandbox', () => {
  const models = {
    openai: ['gpt-3.5-turbo', 'gpt-4-turbo'],
    anthropic: ['claude-haiku-4-5', 'claude-sonnet-4-5'],
    gemini: ['gemini-2.5-flash', 'gemini-2.5-pro'],
  } as const;

  it('is quick for small models and slow for premium ones', () => {
    for (const [small, premium] of Object.values(models)) {
      const quick = sandboxLatency(small, 1);
      const slow = sandboxLatency(premium, 1);
      expect(quick.timeToFirstTokenMs).toBeGreaterThanOrEqual(250);
      expect(quick.timeToFirstTokenMs).toBeLessThanOrEqual(400);
      expect(slow.timeToFirstTokenMs).toBeGreaterThanOrEqual(700);
      expect(slow.timeToFirstTokenMs).toBeLessThanOrEqual(1100);
      expect(quick.tokensPerSecond).toBeGreaterThan(slow.tokensPerSecond);
      expect(sandboxLatency(premium, 0.5).timeToFirstTokenMs).toBe(slow.timeToFirstTokenMs / 2);
    }
  });

  it('really waits', async () => {
    const sandbox = await createSandbox({ latencyScale: 0.2 });
    try {
      const started = performance.now();
      const answer = await fetch(`${sandbox.upstreams.openai.baseUrl}/chat/completions`, {
        method: 'POST',
        headers: { authorization: 'Bearer sandbox' },
        body: JSON.stringify({
          model: 'gpt-4-turbo',
          stream: true,
          messages: [{ role: 'user', content: 'Hello' }],
        }),
      });
      await answer.body?.cancel();
      // Four deviations of the jitter under the least a premium model takes; timers may be late, not early.
      expect(performance.now() - started).toBeGreaterThan(700 * 0.2 * Math.exp(-0.6));
    } finally {
      await sandbox.close();
    }
  });

  it('refuses a scale below zero', async () => {
    await expect(createSandbox({ latencyScale: -1 })).rejects.toThrow(RangeError);
  });
});
