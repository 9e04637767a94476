import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { OpenAIEmbeddings } from '@langchain/openai';
import { APICallError, embed, embedMany, type EmbeddingModel } from 'ai';
import OpenAI from 'openai';
import OpenAI4 from 'openai-4';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { raisedBy } from './support/clients/expect-client-error.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const MODEL = 'text-embedding-3-small';
const OTHER_MODEL = 'text-embedding-3-large';
const CHAT_MODEL = 'gpt-4o-mini';
const KEY = 'key-of-the-client';
const DIMENSIONS = 6;
const TEXTS = ['one', 'zwei', '三', '🦀'];
type Json = Readonly<Record<string, unknown>>;

/** A model of its own: what a failure teaches the signals is not another test's. */
const failingModel = (status: number): string => `failing-with-${status}`;

/** A vector of numbers that 32 bits hold exactly, another for every input. */
function vectorOf(input: unknown, dimensions = DIMENSIONS): number[] {
  const sum = Buffer.from(JSON.stringify(input)).reduce((total, byte) => total + byte, 0);
  return Array.from({ length: dimensions }, (_, index) => ((sum % 251) - 125) / 128 + index / 8);
}

function toBase64(vector: readonly number[]): string {
  return Buffer.from(Float32Array.from(vector).buffer).toString('base64');
}

function fromBase64(text: string): number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

/** A list of texts, a text, a list of tokens, a list of those. */
function inputsOf(input: unknown): unknown[] {
  return Array.isArray(input) && typeof input[0] !== 'number' ? (input as unknown[]) : [input];
}

/** OpenAI's embeddings from the server's side, by its published reference. */
class EmbeddingsUpstream {
  readonly requests: { readonly body: Json; readonly authorization: string | undefined }[] = [];
  abortedCount = 0;
  /** The status of every answer, where it is to be an error. */
  status: number | undefined;
  isStalled = false;
  /** Some servers heed no `encoding_format`. */
  alwaysSends: 'base64' | 'float' | undefined;
  readonly #server: Server;
  #onChange: () => void = () => undefined;

  private constructor() {
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  static async open(): Promise<EmbeddingsUpstream> {
    const upstream = new EmbeddingsUpstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  get bodies(): Json[] {
    return this.requests.map(({ body }) => body);
  }

  reset(): void {
    this.requests.length = 0;
    this.abortedCount = 0;
    this.status = undefined;
    this.isStalled = false;
    this.alwaysSends = undefined;
  }

  async when(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((resolve) => (this.#onChange = resolve));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.once('close', () => {
      if (!response.writableFinished) this.abortedCount += 1;
      this.#onChange();
    });
    const pieces: Buffer[] = [];
    for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as Json;
    this.requests.push({ body, authorization: request.headers.authorization });
    this.#onChange();
    if (this.isStalled) return;
    if (this.status !== undefined || request.url !== '/v1/embeddings') {
      const error = { message: 'Simulated.', type: 'invalid_request_error', param: null, code: null };
      response.writeHead(this.status ?? 404, {
        'content-type': 'application/json',
        // Longer than any deadline here: otherwise the router would wait.
        ...(this.status === 429 && { 'retry-after': '600' }),
      });
      response.end(JSON.stringify({ error }));
      return;
    }
    const inputs = inputsOf(body.input);
    const format = this.alwaysSends ?? body.encoding_format ?? 'float';
    const data = inputs.map((input, index) => {
      const vector = vectorOf(input, (body.dimensions as number | undefined) ?? DIMENSIONS);
      return { object: 'embedding', index, embedding: format === 'base64' ? toBase64(vector) : vector };
    });
    const usage = { prompt_tokens: 3 * inputs.length, total_tokens: 3 * inputs.length };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ object: 'list', data, model: body.model, usage }));
  }
}

describe.each(PLATFORMS)('embeddings on %s', (platform) => {
  let first: EmbeddingsUpstream;
  let second: EmbeddingsUpstream;
  let router: RouterApp;
  let baseURL: string;

  beforeAll(async () => {
    first = await EmbeddingsUpstream.open();
    second = await EmbeddingsUpstream.open();
    router = await createRouterApp({
      platform,
      options: {
        providers: {
          first: { api: 'openai', baseUrl: first.baseUrl, apiKey: 'our-key' },
          second: { api: 'openai', baseUrl: second.baseUrl, apiKey: 'our-key' },
        },
        models: {
          [CHAT_MODEL]: { provider: 'first' },
          // Only another deployment of a model takes over for it.
          [MODEL]: { deployments: [{ provider: 'first' }, { provider: 'second' }] },
          [OTHER_MODEL]: { provider: 'second' },
          ...Object.fromEntries(
            [400, 429, 500].map((status) => [
              failingModel(status),
              {
                provider: 'first',
                capabilities: ['embeddings' as const],
                price: { inputPer1M: 0.02, outputPer1M: 0 },
              },
            ]),
          ),
        },
        routingRules: { simple_queries: { primary: CHAT_MODEL } },
        http: { apiKeys: [{ key: KEY }] },
        execution: { maxAttempts: 2 },
      },
    });
    baseURL = `${router.url}/v1`;
  });

  beforeEach(() => {
    first.reset();
    second.reset();
  });

  afterAll(async () => {
    (router.app.getHttpServer() as Server).closeAllConnections();
    await router.close();
    await Promise.all([first.close(), second.close()]);
  });

  /** Which of the two is asked first is the router's choice. */
  const bodies = (): Json[] => [...first.bodies, ...second.bodies];
  const post = (body: Json, apiKey = KEY): Promise<Response> =>
    router.postJson('/v1/embeddings', body, { authorization: `Bearer ${apiKey}` });

  describe.each([
    ['openai 6', OpenAI],
    ['openai 4', OpenAI4],
  ])('%s', (_name, Client) => {
    const create = (maxRetries = 0): OpenAI => new Client({ apiKey: KEY, baseURL, maxRetries }) as OpenAI;

    it.each([
      ['as it asks by itself, in base64', undefined],
      ['as base64 asked for', 'base64'],
      ['as floats', 'float'],
    ] as const)('a text and a list of texts, %s', async (_how, encoding) => {
      const asked = encoding === undefined ? {} : { encoding_format: encoding };
      const one = await create().embeddings.create({ model: MODEL, input: 'one', ...asked });
      const many = await create().embeddings.create({ model: MODEL, input: TEXTS, ...asked });
      const read = (value: unknown): unknown => (typeof value === 'string' ? fromBase64(value) : value);
      expect(one.data.map(({ embedding }) => read(embedding))).toEqual([vectorOf('one')]);
      expect(many.data.map(({ index, embedding }) => [index, read(embedding)])).toEqual(
        TEXTS.map((text, index) => [index, vectorOf(text)]),
      );
      expect(many).toMatchObject({
        object: 'list',
        model: MODEL,
        usage: { prompt_tokens: 3 * TEXTS.length, total_tokens: 3 * TEXTS.length },
      });
    });

    it.each([
      ['a list of tokens', [1, 2, 3]],
      [
        'lists of tokens',
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ])('%s', async (_name_, input) => {
      const { data } = await create().embeddings.create({ model: MODEL, input });
      expect(data.map(({ embedding }) => embedding)).toEqual(inputsOf(input).map((part) => vectorOf(part)));
      expect(bodies()).toMatchObject([{ input }]);
    });

    it('dimensions, and who asks', async () => {
      const { data } = await create().embeddings.create({
        model: MODEL,
        input: 'one',
        dimensions: 3,
        user: 'ann',
      });
      expect(data[0]?.embedding).toEqual(vectorOf('one', 3));
      expect(bodies()).toMatchObject([{ dimensions: 3, user: 'ann' }]);
    });

    it('the errors of its own classes', async () => {
      const ask = (model: string, client = create()): Promise<unknown> =>
        raisedBy(client.embeddings.create({ model, input: 'one' }));
      expect(await ask('auto')).toBeInstanceOf(Client.BadRequestError);
      expect(await ask('simple_queries')).toBeInstanceOf(Client.BadRequestError);
      expect(await ask(CHAT_MODEL)).toBeInstanceOf(Client.BadRequestError);
      expect(await ask('text-embedding-97')).toBeInstanceOf(Client.NotFoundError);
      const stranger = new Client({ apiKey: 'wrong', baseURL, maxRetries: 2 }) as OpenAI;
      expect(await ask(MODEL, stranger)).toBeInstanceOf(Client.AuthenticationError);
      expect(bodies()).toEqual([]);

      for (const [status, errorClass] of [
        [400, Client.BadRequestError],
        [429, Client.RateLimitError],
        [500, Client.InternalServerError],
      ] as const) {
        first.status = status;
        expect(await ask(failingModel(status))).toBeInstanceOf(errorClass);
      }
      expect(second.bodies).toEqual([]);
    });
  });

  it('LangChain: a query, and documents in batches', async () => {
    const embeddings = new OpenAIEmbeddings({
      model: MODEL,
      apiKey: KEY,
      batchSize: 3,
      maxRetries: 0,
      configuration: { baseURL },
    });
    expect(await embeddings.embedQuery('one')).toEqual(vectorOf('one'));
    expect(await embeddings.embedDocuments(TEXTS)).toEqual(TEXTS.map((text) => vectorOf(text)));
    expect(bodies()).toHaveLength(3);
  });

  it.each([
    [
      '@ai-sdk/openai',
      (url: string, apiKey: string, model: string): EmbeddingModel =>
        createOpenAI({ baseURL: url, apiKey }).embedding(model),
    ],
    [
      '@ai-sdk/openai-compatible',
      (url: string, apiKey: string, model: string): EmbeddingModel =>
        createOpenAICompatible({ name: 'router', baseURL: url, apiKey }).embeddingModel(model),
    ],
  ])('%s: one value, many, usage, and errors', async (_name, create) => {
    const model = create(baseURL, KEY, MODEL);
    const one = await embed({ model, value: 'one', maxRetries: 0 });
    expect(one).toMatchObject({ embedding: vectorOf('one'), usage: { tokens: 3 } });
    const many = await embedMany({ model, values: TEXTS, maxRetries: 0 });
    expect(many.embeddings).toEqual(TEXTS.map((text) => vectorOf(text)));
    const refused = await raisedBy(
      embed({ model: create(baseURL, KEY, 'auto'), value: 'one', maxRetries: 2 }),
    );
    if (!APICallError.isInstance(refused)) throw refused;
    expect(refused).toMatchObject({ statusCode: 400, isRetryable: false });
  });

  it.each([
    ['base64', 'float'],
    ['float', 'base64'],
    ['base64', undefined],
  ] as const)(
    'an upstream that sends %s alone, asked for %s: the client gets its own',
    async (sends, asked) => {
      first.alwaysSends = sends;
      second.alwaysSends = sends;
      const response = await post({ model: MODEL, input: TEXTS, encoding_format: asked });
      const { data } = (await response.json()) as { data: { embedding: unknown }[] };
      const expected = TEXTS.map((text) => vectorOf(text));
      expect(data.map(({ embedding }) => embedding)).toEqual(
        asked === 'base64' ? expected.map((vector) => toBase64(vector)) : expected,
      );
    },
  );

  it.each([
    ['no model', { input: 'one' }],
    ['no input', { model: MODEL }],
    ['an empty text', { model: MODEL, input: '' }],
    ['an empty list', { model: MODEL, input: [] }],
    ['an empty list of tokens', { model: MODEL, input: [[]] }],
    ['an object for input', { model: MODEL, input: { text: 'one' } }],
    ['numbers and texts mixed', { model: MODEL, input: ['one', 2] }],
    ['an encoding nobody knows', { model: MODEL, input: 'one', encoding_format: 'hex' }],
    ['no dimension', { model: MODEL, input: 'one', dimensions: 0 }],
    ['half a dimension', { model: MODEL, input: 'one', dimensions: 1.5 }],
  ])('refuses %s in OpenAI’s shape, and asks no one', async (_name, body) => {
    const response = await post(body);
    expect({ status: response.status, body: await response.json() }).toMatchObject({
      status: 400,
      body: { error: { type: 'invalid_request_error', message: expect.any(String) as string } },
    });
    expect(bodies()).toEqual([]);
  });

  it('sends our key, the upstream’s name of the model, and says what served it', async () => {
    const response = await post({ model: MODEL, input: 'one' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-llm-model')).toBe(MODEL);
    expect(response.headers.get('x-llm-cost-usd')).toMatch(/^[\d.]+$/);
    expect([...first.requests, ...second.requests]).toMatchObject([
      { authorization: 'Bearer our-key', body: { model: MODEL, input: 'one' } },
    ]);
  });

  it('goes to another deployment of the model, never to another model', async () => {
    first.status = 503;
    const taken = await post({ model: MODEL, input: 'one' });
    expect(taken.headers.get('x-llm-provider')).toBe('second');
    expect(await taken.json()).toMatchObject({ model: MODEL, data: [{ embedding: vectorOf('one') }] });
    first.reset();
    second.status = 503;
    const failed = await post({ model: OTHER_MODEL, input: 'one' });
    expect(failed.status).toBeGreaterThanOrEqual(500);
    expect(first.bodies).toEqual([]);
  });

  describe('a client that leaves', () => {
    afterEach(() => {
      first.reset();
      second.reset();
    });

    it('ends the upstream call', async () => {
      first.isStalled = true;
      second.isStalled = true;
      const leave = new AbortController();
      const client = new OpenAI({ apiKey: KEY, baseURL, maxRetries: 0 });
      const asking = raisedBy(
        client.embeddings.create({ model: MODEL, input: 'one' }, { signal: leave.signal }),
      );
      const asked = first;
      await Promise.race([
        asked.when(() => asked.requests.length > 0),
        second.when(() => second.requests.length > 0),
      ]);
      const upstream = asked.requests.length > 0 ? asked : second;
      leave.abort();
      expect(await asking).toBeInstanceOf(OpenAI.APIUserAbortError);
      await upstream.when(() => upstream.abortedCount > 0);
    });
  });
});
