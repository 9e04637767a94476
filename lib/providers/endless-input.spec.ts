import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ProviderError } from '../errors/provider-error.js';
import { adapterFor, type ProviderApi } from './adapter-registry.js';
import { PLAIN_CALL } from './conformance/translate.spec-support.js';
import { parseJson } from './json-reading.js';
import type { WireEvent } from './provider-adapter.js';
import { ProviderClient } from './provider-client.js';
import { ServerSentEventReader } from './server-sent-event-reader.js';
import { Transport, type TransportResponse } from './transport.js';

const MEGABYTE = 1024 * 1024;

class OneAnswer extends Transport {
  constructor(private readonly response: TransportResponse) {
    super();
  }

  override send(): Promise<TransportResponse> {
    return Promise.resolve(this.response);
  }

  override close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The same bytes again and again, made only when they are asked for. */
function repeated(piece: string | Buffer, times: number): Readable {
  const bytes = Buffer.from(piece);
  return Readable.from(
    (function* () {
      for (let time = 0; time < times; time += 1) yield bytes;
    })(),
    { objectMode: false },
  );
}

function clientOf(api: ProviderApi, body: Readable, contentType: string): ProviderClient {
  return new ProviderClient({
    name: 'p',
    adapter: adapterFor(api),
    transport: new OneAnswer({ status: 200, headers: { 'content-type': contentType }, body }),
    baseUrl: 'http://upstream.test',
    keys: undefined,
  });
}

interface Drained {
  readonly error: unknown;
  readonly chunkCount: number;
  /** The most that the heap held while the stream was read, beyond what it held before. */
  readonly grownMb: number;
}

async function drain(api: ProviderApi, body: Readable): Promise<Drained> {
  const { signal } = new AbortController();
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  let chunkCount = 0;
  let groups = 0;
  try {
    const { chunks } = await clientOf(api, body, 'text/event-stream').prepare(PLAIN_CALL).openStream(signal);
    for await (const group of chunks) {
      chunkCount += group.length;
      groups += 1;
      if (groups % 64 === 0) most = Math.max(most, process.memoryUsage().heapUsed - before);
    }
    return { error: undefined, chunkCount, grownMb: most / MEGABYTE };
  } catch (error) {
    return { error, chunkCount, grownMb: most / MEGABYTE };
  }
}

const APIS: readonly ProviderApi[] = [
  'openai',
  'openai-compatible',
  'azure-openai',
  'anthropic',
  'gemini',
  'vertex',
];

describe('an upstream that does not end', () => {
  it.each(APIS)('%s: a line without end fails after 16 MB', async (api) => {
    const body = repeated('x'.repeat(MEGABYTE), 300);
    const { error } = await drain(api, body);
    expect(error).toMatchObject({ kind: 'bad_response', providerCode: 'event_too_large' });
    expect(body.destroyed).toBe(true);
  });

  it('a line without end that comes byte by byte holds no more than its size', () => {
    const reader = new ServerSentEventReader(() => undefined);
    const byte = Buffer.from('x');
    const before = process.memoryUsage().heapUsed;
    for (let count = 0; count < MEGABYTE / 2; count += 1) reader.feed(byte);
    expect((process.memoryUsage().heapUsed - before) / MEGABYTE).toBeLessThan(100);
  });

  it('an event of empty lines without end fails', async () => {
    const { error } = await drain('openai', repeated('data:\n'.repeat(100_000), 100));
    expect(error).toMatchObject({ kind: 'bad_response', providerCode: 'event_too_large' });
  });

  it.each(['data:\n\n', ': ping\n\n', '\n', 'event: ping\n\n', 'id: 1\n', 'nonsense\n', '\r', '\r\n'])(
    'millions of empty events (%j) are a cut, read in passing',
    async (piece) => {
      const begun = performance.now();
      const { error, grownMb } = await drain('openai', repeated(piece.repeat(8192), 130));
      expect(error).toMatchObject({ kind: 'stream_cut' });
      expect(grownMb).toBeLessThan(200);
      expect(performance.now() - begun).toBeLessThan(10_000);
    },
  );

  it('lets arguments of a tool call go by without end', async () => {
    const opening =
      'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f"}}]}}]}\n\n';
    const delta =
      'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"xxxxxxxx"}}]}}]}\n\n';
    const { error, chunkCount, grownMb } = await drain('openai', repeated(opening + delta.repeat(700), 40));
    expect(error).toMatchObject({ kind: 'stream_cut' });
    expect(chunkCount).toBeGreaterThan(20_000);
    expect(grownMb).toBeLessThan(250);
  });

  it.each([
    [
      'the arguments of a call that gets no name',
      'openai',
      (): WireEvent => openAi({ tool_calls: [{ index: 0, function: { arguments: 'x'.repeat(MEGABYTE) } }] }),
      'too_long',
    ],
    ['choices', 'openai', (index): WireEvent => openAi({ content: 'x' }, index), 'too_many_choices'],
    [
      'tool calls',
      'openai',
      (index): WireEvent => openAi({ tool_calls: [{ index, id: `${index}`, function: { name: 'f' } }] }),
      'too_many_tool_calls',
    ],
    [
      'thinking that nobody can read',
      'anthropic',
      (index): WireEvent => block(index, { type: 'redacted_thinking', data: 'x'.repeat(MEGABYTE) }),
      'too_long',
    ],
    [
      'blocks of thinking',
      'anthropic',
      (index): WireEvent => block(index, { type: 'thinking' }),
      'too_many_blocks',
    ],
    [
      'tool uses',
      'anthropic',
      (index): WireEvent => block(index, { type: 'tool_use', name: 'f' }),
      'too_many_blocks',
    ],
    [
      'the input of tool uses',
      'anthropic',
      (index): WireEvent => block(index, { type: 'tool_use', name: 'f', input: { a: 'x'.repeat(MEGABYTE) } }),
      'too_long',
    ],
    [
      'candidates',
      'gemini',
      (index): WireEvent => ({
        data: JSON.stringify({ candidates: [{ index, content: { parts: [{ text: 'x' }] } }] }),
      }),
      'too_many_choices',
    ],
    ['function calls', 'gemini', (): WireEvent => geminiCall({ name: 'f', args: {} }), 'too_many_tool_calls'],
    [
      'pieces of arguments',
      'gemini',
      (index): WireEvent =>
        geminiCall({
          ...(index === 0 ? { name: 'f' } : {}),
          partialArgs: [{ jsonPath: '$.a', stringValue: 'x'.repeat(MEGABYTE), willContinue: true }],
          willContinue: true,
        }),
      'too_long',
    ],
    [
      'tool uses',
      'bedrock',
      (index): WireEvent => bedrock('contentBlockStart', index, { start: { toolUse: { name: 'f' } } }),
      'too_many_blocks',
    ],
    [
      'blocks of thinking',
      'bedrock',
      (index): WireEvent => bedrock('contentBlockDelta', index, { delta: { reasoningContent: {} } }),
      'too_many_blocks',
    ],
  ] satisfies [string, ProviderApi, (index: number) => WireEvent, string][])(
    'does not hold %s without end (%s)',
    (_name, api, eventOf, providerCode) => {
      const translator = adapterFor(api).createStreamTranslator(PLAIN_CALL);
      const push = (): void => {
        for (let index = 0; index < 2000; index += 1) translator.push(eventOf(index));
      };
      expect(push).toThrow(expect.objectContaining({ kind: 'bad_response', providerCode }));
    },
  );

  it('repeats no endless id or model on every chunk', () => {
    const translator = adapterFor('openai').createStreamTranslator(PLAIN_CALL);
    const name = 'x'.repeat(100_000);
    const chunks = Array.from({ length: 100 }, () =>
      translator.push({
        data: JSON.stringify({ id: name, model: name, choices: [{ delta: { content: 'x' } }] }),
      }),
    ).flat();
    // The text of each is not the upstream's either.
    expect(JSON.stringify(chunks).length).toBeLessThan(100_000);
    expect(chunks[0]?.model).toBe('asked-model');
  });

  it('repeats what a provider adds to a chunk beside the first of its choices alone', () => {
    const translator = adapterFor('openai').createStreamTranslator(PLAIN_CALL);
    const choices = Array.from({ length: 100 }, (_none, index) => ({
      index,
      delta: {},
      finish_reason: 'stop',
    }));
    const chunks = [
      ...translator.push({ data: JSON.stringify({ citations: ['x'.repeat(100_000)], choices }) }),
      ...translator.end(),
    ];
    expect(chunks).toHaveLength(200);
    expect(JSON.stringify(chunks).length).toBeLessThan(300_000);
  });
});

describe('a whole answer of brackets', () => {
  it.each([
    ['one inside the other', Buffer.alloc(MEGABYTE, '[')],
    ['side by side', Buffer.from('[],'.repeat(MEGABYTE / 4))],
    ['opened and not closed', Buffer.alloc(MEGABYTE, '{"a":[')],
  ])('fails before it is parsed: %s', async (_name, piece) => {
    const body = repeated(piece, 60);
    const begun = performance.now();
    const answer = clientOf('openai', body, 'application/json')
      .prepare(PLAIN_CALL)
      .complete(new AbortController().signal, () => undefined);
    await expect(answer).rejects.toMatchObject({ kind: 'bad_response', providerCode: 'not_json' });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('fails over 64 MB', async () => {
    const body = repeated(Buffer.alloc(MEGABYTE, ' '), 300);
    const answer = clientOf('openai', body, 'application/json')
      .prepare(PLAIN_CALL)
      .complete(new AbortController().signal, () => undefined);
    await expect(answer).rejects.toMatchObject({ kind: 'bad_response', providerCode: 'response_too_large' });
    expect(body.destroyed).toBe(true);
  });

  it.each([
    [
      'openai',
      { choices: Array.from({ length: 129 }, () => ({ message: { content: 'x' } })) },
      'too_many_choices',
    ],
    [
      'openai',
      {
        choices: [
          { message: { tool_calls: Array.from({ length: 1001 }, () => ({ function: { name: 'f' } })) } },
        ],
      },
      'too_many_tool_calls',
    ],
    ['gemini', { candidates: Array.from({ length: 129 }, () => ({})) }, 'too_many_choices'],
  ] satisfies [ProviderApi, unknown, string][])(
    'has as many parts as an answer can have: %s',
    (api, body, code) => {
      expect(() => adapterFor(api).parseAnswer(body, PLAIN_CALL)).toThrow(
        expect.objectContaining({ kind: 'bad_response', providerCode: code }),
      );
    },
  );
});

describe('parseJson', () => {
  it('reads 500 levels, and no more', () => {
    const nested = (depth: number): string => `${'['.repeat(depth)}${' '.repeat(1000)}${']'.repeat(depth)}`;
    expect(parseJson(nested(500))).toBeDefined();
    expect(parseJson(nested(501))).toBeUndefined();
  });

  it('counts no brackets inside of strings', () => {
    const text = JSON.stringify({ a: '[{'.repeat(2000), b: '\\"[{'.repeat(2000), c: '\\' });
    expect(parseJson(text)).toEqual(JSON.parse(text));
  });
});

function openAi(delta: object, index = 0): WireEvent {
  return { data: JSON.stringify({ choices: [{ index, delta }] }) };
}

function block(index: number, contentBlock: object): WireEvent {
  return { data: JSON.stringify({ type: 'content_block_start', index, content_block: contentBlock }) };
}

function geminiCall(functionCall: object): WireEvent {
  return { data: JSON.stringify({ candidates: [{ content: { parts: [{ functionCall }] } }] }) };
}

function bedrock(event: string, contentBlockIndex: number, body: object): WireEvent {
  return { event, data: JSON.stringify({ contentBlockIndex, ...body }) };
}

// What the parsers throw is checked by its fields above; here, that it is the one class.
it('fails with a ProviderError', async () => {
  const { error } = await drain('openai', repeated('x'.repeat(MEGABYTE), 20));
  expect(error).toBeInstanceOf(ProviderError);
});
