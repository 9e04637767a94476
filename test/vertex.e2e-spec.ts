import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ConfigurationError, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';
import { createVertexCloud, type VertexCloud } from './support/vertex-cloud.js';

const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const CLAUDE = 'claude-sonnet-4-5@20250929';
const API_KEY = 'express-key';

let home: string;
let cloud: VertexCloud;
let openai: ScriptedUpstream;
let router: RouterApp | undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'no-credentials-'));
  cloud = await createVertexCloud(API_KEY);
  openai = await createScriptedUpstream({ api: 'openai' });
  // Neither the credentials nor the project of whoever runs the tests.
  for (const name of ['GOOGLE_APPLICATION_CREDENTIALS', 'GOOGLE_CLOUD_PROJECT', 'GCLOUD_PROJECT']) {
    vi.stubEnv(name, '');
  }
  vi.stubEnv('GOOGLE_CLOUD_LOCATION', '');
  vi.stubEnv('HOME', home);
  vi.stubEnv('PATH', home);
  vi.stubEnv('METADATA_SERVER_DETECTION', 'assume-present');
  vi.stubEnv('GCE_METADATA_HOST', cloud.metadataHost);
});

afterEach(async () => {
  await router?.close();
  router = undefined;
  await Promise.all([cloud.close(), openai.close()]);
  vi.unstubAllEnvs();
  await rm(home, { recursive: true });
});

/** Gemini at Vertex AI first, and another provider to fall back to. */
const open = async (
  vertex: object = {},
  more: Partial<LlmRouterOptions> = {},
  platform: (typeof PLATFORMS)[number] = 'express',
): Promise<RouterApp> => {
  router = await createRouterApp({
    platform,
    options: {
      providers: {
        vertex: { api: 'vertex', baseUrl: cloud.url, ...vertex },
        openai: { api: 'openai', baseUrl: openai.baseUrl, apiKey: 'k' },
      },
      routingRules: { simple_queries: { primary: 'gemini-2.5-flash', fallback: 'gpt-4o-mini' } },
      ...more,
    },
  });
  return router;
};
const ask = async (): Promise<{ provider: string | null; content: string | null | undefined }> => {
  const { data, response } = await router!.client.chat.completions
    .create({ model: 'auto', messages })
    .withResponse();
  return {
    provider: response.headers.get('x-llm-provider'),
    content: data.choices[0]?.message.content,
  };
};

describe.each(PLATFORMS)('Gemini at Vertex AI, on %s', (platform) => {
  it('answers, in the project of the credentials, at the price of the catalogue', async () => {
    const { client } = await open({}, {}, platform);
    cloud.gemini.setReply(() => ({ text: 'Paris.', usage: { promptTokens: 12, completionTokens: 3 } }));
    const { data, response } = await client.chat.completions
      .create({ model: 'auto', messages, metadata: { team: 'a' } })
      .withResponse();
    expect(data.choices[0]).toMatchObject({ message: { content: 'Paris.' }, finish_reason: 'stop' });
    expect(data.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 3 });
    expect(response.headers.get('x-llm-model')).toBe('gemini-2.5-flash');
    expect(response.headers.get('x-llm-provider')).toBe('vertex');
    // $0.30 and $2.50 per million tokens.
    expect(Number(response.headers.get('x-llm-cost-usd'))).toBeCloseTo((12 * 0.3 + 3 * 2.5) / 1e6, 9);
    const [request] = cloud.requests;
    expect(request!.path).toBe(
      '/v1/projects/project-of-credentials/locations/global/publishers/google/models/gemini-2.5-flash:generateContent',
    );
    expect(request!.headers.authorization).toBe('Bearer ya29.secret-token-1');
    expect(request!.body).not.toHaveProperty('labels');
  });

  it('streams, with usage', async () => {
    const { client } = await open({ project: 'mine', location: 'europe-west4' }, {}, platform);
    cloud.gemini.setReply(() => ({ text: 'Paris it is.', usage: { promptTokens: 12, completionTokens: 4 } }));
    const stream = await client.chat.completions.create({
      model: 'auto',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Paris it is.');
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 12, completion_tokens: 4 },
    });
    expect(cloud.requests[0]!.path).toBe(
      '/v1/projects/mine/locations/europe-west4/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    );
  });
});

describe('a tool loop', () => {
  it.each(['gemini-2.5-flash', 'gemini-3-flash-preview'])(
    'goes round with %s, without ids',
    async (primary) => {
      const { client } = await open({}, { routingRules: { simple_queries: { primary } } });
      cloud.gemini.setReply(({ body }) =>
        JSON.stringify(body).includes('functionResponse')
          ? { text: 'It is sunny in Paris.' }
          : { toolCalls: [{ name: 'weather', arguments: { city: 'Paris' } }] },
      );
      const tools = [
        {
          type: 'function' as const,
          function: {
            name: 'weather',
            parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
          },
        },
      ];
      const first = await client.chat.completions.create({ model: 'auto', messages, tools });
      const { message } = first.choices[0]!;
      expect(first.choices[0]!.finish_reason).toBe('tool_calls');
      const second = await client.chat.completions.create({
        model: 'auto',
        tools,
        messages: [
          ...messages,
          message,
          { role: 'tool', tool_call_id: message.tool_calls![0]!.id, content: '{"sky":"sunny"}' },
        ],
      });
      expect(second.choices[0]!.message.content).toBe('It is sunny in Paris.');
      expect(cloud.requests).toHaveLength(2);
      expect(JSON.stringify(cloud.requests[1]!.body)).toContain('"functionResponse":{"name":"weather"');
    },
  );
});

describe('Claude at Vertex AI', () => {
  const named: Partial<LlmRouterOptions> = {
    models: { 'claude-sonnet-4-5': { provider: 'vertex', upstreamModel: CLAUDE } },
    routingRules: { simple_queries: { primary: 'claude-sonnet-4-5' } },
  };

  it('answers and streams, at the price of the catalogue', async () => {
    const { client } = await open({ location: 'us-east5' }, named);
    cloud.claude.setReply(() => ({ text: 'Paris.', usage: { promptTokens: 12, completionTokens: 3 } }));
    const { data, response } = await client.chat.completions
      .create({ model: 'auto', messages })
      .withResponse();
    expect(data.choices[0]).toMatchObject({ message: { content: 'Paris.' }, finish_reason: 'stop' });
    // $3 and $15 per million tokens.
    expect(Number(response.headers.get('x-llm-cost-usd'))).toBeCloseTo((12 * 3 + 3 * 15) / 1e6, 9);
    const stream = await client.chat.completions.create({ model: 'auto', messages, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toBe('Paris.');
    const start = `/v1/projects/project-of-credentials/locations/us-east5/publishers/anthropic/models/${CLAUDE}`;
    expect(cloud.requests.map(({ path }) => path)).toEqual([
      `${start}:rawPredict`,
      `${start}:streamRawPredict`,
    ]);
    expect(cloud.claude.requests.map(({ model }) => model)).toEqual([CLAUDE, CLAUDE]);
  });

  it('is known to the catalogue by its name at Vertex AI too', async () => {
    await open(
      {},
      {
        models: { mine: { provider: 'vertex', upstreamModel: CLAUDE } },
        routingRules: { simple_queries: { primary: 'mine' } },
        strict: true,
      },
    );
    const { response } = await router!.client.chat.completions
      .create({ model: 'auto', messages })
      .withResponse();
    expect(Number(response.headers.get('x-llm-cost-usd'))).toBeGreaterThan(0);
  });

  it.each([429, 529])('passes %i on to the next model', async (status) => {
    await open(
      {},
      {
        ...named,
        routingRules: { simple_queries: { primary: 'claude-sonnet-4-5', fallback: 'gpt-4o-mini' } },
      },
    );
    cloud.claude.failAlways({ kind: 'status', status });
    expect(await ask()).toMatchObject({ provider: 'openai' });
  });
});

describe('the token', () => {
  it('is asked for once, by calls that come together and by later ones', async () => {
    await open();
    await Promise.all([ask(), ask(), ask()]);
    const { tokenCount } = cloud;
    expect((await ask()).provider).toBe('vertex');
    expect(cloud.tokenCount).toBe(tokenCount);
    expect(openai.requestCount).toBe(0);
  });

  it('is asked for again when it has run out', async () => {
    await open();
    cloud.lifetimes = [30];
    await ask();
    await ask();
    await ask();
    expect(cloud.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer ya29.secret-token-1',
      'Bearer ya29.secret-token-2',
      'Bearer ya29.secret-token-2',
    ]);
  });

  it('that was revoked: another provider answers, and the next call has a new one', async () => {
    const { client } = await open({}, { clientModel: 'binding' });
    await ask();
    cloud.revoke();
    expect((await ask()).provider).toBe('openai');
    // By name, for the refusal ranked it down.
    const { response } = await client.chat.completions
      .create({ model: 'gemini-2.5-flash', messages })
      .withResponse();
    expect(response.headers.get('x-llm-provider')).toBe('vertex');
    expect(cloud.requests.at(-1)!.headers.authorization).toBe('Bearer ya29.secret-token-2');
  });

  it('is in no answer, though Vertex AI quotes it', async () => {
    await open({}, { routingRules: { simple_queries: { primary: 'gemini-2.5-flash' } } });
    await ask();
    cloud.revoke();
    const answer = await router!.postJson('/v1/chat/completions', { messages });
    expect(answer.status).toBe(502);
    const text = await answer.text();
    expect(text).toContain('all_attempts_failed');
    expect(text).not.toContain('ya29');
  });

  it('that cannot be had: another provider answers, or 502', async () => {
    await open();
    cloud.onToken = (response) => {
      response.writeHead(404).end('no service account');
    };
    expect((await ask()).provider).toBe('openai');
    expect(cloud.requests).toEqual([]);
    openai.failAlways({ kind: 'status', status: 500 });
    const answer = await router!.postJson('/v1/chat/completions', { messages });
    expect(answer.status).toBe(502);
  });

  it('that does not come holds a call up no longer than its attempt', async () => {
    const tiers = [{ models: 'gemini-2.5-flash', targetLatencyMs: 100 }, { models: 'gpt-4o-mini' }];
    await open({}, { routingRules: { simple_queries: { tiers } } });
    cloud.onToken = () => undefined;
    expect((await ask()).provider).toBe('openai');
    expect(cloud.requests).toEqual([]);
  });
});

describe('a fault of Vertex AI', () => {
  it.each([403, 404, 429, 500, 503])('%i: the next model answers', async (status) => {
    await open();
    cloud.gemini.failAlways({ kind: 'status', status, retryAfterSeconds: 1 });
    expect((await ask()).provider).toBe('openai');
    expect(cloud.gemini.requestCount).toBe(1);
  });

  it('in mid-stream reaches the client', async () => {
    const { client } = await open();
    cloud.gemini.setReply(() => ({ text: 'word '.repeat(40) }));
    cloud.gemini.setLatency({ timeToFirstTokenMs: 1, tokensPerSecond: 400 });
    cloud.gemini.failNext({ kind: 'stream_error', afterChunks: 6 });
    const stream = await client.chat.completions.create({ model: 'auto', messages, stream: true });
    await expect(
      (async () => {
        for await (const chunk of stream) expect(chunk.object).toBe('chat.completion.chunk');
      })(),
    ).rejects.toBeInstanceOf(OpenAI.APIError);
    expect(openai.requestCount).toBe(0);
  });
});

describe('express mode', () => {
  it('has the key in a header, no project, and asks for no token', async () => {
    vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'not-this');
    await open({ apiKey: API_KEY });
    expect((await ask()).provider).toBe('vertex');
    const [request] = cloud.requests;
    expect(request!.path).toBe('/v1/publishers/google/models/gemini-2.5-flash:generateContent');
    expect(request!.headers['x-goog-api-key']).toBe(API_KEY);
    expect(request!.headers.authorization).toBeUndefined();
    expect(cloud.tokenCount).toBe(0);
  });
});

describe('the probe', () => {
  it('asks for the list of models, with a token', async () => {
    await open({}, { health: { probe: { enabled: true } } });
    await vi.waitFor(() => {
      expect(cloud.requests.map(({ method, path }) => `${method} ${path}`)).toContain(
        'GET /v1beta1/publishers/google/models?pageSize=1',
      );
    });
    expect(cloud.requests[0]!.headers.authorization).toBe('Bearer ya29.secret-token-1');
    await vi.waitFor(async () => {
      const health = await (await router!.fetch('/health')).text();
      expect(health).toContain('"status":"ok"');
    });
  });
});

describe('the boot', () => {
  const boot = async (
    provider: object,
    models: LlmRouterOptions['models'] = {},
    primary = 'gemini-2.5-flash',
  ): Promise<string> => {
    const error: unknown = await createRouterApp({
      platform: 'express',
      options: {
        providers: { vertex: { api: 'vertex', ...provider } as never },
        models,
        routingRules: { simple_queries: { primary } },
      },
    }).then(
      async (app) => app.close(),
      (reason: unknown) => reason,
    );
    if (error === undefined) return '';
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as ConfigurationError).message;
  };
  const claude = (upstreamModel?: string): LlmRouterOptions['models'] => ({
    'claude-sonnet-4-5': { provider: 'vertex', upstreamModel },
  });

  it.each([
    [{}],
    [{ location: 'eu', project: 'p' }],
    [{ location: 'us-central1', bucketFiles: true }],
    [{ apiKey: 'k' }],
    [{ baseUrl: 'https://gateway.example.com/vertex' }],
  ])('takes %j', async (provider) => {
    expect(await boot(provider)).toBe('');
  });

  it.each([
    [{ location: 'evil.example/' }, 'providers.vertex.location: must be "global"'],
    [{ project: 'a/b' }, 'providers.vertex.project: must be the id of a Google Cloud project'],
    [{ apiKey: 'k', project: 'p' }, 'providers.vertex.project: is not for express mode'],
    [{ apiKey: 'k', location: 'eu' }, 'providers.vertex.location: is not for express mode'],
    [{ apiVersion: 'v1' }, 'providers.vertex.apiVersion: is for api "azure-openai" alone'],
    [{ bucketFiles: 'yes' }, 'providers.vertex.bucketFiles: must be true or false'],
    [{ api: 'gemini', apiKey: 'k', project: 'p' }, 'providers.vertex.project: is for api "vertex" alone'],
    [{ api: 'gemini', apiKey: 'k', location: 'eu' }, 'providers.vertex.location: is for api "vertex" alone'],
    [
      { api: 'azure-openai', baseUrl: 'https://r.openai.azure.com', apiKey: 'k', bucketFiles: true },
      'providers.vertex.bucketFiles: is for api "vertex" alone',
    ],
  ])('refuses %j', async (provider, message) => {
    expect(await boot(provider)).toContain(message);
  });

  it.each([
    [
      claude('meta/llama-4-maverick'),
      'models.claude-sonnet-4-5.upstreamModel: api "vertex" calls models of Google and Anthropic',
    ],
    [
      claude('claude-sonnet-4-5-20250929'),
      'Vertex AI writes a date behind an @: "claude-sonnet-4-5@20250929"',
    ],
    [
      { 'claude-sonnet-4-5': { deployments: [{ provider: 'vertex', upstreamModel: 'mistralai/x' }] } },
      'models.claude-sonnet-4-5.deployments[0].upstreamModel: api "vertex" calls models',
    ],
  ] as const)('refuses the models %j', async (models, message) => {
    expect(await boot({}, models as LlmRouterOptions['models'], 'claude-sonnet-4-5')).toContain(message);
  });

  it('refuses Claude in express mode, and takes it elsewhere', async () => {
    expect(await boot({ apiKey: 'k' }, claude(CLAUDE), 'claude-sonnet-4-5')).toContain(
      'Claude is not in express mode',
    );
    expect(await boot({}, claude(CLAUDE), 'claude-sonnet-4-5')).toBe('');
    expect(await boot({}, claude(`anthropic/${CLAUDE}`), 'claude-sonnet-4-5')).toBe('');
  });

  it('gives it no Claude of the catalogue by itself', async () => {
    expect(await boot({}, {}, 'claude-sonnet-4-5')).toContain('no provider serves any of them');
  });

  it('refuses a variable of the environment that is no name of Google Cloud', async () => {
    vi.stubEnv('GOOGLE_CLOUD_LOCATION', 'evil.example/');
    const message = await boot({});
    expect(message).toContain('GOOGLE_CLOUD_LOCATION');
    expect(message).not.toContain('evil');
  });
});
