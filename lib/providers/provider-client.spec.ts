import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AxiosTransport } from './axios-transport.js';
import { AwsRequestAuthorizer } from './bedrock/aws-request-authorizer.js';
import { BedrockAdapter } from './bedrock/bedrock.adapter.js';
import type { ProviderCall } from './provider-adapter.js';
import { ProviderClient } from './provider-client.js';

const codec = new EventStreamCodec(
  (bytes: string | Uint8Array) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
  (text) => Buffer.from(text),
);

const CALL: ProviderCall = {
  upstreamModel: 'amazon.nova-lite-v1:0',
  request: { model: 'm', messages: [{ role: 'user', content: 'Hello' }] },
  stream: false,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
};

/** Bedrock, signed for with keys that were rotated while it was called. */
describe('ProviderClient with an authorizer', () => {
  const never = new AbortController().signal;
  let server: Server;
  let keys: (string | undefined)[];
  let answer: (response: ServerResponse) => void;
  let transport: AxiosTransport;
  let client: ProviderClient;

  const failWith =
    (status: number, name: string) =>
    (response: ServerResponse): void => {
      response
        .writeHead(status, { 'content-type': 'application/json', 'x-amzn-errortype': name })
        .end('{"message":"no"}');
    };
  const complete = (): Promise<unknown> =>
    client
      .prepare(CALL)
      .complete(never, () => undefined)
      .catch((error: unknown) => error);
  const stream = async (): Promise<unknown> => {
    try {
      const { chunks } = await client.prepare({ ...CALL, stream: true }).openStream(never);
      for await (const group of chunks) expect(group).toEqual([]);
      return undefined;
    } catch (error) {
      return error;
    }
  };

  beforeEach(async () => {
    for (const name of Object.keys(process.env).filter((key) => key.startsWith('AWS_'))) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
    vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDONE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret-one');
    keys = [];
    server = createServer((request, response) => {
      keys.push(/Credential=(\w+)\//.exec(request.headers.authorization ?? '')?.[1]);
      request.resume().on('end', () => {
        answer(response);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    transport = new AxiosTransport({ adapter: 'undici', connectTimeoutMs: 5_000, caFile: undefined });
    client = new ProviderClient({
      name: 'aws',
      adapter: new BedrockAdapter({ region: 'eu-west-1' }),
      transport,
      baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      keys: undefined,
      authorizer: new AwsRequestAuthorizer({ region: 'eu-west-1' }),
    });
  });

  afterEach(async () => {
    vi.unstubAllEnvs();
    await transport.close();
    server.closeAllConnections();
    server.close();
  });

  it.each([
    [403, 'ExpiredTokenException'],
    [403, 'UnrecognizedClientException'],
    [403, 'InvalidSignatureException'],
    [401, 'Whatever'],
  ])('has credentials looked for anew after a %i %s', async (status, name) => {
    answer = failWith(status, name);
    expect(await complete()).toMatchObject({ kind: 'authentication', status, providerCode: name });
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTWO');
    expect(await stream()).toMatchObject({ kind: 'authentication', status, providerCode: name });
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTHREE');
    await complete();
    expect(keys).toEqual(['AKIDONE', 'AKIDTWO', 'AKIDTHREE']);
  });

  it('has credentials looked for anew where a stream says that they have expired', async () => {
    answer = (response) => {
      const exception = codec.encode({
        headers: {
          ':message-type': { type: 'string', value: 'exception' },
          ':exception-type': { type: 'string', value: 'expiredTokenException' },
          ':content-type': { type: 'string', value: 'application/json' },
        },
        body: Buffer.from('{"message":"no"}'),
      });
      response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' }).end(exception);
    };
    expect(await stream()).toMatchObject({ kind: 'authentication' });
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTWO');
    await stream();
    expect(keys).toEqual(['AKIDONE', 'AKIDTWO']);
  });

  it.each([
    [403, 'AccessDeniedException', 'permission'],
    [429, 'ThrottlingException', 'rate_limited'],
  ])('keeps the credentials after a %i %s', async (status, name, kind) => {
    answer = failWith(status, name);
    expect(await complete()).toMatchObject({ kind });
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDTWO');
    await complete();
    expect(keys).toEqual(['AKIDONE', 'AKIDONE']);
  });
});
