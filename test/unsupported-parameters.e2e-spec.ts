import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const CLAUDE = 'claude-haiku-4-5';
const GPT = 'gpt-4o-mini';
const TOOL = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };

/** What Claude has no word for, and what changes the answer. */
const DEMANDS: readonly [name: string, fields: Record<string, unknown>][] = [
  ['n', { n: 2 }],
  ['seed', { seed: 7 }],
  ['frequency_penalty', { frequency_penalty: 0.5 }],
  ['presence_penalty', { presence_penalty: -0.5 }],
  ['logit_bias', { logit_bias: { '50256': -100 } }],
  ['verbosity', { verbosity: 'low' }],
];

/** What means the same as leaving it out. */
const NEUTRAL = {
  n: 1,
  seed: null,
  frequency_penalty: 0,
  presence_penalty: 0,
  logit_bias: {},
  verbosity: 'medium',
  parallel_tool_calls: true,
  store: false,
  metadata: {},
  temperature: 1,
};

describe.each(PLATFORMS)('what a provider cannot do on %s', (platform) => {
  let anthropic: ScriptedUpstream;
  let openai: ScriptedUpstream;
  let router: RouterApp | undefined;

  beforeAll(async () => {
    anthropic = await createScriptedUpstream({ api: 'anthropic' });
    openai = await createScriptedUpstream({ api: 'openai' });
  });
  afterAll(async () => {
    await anthropic.close();
    await openai.close();
  });
  afterEach(async () => {
    await router?.close();
    router = undefined;
  });

  async function open(
    unsupportedParameters: 'route' | 'refuse' | 'drop' | undefined,
    rule: Record<string, string | string[]> = { primary: CLAUDE, fallback: GPT },
  ): Promise<RouterApp> {
    router = await createRouterApp({
      platform,
      options: {
        providers: {
          anthropic: { api: 'anthropic', baseUrl: anthropic.baseUrl, apiKey: 'k' },
          openai: { api: 'openai', baseUrl: openai.baseUrl, apiKey: 'k' },
        },
        routingRules: { simple_queries: rule },
        ...(unsupportedParameters && { unsupportedParameters }),
        execution: { maxAttempts: 2 },
      },
    });
    return router;
  }

  const ask = (to: RouterApp, fields: object): Promise<Response> =>
    to.postJson('/v1/chat/completions', { messages: [{ role: 'user', content: 'Hello?' }], ...fields });

  it('is routed to one that can, by default', async () => {
    const to = await open(undefined);
    for (const [name, fields] of DEMANDS) {
      const response = await ask(to, fields);
      expect([name, response.status, response.headers.get('x-llm-model')]).toEqual([name, 200, GPT]);
      expect(response.headers.get('x-llm-dropped-parameters')).toBeNull();
      expect(openai.requests.at(-1)!.body).toMatchObject(fields);
    }
    const explained = await to.postJson('/router/explain', {
      messages: [{ role: 'user', content: 'Hello?' }],
      seed: 7,
      n: 2,
    });
    expect(await explained.json()).toMatchObject({
      features: { parameters: ['n', 'seed'] },
      rejected: [{ model: CLAUDE, reason: 'parameter', detail: 'cannot do n, seed' }],
    });
  });

  it('where none can, is an error that names the field, before any call', async () => {
    const to = await open('route', { primary: CLAUDE });
    const before = anthropic.requestCount;
    for (const [name, fields] of DEMANDS) {
      const response = await ask(to, fields);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param: name } });
    }
    expect(anthropic.requestCount).toBe(before);
  });

  it('is refused by option, though another could', async () => {
    const to = await open('refuse');
    for (const [name, fields] of DEMANDS) {
      const response = await ask(to, fields);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'invalid_request', param: name } });
    }
    expect((await ask(to, {})).headers.get('x-llm-model')).toBe(CLAUDE);
  });

  it('is not refused by chance: where an equal can, it goes there', async () => {
    const to = await open('refuse', { primary: [CLAUDE, GPT] });
    for (let count = 0; count < 20; count += 1) {
      const response = await ask(to, { seed: 7 });
      expect([response.status, response.headers.get('x-llm-model')]).toEqual([200, GPT]);
    }
  });

  it('is dropped by option, and the answer says so, streamed or not', async () => {
    const to = await open('drop');
    for (const [name, fields] of DEMANDS) {
      for (const stream of [false, true]) {
        const response = await ask(to, { ...fields, stream });
        await response.text();
        expect([name, response.status, response.headers.get('x-llm-model')]).toEqual([name, 200, CLAUDE]);
        expect(response.headers.get('x-llm-dropped-parameters')).toBe(name);
        expect(anthropic.requests.at(-1)!.body).not.toHaveProperty(name);
      }
    }
  });

  it('a dropped `n` is one choice: whoever stops at its finish reason has had all', async () => {
    const to = await open('drop');
    const stream = await to.client.chat.completions.create({
      model: 'auto',
      messages: [{ role: 'user', content: 'Hello?' }],
      n: 2,
      stream: true,
    });
    for await (const chunk of stream) if (chunk.choices[0]?.finish_reason === 'stop') break;
    await anthropic.whenIdle();
    const kpis = (await (await to.fetch('/router/kpis')).json()) as { total?: unknown };
    expect(JSON.stringify(kpis)).toMatch(/"clientLeft":0/);
    expect(JSON.stringify(kpis)).not.toMatch(/"clientLeft":1/);
  });

  it('is never dropped where the answer would be of another kind', async () => {
    const to = await open('drop');
    const custom = { tools: [{ type: 'custom', custom: { name: 'c' } }] };
    expect((await ask(to, custom)).headers.get('x-llm-model')).toBe(GPT);
    const functions = { functions: [{ name: 'f', parameters: { type: 'object', properties: {} } }] };
    expect((await ask(to, functions)).headers.get('x-llm-model')).toBe(GPT);
  });

  it('a fallback that cannot is none', async () => {
    const to = await open('route', { primary: GPT, fallback: CLAUDE });
    openai.failNext({ kind: 'status', status: 500 }, 2);
    const asked = anthropic.requestCount;
    const response = await ask(to, { seed: 7 });
    expect(response.status).toBe(502);
    expect(anthropic.requestCount).toBe(asked);
  });

  it('values that mean nothing are no demand', async () => {
    const to = await open(undefined);
    const response = await ask(to, { ...NEUTRAL, tools: [TOOL] });
    expect(response.headers.get('x-llm-model')).toBe(CLAUDE);
    expect(response.headers.get('x-llm-dropped-parameters')).toBeNull();
  });

  it('`strict` of tools is told of where it is lost', async () => {
    const to = await open(undefined);
    const strict = { tools: [{ ...TOOL, function: { ...TOOL.function, strict: true } }] };
    const response = await ask(to, strict);
    expect(response.headers.get('x-llm-model')).toBe(CLAUDE);
    expect(response.headers.get('x-llm-dropped-parameters')).toBe('tools.strict');
    const atOpenAi = await ask(to, { ...strict, seed: 1 });
    expect(atOpenAi.headers.get('x-llm-model')).toBe(GPT);
    expect(atOpenAi.headers.get('x-llm-dropped-parameters')).toBeNull();
  });

  it('hints of OpenAI’s own platform route nobody, and are told of where they are left out', async () => {
    const to = await open(undefined);
    const hints = {
      user: 'u-1',
      store: true,
      metadata: { a: 'b' },
      prompt_cache_key: 'k',
      service_tier: 'flex',
    };
    const response = await ask(to, hints);
    expect(response.headers.get('x-llm-model')).toBe(CLAUDE);
    expect(response.headers.get('x-llm-dropped-parameters')).toBe(
      'metadata, store, service_tier, prompt_cache_key',
    );
    const atOpenAi = await ask(to, { ...hints, seed: 1 });
    expect(atOpenAi.headers.get('x-llm-dropped-parameters')).toBeNull();
    expect(openai.requests.at(-1)!.body).toMatchObject(hints);
  });
});
