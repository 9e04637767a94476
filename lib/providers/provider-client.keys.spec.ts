import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProviderApiName } from '../config/index.js';
import { ProviderError } from '../errors/provider-error.js';
import { adapterFor } from './adapter-registry.js';
import { AxiosTransport } from './axios-transport.js';
import type { ProviderCall } from './provider-adapter.js';
import { ProviderClient } from './provider-client.js';
import { ProviderKeys } from './provider-keys.js';
import type { TransportRequest, TransportResponse } from './transport.js';
import { VERTEX_DEFAULTS } from './vertex/vertex-settings.js';

const CALL: ProviderCall = {
  upstreamModel: 'gemini-2.5-flash',
  request: { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
  stream: false,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
};

/** Where each wire carries its key. */
const HEADERS = {
  openai: 'authorization',
  'openai-compatible': 'authorization',
  mistral: 'authorization',
  'azure-openai': 'api-key',
  anthropic: 'x-api-key',
  gemini: 'x-goog-api-key',
  vertex: 'x-goog-api-key',
  bedrock: 'authorization',
} as const satisfies Partial<Record<ProviderApiName, string>>;
type KeyedApi = keyof typeof HEADERS;

/** Keeps the bodies, to see when they are closed. */
class KeptTransport extends AxiosTransport {
  readonly bodies: Readable[] = [];

  override async send(request: TransportRequest): Promise<TransportResponse> {
    const response = await super.send(request);
    this.bodies.push(response.body);
    return response;
  }
}

const ANSWER = JSON.stringify({
  id: 'x',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
});
const chunk = (delta: object, finishReason: string | null): string =>
  `data: ${JSON.stringify({
    id: 'x',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  })}\n\n`;
const JSON_TYPE = { 'content-type': 'application/json' };
const SSE = { 'content-type': 'text/event-stream' };

describe.each(['undici', 'http'] as const)('ProviderClient with keys, over %s', (adapter) => {
  const never = new AbortController().signal;
  let nowMs: number;
  let server: Server;
  /** The key of each request, in their order. */
  let sent: string[];
  let answer: (key: string, response: ServerResponse, url: string) => void;
  let transport: KeptTransport;
  let keyOf: (headers: IncomingHttpHeaders) => string;

  beforeEach(async () => {
    nowMs = 1_000_000;
    sent = [];
    server = createServer((request, response) => {
      const key = keyOf(request.headers);
      sent.push(key);
      request.resume().on('end', () => {
        answer(key, response, request.url ?? '');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    transport = new KeptTransport({ adapter, connectTimeoutMs: 5_000, caFile: undefined });
  });

  afterEach(async () => {
    await transport.close();
    server.closeAllConnections();
    server.close();
  });

  function open(api: KeyedApi, ...keys: string[]): ProviderClient {
    keyOf = (headers) => String(headers[HEADERS[api]]).replace('Bearer ', '');
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const vertex = api === 'vertex' ? { ...VERTEX_DEFAULTS, isExpress: true } : undefined;
    return new ProviderClient({
      name: 'p',
      adapter: adapterFor(api, { apiVersion: undefined, baseUrl, region: 'eu-west-1', vertex }),
      transport,
      baseUrl,
      keys: new ProviderKeys({ source: { from: 'list', keys }, nowMs: () => nowMs }),
    });
  }

  async function ask(client: ProviderClient): Promise<ProviderError | undefined> {
    try {
      await client.prepare(CALL).complete(never, () => undefined);
      return undefined;
    } catch (error) {
      if (error instanceof ProviderError) return error;
      throw error;
    }
  }

  const openStream = (client: ProviderClient, signal = never) =>
    client.prepare({ ...CALL, stream: true }).openStream(signal);

  it.each(Object.keys(HEADERS) as KeyedApi[])('goes on to the next key after a refusal: %s', async (api) => {
    const client = open(api, 'one', 'two');
    answer = (_key, response) => {
      response.writeHead(api === 'gemini' ? 400 : 401, JSON_TYPE).end(
        api === 'gemini'
          ? JSON.stringify({
              error: {
                code: 400,
                status: 'INVALID_ARGUMENT',
                details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }],
              },
            })
          : '{}',
      );
    };
    expect(await ask(client)).toMatchObject({ kind: 'authentication', otherKeyReady: true });
    expect(client.keyHealth()).toEqual({ total: 2, usable: 1, refused: [1], resting: [] });
    expect(await ask(client)).toMatchObject({ kind: 'authentication', otherKeyReady: false });
    expect(sent).toEqual(['one', 'two']);
    expect(await ask(client)).toMatchObject({
      kind: 'authentication',
      status: undefined,
      providerCode: 'no_usable_key',
      retryAfterMs: 60_000,
      otherKeyReady: false,
    });
    expect(sent).toEqual(['one', 'two']);
    expect(client.readSecrets()).toEqual(['one', 'two']);
  });

  it('sends the first call with a single key as ever, then none until a minute has passed', async () => {
    const client = open('openai', 'one');
    answer = (_key, response) => response.writeHead(401, JSON_TYPE).end('{}');
    expect(await ask(client)).toMatchObject({ kind: 'authentication', status: 401, otherKeyReady: false });
    expect(await ask(client)).toMatchObject({ providerCode: 'no_usable_key' });
    await expect(openStream(client)).rejects.toMatchObject({ providerCode: 'no_usable_key' });
    expect(sent).toHaveLength(1);
    nowMs += 60_000;
    answer = (_key, response) => response.writeHead(200, JSON_TYPE).end(ANSWER);
    expect(await ask(client)).toBeUndefined();
    expect(client.keyHealth()).toMatchObject({ usable: 1, refused: [] });
  });

  it.each([
    [402, '{}', 'billing'],
    [429, '{"error":{"code":"insufficient_quota"}}', 'billing'],
    [401, '<html>', 'authentication'],
  ])('takes a key out after a %i %s', async (status, body, kind) => {
    const client = open('openai', 'one', 'two');
    answer = (_key, response) => response.writeHead(status, JSON_TYPE).end(body);
    expect(await ask(client)).toMatchObject({ kind, otherKeyReady: true });
    expect(client.keyHealth()?.refused).toEqual([1]);
  });

  it('takes a key out after a 401 whose body breaks off', async () => {
    const client = open('openai', 'one', 'two');
    answer = (_key, response) => {
      response.writeHead(401, { ...JSON_TYPE, 'content-length': '100' }).write('{', () => response.destroy());
    };
    expect(await ask(client)).toMatchObject({ kind: 'connection' });
    expect(client.keyHealth()?.refused).toEqual([1]);
  });

  it('takes a key out that an error inside a stream, or inside a 200, says is none', async () => {
    const client = open('openai', 'one', 'two', 'three');
    const error = JSON.stringify({ error: { type: 'authentication_error', message: 'no' } });
    answer = (_key, response) => response.writeHead(200, SSE).end(`data: ${error}\n\n`);
    const { chunks } = await openStream(client);
    await expect(chunks.next()).rejects.toMatchObject({ kind: 'authentication', otherKeyReady: true });
    answer = (_key, response) => response.writeHead(200, JSON_TYPE).end(error);
    expect(await ask(client)).toMatchObject({ kind: 'authentication', otherKeyReady: true });
    await expect(openStream(client)).rejects.toMatchObject({ kind: 'authentication', otherKeyReady: false });
    expect(sent).toEqual(['one', 'two', 'three']);
    expect(client.keyHealth()?.refused).toEqual([1, 2, 3]);
  });

  it('rests a key after a 429 for its Retry-After, and sends with the one that rests the shortest', async () => {
    const client = open('openai', 'one', 'two');
    answer = (key, response) =>
      response
        .writeHead(429, { ...JSON_TYPE, 'retry-after': key === 'one' ? '30' : '10' })
        .end('{"error":{"code":"rate_limit_exceeded"}}');
    expect(await ask(client)).toMatchObject({
      kind: 'rate_limited',
      otherKeyReady: true,
      retryAfterMs: 30_000,
    });
    expect(await ask(client)).toMatchObject({ kind: 'rate_limited', otherKeyReady: false });
    expect(client.keyHealth()).toEqual({ total: 2, usable: 2, refused: [], resting: [1, 2] });
    expect(client.headroom()).toBe(0);
    await ask(client);
    expect(sent).toEqual(['one', 'two', 'two']);
  });

  it('tries another key after a 403, and takes none out', async () => {
    const client = open('anthropic', 'one', 'two');
    answer = (_key, response) => response.writeHead(403, JSON_TYPE).end('{}');
    expect(await ask(client)).toMatchObject({ kind: 'permission', otherKeyReady: true });
    expect(await ask(client)).toMatchObject({ kind: 'permission', otherKeyReady: false });
    expect(sent).toEqual(['one', 'two']);
    expect(client.keyHealth()).toMatchObject({ usable: 2 });
  });

  it('uses the key with the most headroom, as answers and refusals tell it', async () => {
    const client = open('openai', 'one', 'two');
    const left = (remaining: number) => ({
      'x-ratelimit-limit-requests': '100',
      'x-ratelimit-remaining-requests': String(remaining),
      'x-ratelimit-reset-requests': '6m0s',
    });
    answer = (key, response) =>
      key === 'one'
        ? response.writeHead(200, { ...JSON_TYPE, ...left(90) }).end(ANSWER)
        : response.writeHead(500, { ...JSON_TYPE, ...left(20) }).end('{}');
    await ask(client);
    expect(client.headroom()).toBeUndefined();
    await ask(client);
    expect(client.headroom()).toBe(0.9);
    await ask(client);
    await ask(client);
    expect(sent).toEqual(['one', 'two', 'one', 'one']);
  });

  it('counts a stream as under way until its body is closed', async () => {
    const client = open('openai', 'one', 'two');
    const responses: ServerResponse[] = [];
    answer = (_key, response) => {
      responses.push(response);
      response.writeHead(200, SSE).write(chunk({ role: 'assistant', content: 'Hi' }, null));
    };
    await openStream(client);
    const second = await openStream(client);
    await second.chunks.next();
    // In turn it would be the first one's, which has read nothing yet.
    for (const text of [chunk({}, 'stop'), 'data: [DONE]\n\n']) responses[1]!.write(text);
    responses[1]!.end();
    for await (const group of second.chunks) expect(group).toBeDefined();
    const body = transport.bodies[1]!;
    if (!body.closed) await once(body, 'close');
    await openStream(client);
    expect(sent).toEqual(['one', 'two', 'two']);
  });

  it('gives the key back when the caller leaves, also in the middle of a trial', async () => {
    const client = open('openai', 'one');
    answer = (_key, response) => response.writeHead(401, JSON_TYPE).end('{}');
    await ask(client);
    nowMs += 60_000;
    const controller = new AbortController();
    const arrived = new Promise<void>((resolve) => {
      answer = () => {
        resolve();
      };
    });
    const trial = openStream(client, controller.signal);
    await arrived;
    expect(await ask(client)).toMatchObject({ providerCode: 'no_usable_key', retryAfterMs: 1_000 });
    const reason = new Error('left');
    controller.abort(reason);
    await expect(trial).rejects.toBe(reason);
    answer = (_key, response) => response.writeHead(200, JSON_TYPE).end(ANSWER);
    expect(await ask(client)).toBeUndefined();
  });

  it('judges no key by a probe, and sends it while all are out', async () => {
    const client = open('openai', 'one');
    answer = (_key, response, url) =>
      response.writeHead(url.endsWith('/models') ? 200 : 401, JSON_TYPE).end('{"data":[]}');
    await ask(client);
    await client.probe(never);
    expect(client.keyHealth()).toMatchObject({ usable: 0 });
    const other = open('openai', 'one');
    answer = (_key, response) => response.writeHead(401, JSON_TYPE).end('{}');
    await expect(other.probe(never)).rejects.toMatchObject({ kind: 'authentication' });
    expect(other.keyHealth()).toMatchObject({ usable: 1 });
    expect(sent).toHaveLength(3);
  });

  it('has nothing to tell of keys where there are none', () => {
    const client = new ProviderClient({
      name: 'p',
      adapter: adapterFor('openai', {
        apiVersion: undefined,
        baseUrl: undefined,
        region: undefined,
        vertex: undefined,
      }),
      transport,
      baseUrl: 'http://127.0.0.1:1',
      keys: undefined,
    });
    expect([client.keyHealth(), client.headroom(), client.readSecrets()]).toEqual([undefined, undefined, []]);
  });
});
