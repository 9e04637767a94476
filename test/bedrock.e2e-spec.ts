import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import OpenAI from 'openai';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { checkLlmRouterOptions, ConfigurationError, type LlmRouterOptions } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const KEY = 'bedrock-api-key-1';
const MODEL_ID = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const messages = [{ role: 'user' as const, content: 'What is the capital of France?' }];
const USAGE = { inputTokens: 12, outputTokens: 3, totalTokens: 15 };

interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown>;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object | readonly Uint8Array[];
}

const codec = new EventStreamCodec(
  (bytes: string | Uint8Array) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
  (text) => Buffer.from(text),
);

function frame(kind: 'event' | 'exception', type: string, payload: object): Uint8Array {
  return codec.encode({
    headers: {
      ':message-type': { type: 'string', value: kind },
      [`:${kind}-type`]: { type: 'string', value: type },
      ':content-type': { type: 'string', value: 'application/json' },
    },
    body: Buffer.from(JSON.stringify(payload)),
  });
}

const message = (stopReason: string, ...content: object[]): Answer => ({
  body: { output: { message: { role: 'assistant', content } }, stopReason, usage: USAGE, metrics: {} },
});
const failure = (status: number, name: string, text: string): Answer => ({
  status,
  headers: { 'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/com.amazon.bedrock/` },
  body: { message: text },
});

/** A Bedrock that says what it is told to, one answer a request, the last one over and over. */
class FakeBedrock {
  readonly received: Received[] = [];
  answers: Answer[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let text = '';
      request.on('data', (piece: Buffer) => (text += piece.toString()));
      request.once('end', () => {
        const { headers, url = '' } = request;
        this.received.push({ url, headers, body: JSON.parse(text) as Record<string, unknown> });
        const {
          body,
          headers: extra,
          status = 200,
        } = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
        const isStream = Array.isArray(body);
        response.writeHead(status, {
          'content-type': isStream ? 'application/vnd.amazon.eventstream' : 'application/json',
          ...extra,
        });
        if (isStream) for (const piece of body as Uint8Array[]) response.write(piece);
        response.end(isStream ? undefined : JSON.stringify(body));
      });
    });
  }

  static async start(): Promise<FakeBedrock> {
    const bedrock = new FakeBedrock();
    bedrock.#server.listen(0, '127.0.0.1');
    await once(bedrock.#server, 'listening');
    return bedrock;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const optionsOf = (bedrock: object, fallbackUrl: string): LlmRouterOptions => ({
  providers: {
    aws: { api: 'bedrock', ...bedrock },
    openai: { api: 'openai', baseUrl: fallbackUrl, apiKey: 'openai-key' },
  },
  models: { 'claude-sonnet-4-5': { provider: 'aws', upstreamModel: MODEL_ID } },
  routingRules: { simple_queries: { primary: 'claude-sonnet-4-5', fallback: 'gpt-4o-mini' } },
});

beforeEach(() => {
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('AWS_'))) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each(PLATFORMS)('bedrock on %s', (platform) => {
  let bedrock: FakeBedrock;
  let openai: ScriptedUpstream;
  let router: RouterApp;

  // Anew for each: a fault ranks its deployment down.
  beforeEach(async () => {
    bedrock = await FakeBedrock.start();
    openai = await createScriptedUpstream({ api: 'openai' });
    router = await createRouterApp({
      platform,
      options: optionsOf({ baseUrl: bedrock.url, apiKey: KEY }, openai.baseUrl),
    });
  });

  afterEach(async () => {
    await router.close();
    await Promise.all([bedrock.close(), openai.close()]);
  });

  it('answers the official client, at the catalogue’s price, with the key as a bearer token', async () => {
    bedrock.answers = [message('end_turn', { text: 'Paris.' })];
    const { data, response } = await router.client.chat.completions
      .create({ model: 'auto', messages, max_completion_tokens: 50 })
      .withResponse();
    expect(data.choices[0]).toMatchObject({ message: { content: 'Paris.' }, finish_reason: 'stop' });
    expect(data.usage).toMatchObject({ prompt_tokens: 12, completion_tokens: 3, total_tokens: 15 });
    expect(response.headers.get('x-llm-model')).toBe('claude-sonnet-4-5');
    expect(response.headers.get('x-llm-provider')).toBe('aws');
    // $3 and $15 a million tokens.
    expect(Number(response.headers.get('x-llm-cost-usd'))).toBeCloseTo((12 * 3 + 3 * 15) / 1e6, 9);
    expect(bedrock.received[0]).toMatchObject({
      url: '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse',
      headers: { authorization: `Bearer ${KEY}` },
      body: {
        messages: [{ role: 'user', content: [{ text: 'What is the capital of France?' }] }],
        inferenceConfig: { maxTokens: 50 },
      },
    });
  });

  it('streams, with the usage that comes after the end of the message', async () => {
    const frames = [
      frame('event', 'messageStart', { role: 'assistant' }),
      frame('event', 'contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Paris ' } }),
      frame('event', 'contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'it is.' } }),
      frame('event', 'contentBlockStop', { contentBlockIndex: 0 }),
      frame('event', 'messageStop', { stopReason: 'end_turn' }),
      frame('event', 'metadata', { usage: USAGE, metrics: { latencyMs: 1 } }),
    ];
    const bytes = Buffer.concat(frames);
    bedrock.answers = [{ body: [bytes.subarray(0, 50), bytes.subarray(50, 51), bytes.subarray(51)] }];
    const stream = await router.client.chat.completions.create({
      model: 'auto',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('Paris it is.');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 12, completion_tokens: 3 } });
    expect(bedrock.received[0]?.url).toMatch(/\/converse-stream$/);
  });

  it('carries a loop of tools, thinking included', async () => {
    const tools = [
      { type: 'function' as const, function: { name: 'weather', parameters: { type: 'object' } } },
    ];
    const toolUse = { toolUseId: 'tooluse_1', name: 'weather', input: { city: 'Rome' } };
    const thought = { reasoningText: { text: 'Hm', signature: 'sig' } };
    bedrock.answers = [
      message('tool_use', { reasoningContent: thought }, { toolUse }),
      message('end_turn', { text: 'Sunny.' }),
    ];
    const request = { model: 'claude-sonnet-4-5', reasoning_effort: 'low' as const, tools };
    const first = await router.client.chat.completions.create({ ...request, messages });
    expect(first.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        tool_calls: [{ id: 'tooluse_1', function: { name: 'weather', arguments: '{"city":"Rome"}' } }],
      },
    });
    const second = await router.client.chat.completions.create({
      ...request,
      messages: [
        ...messages,
        first.choices[0]!.message,
        { role: 'tool', tool_call_id: 'tooluse_1', content: 'sun' },
      ],
    });
    expect(second.choices[0]?.message.content).toBe('Sunny.');
    expect(bedrock.received[1]?.body.messages).toEqual([
      { role: 'user', content: [{ text: 'What is the capital of France?' }] },
      { role: 'assistant', content: [{ reasoningContent: thought }, { toolUse }] },
      {
        role: 'user',
        content: [{ toolResult: { toolUseId: 'tooluse_1', content: [{ text: 'sun' }] } }],
      },
    ]);
  });

  it.each([
    [429, 'ThrottlingException'],
    [503, 'ServiceUnavailableException'],
    [424, 'ModelErrorException'],
    [403, 'ExpiredTokenException'],
  ])('%i %s: the next deployment answers', async (status, name) => {
    bedrock.answers = [failure(status, name, 'no')];
    const { data, response } = await router.client.chat.completions
      .create({ model: 'auto', messages })
      .withResponse();
    expect(data.choices[0]?.message.content).toMatch(/gpt-4o-mini/);
    expect(response.headers.get('x-llm-provider')).toBe('openai');
    expect(bedrock.received).toHaveLength(1);
  });

  it('an exception at the start of a stream: the next deployment streams', async () => {
    bedrock.answers = [{ body: [frame('exception', 'throttlingException', { message: 'slow down' })] }];
    const stream = await router.client.chat.completions.create({ model: 'auto', messages, stream: true });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    expect(text).toMatch(/gpt-4o-mini/);
  });

  it('a prompt that is too long is the caller’s 400', async () => {
    bedrock.answers = [failure(400, 'ValidationException', 'Input is too long for requested model.')];
    const error: unknown = await router.client.chat.completions
      .create({ model: 'claude-sonnet-4-5', messages })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.APIError);
  });
});

describe('bedrock without an API key', () => {
  it('signs requests with the credentials of the environment', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-very-secret-key');
    const bedrock = await FakeBedrock.start();
    bedrock.answers = [message('end_turn', { text: 'Paris.' })];
    const router = await createRouterApp({
      platform: 'express',
      options: optionsOf({ baseUrl: bedrock.url, region: 'eu-west-1' }, 'http://127.0.0.1:9'),
    });
    const completion = await router.client.chat.completions.create({ model: 'auto', messages });
    expect(completion.choices[0]?.message.content).toBe('Paris.');
    const { headers } = bedrock.received[0]!;
    expect(headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/bedrock\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=[\da-f]{64}$/,
    );
    expect(headers['x-amz-date']).toMatch(/^\d{8}T\d{6}Z$/);
    await router.close();
    await bedrock.close();
  });

  it('goes on to the next deployment where there are no credentials', async () => {
    const bedrock = await FakeBedrock.start();
    const openai = await createScriptedUpstream({ api: 'openai' });
    const router = await createRouterApp({
      platform: 'express',
      options: optionsOf({ baseUrl: bedrock.url, region: 'eu-west-1' }, openai.baseUrl),
    });
    const completion = await router.client.chat.completions.create({ model: 'auto', messages });
    expect(completion.choices[0]?.message.content).toMatch(/gpt-4o-mini/);
    expect(bedrock.received).toHaveLength(0);
    await router.close();
    await Promise.all([bedrock.close(), openai.close()]);
  });
});

describe('the configuration of bedrock', () => {
  const check = (provider: object): ReturnType<typeof checkLlmRouterOptions> =>
    checkLlmRouterOptions(optionsOf(provider, 'http://127.0.0.1:9'));
  const issuesOf = (provider: object): readonly object[] => {
    try {
      check(provider);
    } catch (error) {
      if (error instanceof ConfigurationError) return error.issues;
      throw error;
    }
    return [];
  };

  it('boots with a region alone: price, window and abilities are the catalogue’s', () => {
    const { table, warnings } = check({ region: 'us-east-1' });
    expect(table).toContain('claude-sonnet-4-5');
    expect(warnings.filter(({ path }) => path.includes('claude-sonnet-4-5'))).toEqual([]);
  });

  it.each([
    ['AWS_REGION', { AWS_REGION: 'eu-central-1' }, {}],
    ['AWS_DEFAULT_REGION', { AWS_DEFAULT_REGION: 'us-gov-west-1' }, {}],
    ['its address', {}, { baseUrl: 'https://bedrock-runtime.us-west-2.amazonaws.com' }],
    ['nowhere: an address and a key want none', {}, { baseUrl: 'https://gateway.example.com', apiKey: 'k' }],
    [
      'nowhere: the key is in the environment',
      { AWS_BEARER_TOKEN_BEDROCK: 'k' },
      { baseUrl: 'https://gw.example.com' },
    ],
  ])('takes the region from %s', (_name, environment, provider) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    expect(issuesOf(provider)).toEqual([]);
  });

  it('refuses to boot without a region, with a strange one, or one for another api', () => {
    expect(issuesOf({})).toMatchObject([{ path: 'providers.aws.region' }]);
    expect(issuesOf({ baseUrl: 'https://gateway.example.com' })).toMatchObject([
      { path: 'providers.aws.region' },
    ]);
    expect(issuesOf({ region: 'us-east-1.evil.example/' })).toMatchObject([{ path: 'providers.aws.region' }]);
    expect(issuesOf({ region: 'us-east-1', apiVersion: 'v1' })).toMatchObject([
      { path: 'providers.aws.apiVersion' },
    ]);
    expect(issuesOf({ api: 'anthropic', apiKey: 'k', region: 'us-east-1' })).toMatchObject([
      { path: 'providers.aws.region' },
    ]);
    vi.stubEnv('AWS_REGION', 'evil.example/');
    expect(issuesOf({})[0]).toMatchObject({ path: 'AWS_REGION' });
  });
});
