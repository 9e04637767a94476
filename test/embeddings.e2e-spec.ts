import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { Test } from '@nestjs/testing';
import OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { InjectOpenAI, RouterService, Surface } from 'nestjs-llm-router';
import {
  createScriptedUpstream,
  LlmRouterTesting,
  LlmRouterTestingModule,
  type ScriptedUpstream,
} from 'nestjs-llm-router/testing';
import { adapterFor, type ProviderApi } from '../lib/providers/adapter-registry.js';
// Internal on purpose: only the bus shows how an attempt ended.
import { RouterEngine } from '../lib/router/index.js';
import type { AttemptRecord } from '../lib/telemetry/index.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const SMALL = 'text-embedding-3-small';
const GEMINI = 'gemini-embedding-001';
const AZURE = 'text-embedding-3-large';

const norm = (vector: readonly number[]): number => Math.hypot(...vector);

describe.each(PLATFORMS)('/v1/embeddings on %s', (platform) => {
  let openai: ScriptedUpstream;
  let spare: ScriptedUpstream;
  let gemini: ScriptedUpstream;
  let azure: ScriptedUpstream;
  let router: RouterApp | undefined;

  beforeAll(async () => {
    [openai, spare, gemini, azure] = await Promise.all([
      createScriptedUpstream({ api: 'openai' }),
      createScriptedUpstream({ api: 'openai' }),
      createScriptedUpstream({ api: 'gemini' }),
      createScriptedUpstream({ api: 'azure-openai' }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([openai.close(), spare.close(), gemini.close(), azure.close()]);
  });
  afterEach(async () => {
    await Promise.all([openai.heal(), spare.heal()]);
    await router?.close();
    router = undefined;
  });

  async function open(options: object = {}, models: object = {}): Promise<RouterApp> {
    router = await createRouterApp({
      platform,
      options: {
        providers: {
          openai: { api: 'openai', baseUrl: openai.baseUrl, apiKey: 'k' },
          spare: { api: 'openai-compatible', baseUrl: spare.baseUrl },
          gemini: { api: 'gemini', baseUrl: gemini.baseUrl, apiKey: 'k' },
          azure: { api: 'azure-openai', baseUrl: azure.baseUrl, apiKey: 'k', apiVersion: '2024-10-21' },
        },
        models: {
          [SMALL]: { provider: 'openai' },
          [AZURE]: { provider: 'azure', upstreamModel: 'vectors' },
          ...models,
        },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
        ...options,
      },
    });
    return router;
  }

  const post = (to: RouterApp, body: object, headers?: Record<string, string>): Promise<Response> =>
    to.postJson('/v1/embeddings', body, headers);

  it.each([SMALL, GEMINI, AZURE])(
    'gives %s’s vectors in the order of the inputs, as numbers and as base64',
    async (model) => {
      const { client } = await open();
      const input = ['red', 'blue', 'green'];
      const numbers = await client.embeddings.create({ model, input, encoding_format: 'float' });
      expect(numbers.data.map(({ index, object }) => [index, object])).toEqual([
        [0, 'embedding'],
        [1, 'embedding'],
        [2, 'embedding'],
      ]);
      expect(numbers.usage.prompt_tokens).toBeGreaterThan(0);
      expect(numbers.usage.total_tokens).toBe(numbers.usage.prompt_tokens);
      // The client asks for base64 of its own accord, and decodes it.
      const decoded = await client.embeddings.create({ model, input });
      for (const [index, { embedding }] of decoded.data.entries()) {
        expect(embedding).toHaveLength(16);
        embedding.forEach((value, place) => {
          expect(value).toBeCloseTo(numbers.data[index]!.embedding[place]!, 6);
        });
      }
      const [one] = (await client.embeddings.create({ model, input: 'blue', encoding_format: 'float' })).data;
      expect(one!.embedding).toEqual(numbers.data[1]!.embedding);
    },
  );

  it.each([SMALL, GEMINI])('shortens %s’s vectors, which stay of length 1', async (model) => {
    const { client } = await open();
    const { data } = await client.embeddings.create({
      model,
      input: 'red',
      dimensions: 8,
      encoding_format: 'float',
    });
    expect(data[0]!.embedding).toHaveLength(8);
    expect(norm(data[0]!.embedding)).toBeCloseTo(1, 5);
  });

  it('hands on tokens and fields beyond OpenAI’s; says where it came from', async () => {
    const to = await open();
    const body = { model: SMALL, input: [[1, 2], [3]], input_type: 'query', user: 'u' };
    const response = await post(to, body);
    expect(response.status).toBe(200);
    // Base64 is asked for whatever the client wants: a third of the size.
    expect(openai.requests.at(-1)!.body).toEqual({ ...body, encoding_format: 'base64' });
    expect(response.headers.get('x-llm-model')).toBe(SMALL);
    expect(response.headers.get('x-llm-class')).toBe('embeddings');
    const inWords = await post(to, { model: SMALL, input: 'Words cost what they cost.' });
    expect(Number(inWords.headers.get('x-llm-cost-usd'))).toBeGreaterThan(0);
    // Tokens are of one model's own vocabulary.
    expect((await post(to, { model: GEMINI, input: [[1, 2]] })).status).toBe(400);
  });

  it('goes to another deployment of the same model when one fails, and to no other model', async () => {
    const to = await open(
      { execution: { maxAttempts: 3 } },
      { [SMALL]: { deployments: [{ provider: 'openai' }, { provider: 'spare' }] } },
    );
    openai.failAlways({ kind: 'status', status: 503 });
    const before = spare.requestCount;
    const response = await post(to, { model: SMALL, input: 'red' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-llm-provider')).toBe('spare');
    expect(spare.requestCount).toBe(before + 1);
    spare.failAlways({ kind: 'status', status: 503 });
    const geminiBefore = gemini.requestCount;
    expect((await post(to, { model: SMALL, input: 'red' })).status).toBe(502);
    expect(gemini.requestCount).toBe(geminiBefore);
  });

  it.each([
    [{ model: 'auto', input: 'x' }, 400, 'invalid_request', 'model'],
    [{ model: 'simple_queries', input: 'x' }, 400, 'invalid_request', 'model'],
    [{ model: 'gpt-4o-mini', input: 'x' }, 400, 'invalid_request', 'model'],
    [{ model: 'nobody-knows', input: 'x' }, 404, 'model_not_found', undefined],
    [{ input: 'x' }, 400, 'invalid_request', 'model'],
    [{ model: SMALL }, 400, 'invalid_request', 'input'],
    [{ model: SMALL, input: '' }, 400, 'invalid_request', 'input'],
    [{ model: SMALL, input: [] }, 400, 'invalid_request', 'input'],
    [{ model: SMALL, input: ['x', 3] }, 400, 'invalid_request', 'input[1]'],
    [{ model: SMALL, input: [[1], [-1]] }, 400, 'invalid_request', 'input[1]'],
    [{ model: SMALL, input: 'x', encoding_format: 'hex' }, 400, 'invalid_request', 'encoding_format'],
    [{ model: SMALL, input: 'x', dimensions: 0 }, 400, 'invalid_request', 'dimensions'],
    [{ model: SMALL, input: 'x'.repeat(40_000) }, 400, 'context_length_exceeded', undefined],
  ])('refuses %o', async (body, status, code, param) => {
    const to = await open();
    const before = openai.requestCount;
    const response = await post(to, body);
    expect(response.status).toBe(status);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect(error.code).toBe(code);
    if (param !== undefined) expect(error.param).toBe(param);
    expect(openai.requestCount).toBe(before);
  });

  it('holds the window for the longest input, not for all of them together', async () => {
    const to = await open();
    // About 6,000 tokens each, of a window of 8,192.
    const long = 'word '.repeat(6_000);
    expect((await post(to, { model: SMALL, input: [long, long, long] })).status).toBe(200);
    const manyShort = Array.from({ length: 500 }, () => 'word '.repeat(50));
    expect((await post(to, { model: SMALL, input: manyShort })).status).toBe(200);
    const refused = await post(to, { model: SMALL, input: ['x', 'x'.repeat(40_000)] });
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { code: 'context_length_exceeded' } });
  });

  it('gives a deployment that never answers half the deadline, and the other one the rest', async () => {
    const to = await open(
      { execution: { deadlineMs: 600 } },
      // Chance shares the traffic by weight.
      { [SMALL]: { deployments: [{ provider: 'openai', weight: 1_000_000 }, { provider: 'spare' }] } },
    );
    const { bus } = to.app.get(RouterEngine, { strict: false });
    const attempts: AttemptRecord[] = [];
    bus.on('attempt-ended', (record) => attempts.push(record));
    openai.failNext({ kind: 'stalled' });
    const { abortedCount } = openai;
    const response = await post(to, { model: SMALL, input: 'red' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-llm-provider')).toBe('spare');
    await openai.whenAborted(abortedCount + 1);
    expect(attempts).toMatchObject([
      { provider: 'openai', outcome: 'timed_out', errorKind: 'timeout' },
      { provider: 'spare', outcome: 'succeeded' },
    ]);
    expect(attempts[0]!.durationMs).toBeGreaterThanOrEqual(280);
    expect(attempts[0]!.durationMs).toBeLessThan(590);
  });

  it('gives the only deployment the whole deadline', async () => {
    const to = await open({ execution: { deadlineMs: 300 } });
    openai.failNext({ kind: 'stalled' });
    const startedAt = performance.now();
    const response = await post(to, { model: SMALL, input: 'red' });
    expect(response.status).toBe(504);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290);
  });

  it('hands the caller’s own fault on, and tries nobody else', async () => {
    const to = await open({}, { [SMALL]: { deployments: [{ provider: 'openai' }, { provider: 'spare' }] } });
    openai.failNext({ kind: 'status', status: 400 });
    spare.failNext({ kind: 'status', status: 400 });
    const before = openai.requestCount + spare.requestCount;
    expect((await post(to, { model: SMALL, input: 'x' })).status).toBe(400);
    expect(openai.requestCount + spare.requestCount).toBe(before + 1);
    await Promise.all([openai.heal(), spare.heal()]);
  });

  it('holds a surface’s cap on what a request costs', async () => {
    const to = await open({ surfaces: { thrifty: { maxCostPerRequest: 0.000001 } } });
    const long = { model: SMALL, input: 'word '.repeat(2_000) };
    expect((await post(to, long)).status).toBe(200);
    const response = await post(to, long, { 'x-llm-surface': 'thrifty' });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'no_eligible_model' } });
  });

  it('a body that is nested without end is the caller’s fault, and not the deployment’s', async () => {
    const to = await open();
    const nested = `{"model":"${SMALL}","input":"x","extra":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    const before = openai.requestCount;
    for (let count = 0; count < 6; count += 1) {
      const response = await to.fetch('/v1/embeddings', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: nested,
      });
      expect(response.status).toBe(400);
    }
    expect(openai.requestCount).toBe(before);
    const health = (await (await to.fetch('/health')).json()) as { status: string };
    expect(health.status).toBe('ok');
  });

  it('all calls of a request together stay under its cap', async () => {
    const to = await open(
      { surfaces: { capped: { maxCostPerRequest: 0.0000015 } } },
      {
        [SMALL]: {
          deployments: [{ provider: 'openai' }, { provider: 'spare' }],
          price: { inputPer1M: 0.02, outputPer1M: 0 },
        },
      },
    );
    openai.failNext({ kind: 'cut', afterChunks: 0 }, 5);
    spare.failNext({ kind: 'cut', afterChunks: 0 }, 5);
    const before = openai.requestCount + spare.requestCount;
    const response = await post(
      to,
      { model: SMALL, input: 'word '.repeat(40) },
      { 'x-llm-surface': 'capped' },
    );
    expect(response.status).toBe(502);
    expect(openai.requestCount + spare.requestCount).toBe(before + 1);
    await Promise.all([openai.heal(), spare.heal()]);
  });

  it('ends the upstream call when the client leaves, and counts requests and calls', async () => {
    const { client, fetch } = await open();
    openai.failNext({ kind: 'stalled' });
    const left = new AbortController();
    const asked = client.embeddings.create({ model: SMALL, input: 'x' }, { signal: left.signal });
    const { requestCount, abortedCount } = openai;
    await openai.whenRequests(requestCount + 1);
    left.abort();
    await expect(asked).rejects.toThrow();
    await openai.whenAborted(abortedCount + 1);
    await client.embeddings.create({ model: SMALL, input: 'x' });
    const kpis = (await (await fetch('/router/kpis?by=model')).json()) as Record<string, unknown>;
    expect(JSON.stringify(kpis)).toContain(SMALL);
  });
});

class Searching {
  constructor(
    readonly router: RouterService,
    readonly client: OpenAI,
  ) {}

  @Surface('search')
  async surfaceOf(): Promise<string> {
    return (await this.router.embed({ model: SMALL, input: 'x' })).routing.surface;
  }
}
InjectOpenAI()(Searching, undefined, 1);
Reflect.defineMetadata('design:paramtypes', [RouterService, OpenAI], Searching);

describe('embeddings in process', () => {
  it('come by RouterService in the surface of the method, and by the injected client', async () => {
    const module = await Test.createTestingModule({
      imports: [LlmRouterTestingModule.forRoot({ surfaces: { search: {} } })],
      providers: [Searching],
    }).compile();
    const searching = module.get(Searching);
    expect(await searching.surfaceOf()).toBe('search');
    const { data } = await searching.client.embeddings.create({ model: SMALL, input: ['a', 'b'] });
    expect(data).toHaveLength(2);
    const llm = module.get(LlmRouterTesting);
    llm.failNext('server_error', 4);
    await expect(searching.router.embed({ model: SMALL, input: 'x' })).rejects.toMatchObject({
      code: 'all_attempts_failed',
    });
    llm.expectRouted({ model: SMALL, requestClass: 'embeddings', outcome: 'succeeded', times: 2 });
    await module.close();
  });
});

const SHARED = new URL('../../shared/fixtures/', import.meta.url);

interface Recording {
  readonly id: string;
  readonly provider: string;
  readonly status: number;
  readonly request: { readonly path: string; readonly body: Record<string, unknown> | null };
  readonly body: Record<string, unknown>;
}

/** The recordings have a small PNG in the place of every long base64 text, vectors among them. */
function withVector(key: string, value: unknown): unknown {
  return key === 'embedding' && typeof value === 'string' && value.startsWith('iVBORw0KGgo')
    ? 'AACAPwAAAEA='
    : value;
}

describe.skipIf(!existsSync(SHARED))('recorded embeddings (skipped where ../shared is absent)', () => {
  const apis: Readonly<Record<string, ProviderApi>> = {
    openai: 'openai',
    azure: 'azure-openai',
    mistral: 'openai-compatible',
    gemini: 'gemini',
  };
  const recordings = Object.keys(apis).flatMap((provider) =>
    existsSync(SHARED)
      ? readdirSync(new URL(`${provider}/`, SHARED))
          .filter((name) => name.startsWith('embeddings.'))
          .map(
            (name) =>
              JSON.parse(
                readFileSync(new URL(`${provider}/${name}`, SHARED), 'utf8'),
                withVector,
              ) as Recording,
          )
      : [],
  );

  it('are there', () => {
    expect(recordings.length).toBeGreaterThan(10);
  });

  it.each(recordings)('$id', ({ provider, status, request, body }) => {
    const adapter = adapterFor(apis[provider]!);
    const asked = request.body ?? { model: SMALL, input: ['', ''] };
    const requests = asked.requests as
      { content: { parts: { text: string }[] }; outputDimensionality?: number }[] | undefined;
    const texts = requests?.map(({ content }) => content.parts[0]!.text) ?? [asked.input].flat();
    const call = {
      upstreamModel:
        typeof asked.model === 'string' ? asked.model : (/models\/([^:]+)/.exec(request.path)?.[1] ?? ''),
      request: {
        model: 'm',
        input: texts as string[],
        sentInput: texts,
        encodingFormat: asked.encoding_format === 'base64' ? ('base64' as const) : ('float' as const),
        dimensions: requests?.[0]?.outputDimensionality,
        user: undefined,
        extras: {},
      },
    };
    if (status >= 300) {
      expect(adapter.parseError({ status, headers: {}, body }).kind).toBe('not_found');
      return;
    }
    const wire = adapter.embeddings!.buildRequest(call);
    if (request.body !== null) {
      const sent = wire.body as Record<string, unknown>;
      const single = typeof asked.input === 'string' ? { ...asked, input: [asked.input] } : asked;
      // A task is Google's own word, which OpenAI's requests have no place for.
      const wanted = requests === undefined ? single : { requests };
      const withoutTask: unknown = JSON.parse(
        JSON.stringify(wanted, (key, value: unknown) => (key === 'taskType' ? undefined : value)),
      );
      const asked64 = provider === 'openai' ? { encoding_format: 'base64' } : {};
      expect(sent).toEqual({ ...(withoutTask as object), ...asked64 });
    }
    const { vectors, usage } = adapter.embeddings!.parseAnswer(body, call);
    const recorded = ((body.data ?? body.embeddings) as { embedding?: unknown; values?: number[] }[]).map(
      (entry) => entry.embedding ?? entry.values,
    );
    expect(vectors).toHaveLength(texts.length);
    vectors.forEach((vector, index) => {
      const expected = recorded[index] as number[] | string;
      if (typeof vector === 'string' || typeof expected === 'string') {
        expect(vector).toBe(expected);
        return;
      }
      const length = requests?.[0]?.outputDimensionality === undefined ? 1 : norm(expected);
      vector.forEach((value, place) => {
        expect(value).toBeCloseTo(expected[place]! / length, 9);
      });
    });
    const reported =
      (body.usage as { prompt_tokens?: number } | undefined)?.prompt_tokens ??
      (body.usageMetadata as { promptTokenCount?: number } | undefined)?.promptTokenCount;
    expect(usage?.promptTokens).toBe(reported);
  });
});
