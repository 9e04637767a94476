import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createParser } from 'eventsource-parser';
import { ChatCompletionStream } from 'openai/lib/ChatCompletionStream';
import { describe, expect, it } from 'vitest';
import type { ChatCompletion, ChatCompletionChunk } from '../chat/chat-types.js';
import { ProviderError } from '../errors/provider-error.js';
import { adapterFor, type ProviderApi } from './adapter-registry.js';
import type { ProviderCall, WireEvent } from './provider-adapter.js';

const SHARED = new URL('../../../shared/', import.meta.url);
const hasShared = existsSync(new URL('fixtures/README.md', SHARED));

interface Recording {
  readonly id: string;
  readonly provider: string;
  readonly api: string;
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly sse_raw?: string;
  readonly raw?: string;
  readonly request: { readonly body?: unknown };
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(new URL(path, SHARED), 'utf8'));

function recordingsOf(provider: string, api: string): Recording[] {
  return readdirSync(new URL(`fixtures/${provider}/`, SHARED))
    .map((name) => readJson(`fixtures/${provider}/${name}`) as Recording)
    .filter((recording) => recording.api === api);
}

const call: ProviderCall = {
  upstreamModel: 'asked-model',
  request: { model: 'asked-model', messages: [{ role: 'user', content: 'Hello' }] },
  stream: false,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
};

/** What a recording holds, read without any code of the adapters. */
interface Expected {
  text: string;
  toolNames: string[];
}

interface Scope {
  readonly api: ProviderApi;
  readonly provider: string;
  readonly recordedApi: string;
  readExpected(payloads: Payload[]): Expected;
}

interface RecordedPart {
  readonly type?: string;
  readonly text?: string;
  readonly thought?: boolean;
  readonly name?: string;
  readonly functionCall?: { readonly name?: string };
}

interface RecordedBlock {
  readonly text?: string;
  readonly toolUse?: { readonly name?: string };
}

interface RecordedMessage {
  readonly content?: string | readonly RecordedPart[] | null;
  readonly tool_calls?: readonly { readonly function?: { readonly name?: string } }[] | null;
}

/** The fields of any of the wire formats that hold text or tool names. */
interface Payload {
  readonly choices?: readonly {
    readonly index?: number;
    readonly message?: RecordedMessage;
    readonly delta?: RecordedMessage;
  }[];
  readonly content?: readonly RecordedPart[];
  readonly message?: { readonly content?: readonly RecordedPart[] };
  readonly content_block?: RecordedPart;
  readonly delta?: { readonly type?: string; readonly text?: string };
  readonly output?: { readonly message?: { readonly content?: readonly RecordedBlock[] } };
  readonly candidates?: readonly { readonly content?: { readonly parts?: readonly RecordedPart[] } }[];
}

const textsOf = (parts: readonly RecordedPart[]): string =>
  parts
    .filter((part) => part.type === 'text')
    .map((part) => part.text ?? '')
    .join('');

function readOpenAi(payloads: Payload[]): Expected {
  const messages = payloads
    .flatMap((payload) => payload.choices ?? [])
    .filter((choice) => (choice.index ?? 0) === 0)
    .map((choice) => choice.message ?? choice.delta ?? {});
  return {
    text: messages
      .map(({ content }) => (typeof content === 'string' ? content : textsOf(content ?? [])))
      .join(''),
    toolNames: messages
      .flatMap((message) => message.tool_calls ?? [])
      .flatMap((toolCall) => (toolCall.function?.name ? [toolCall.function.name] : [])),
  };
}

function readAnthropic(payloads: Payload[]): Expected {
  let text = '';
  const toolNames: string[] = [];
  for (const payload of payloads) {
    const block = payload.content_block === undefined ? [] : [payload.content_block];
    const blocks = payload.content ?? payload.message?.content ?? block;
    text += textsOf(blocks);
    toolNames.push(...blocks.filter(({ type }) => type === 'tool_use').map(({ name }) => name ?? ''));
    text += payload.delta?.type === 'text_delta' ? (payload.delta.text ?? '') : '';
  }
  return { text, toolNames };
}

function readGemini(payloads: Payload[]): Expected {
  const parts = payloads.flatMap((payload) => payload.candidates?.[0]?.content?.parts ?? []);
  return {
    text: parts.map((part) => (part.thought === true ? '' : (part.text ?? ''))).join(''),
    toolNames: parts.flatMap((part) => (part.functionCall?.name ? [part.functionCall.name] : [])),
  };
}

function readBedrock(payloads: Payload[]): Expected {
  const blocks = payloads.flatMap((payload) => payload.output?.message?.content ?? []);
  return {
    text: blocks.map((block) => block.text ?? '').join(''),
    toolNames: blocks.flatMap((block) => (block.toolUse?.name ? [block.toolUse.name] : [])),
  };
}

const SCOPES: readonly Scope[] = [
  { api: 'openai', provider: 'openai', recordedApi: 'chat', readExpected: readOpenAi },
  { api: 'azure-openai', provider: 'azure', recordedApi: 'chat', readExpected: readOpenAi },
  { api: 'anthropic', provider: 'anthropic', recordedApi: 'messages', readExpected: readAnthropic },
  { api: 'gemini', provider: 'gemini', recordedApi: 'generateContent', readExpected: readGemini },
  { api: 'bedrock', provider: 'bedrock', recordedApi: 'converse', readExpected: readBedrock },
  { api: 'vertex', provider: 'vertex', recordedApi: 'generateContent', readExpected: readGemini },
];

const COMPATIBLE_PROVIDERS = [
  'alibaba',
  'cerebras',
  'crusoe',
  'deepseek',
  'gemini-openai-compat',
  'generic-compat',
  'groq',
  'huggingface',
  'mistral',
  'moonshot',
  'openrouter',
  'perplexity',
  'snowflake',
  'together',
  'xai',
  'zai',
];

const COMPATIBLE_SCOPES: readonly Scope[] = COMPATIBLE_PROVIDERS.map((provider) => ({
  api: 'openai-compatible',
  provider,
  recordedApi: 'chat',
  readExpected: readOpenAi,
}));

/** Streams that end in an error by their own word, with the kind they mean. */
const BROKEN_STREAMS: Readonly<Record<string, string>> = {
  'should-forward-error-stream-parts-after-output-has-started': 'server_error',
  'sse-done-only': 'bad_response',
  'should-forward-overloaded-error-during-streaming': 'overloaded',
  'spliced-message-start': 'bad_response',
  'should-handle-unparsable-stream-parts': 'bad_response',
  'should-preserve-structured-error-stream-parts': 'context_length',
  'midstream_error_stream.tool-use-failed-error-streaming': 'invalid_request',
  // "Token limit reached" in the middle, with code 400.
  'midstream_error_stream.openrouter-stream-error': 'invalid_request',
  'should-error-when-streamed-tool-call-never-receives-a-functi': 'bad_response',
  // Without a finish reason, as a stream that was cut.
  'vertex.generateContent.text_stream.streaming-failure-empty-content': 'stream_cut',
  'vertex.generateContent.text_stream.streaming-failure-malformed-content': 'stream_cut',
  'vertex.generateContent.text_stream.streaming-success-quotes-escaped': 'stream_cut',
};

/** An answer of `countTokens`, filed under `generateContent`. */
const MISFILED = 'vertex.generateContent.text.unary-success-no-billable-characters';

const brokenKindOf = (recording: Recording): string | undefined =>
  Object.entries(BROKEN_STREAMS).find(([name]) => recording.id.includes(name))?.[1];

/** Feeds the bytes in the given pieces, as a transport would. */
function parseEvents(pieces: readonly Uint8Array[]): WireEvent[] {
  const events: WireEvent[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => events.push({ event, data }),
  });
  const decoder = new TextDecoder();
  for (const piece of pieces) {
    parser.feed(decoder.decode(piece, { stream: true }));
  }
  parser.feed(decoder.decode());
  // A last event without its blank line counts.
  parser.feed('\n\n');
  return events;
}

function translate(api: ProviderApi, events: readonly WireEvent[]): ChatCompletionChunk[] {
  const translator = adapterFor(api).createStreamTranslator({ ...call, stream: true });
  return [...events.flatMap((event) => translator.push(event)), ...translator.end()];
}

function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Some files hold several streams of one conversation: what comes after a terminator is not of the first. */
function firstStreamOf(events: readonly WireEvent[]): readonly WireEvent[] {
  const last = events.findIndex(({ data }) => data === '[DONE]' || /^\{"type": ?"message_stop"/.test(data));
  return last < 0 ? events : events.slice(0, last + 1);
}

/** Puts chunks together the way a client does. */
function collect(chunks: readonly ChatCompletionChunk[]): {
  text: string;
  toolCalls: { id: string; name: string; arguments: string }[];
  finishReasons: string[];
} {
  let text = '';
  const toolCalls: { id: string; name: string; arguments: string }[] = [];
  const finishReasons: string[] = [];
  for (const chunk of chunks) {
    for (const choice of chunk.choices.filter(({ index }) => index === 0)) {
      text += choice.delta.content ?? '';
      for (const delta of choice.delta.tool_calls ?? []) {
        const known = (toolCalls[delta.index] ??= { id: '', name: '', arguments: '' });
        known.id += delta.id ?? '';
        known.name += delta.function?.name ?? '';
        known.arguments += delta.function?.arguments ?? '';
      }
      if (choice.finish_reason !== null) {
        finishReasons.push(choice.finish_reason);
      }
    }
  }
  return { text, toolCalls, finishReasons };
}

function isJson(text: string): boolean {
  return catchError(() => JSON.parse(text) as unknown) === undefined;
}

function* pseudoRandom(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield state / 2_147_483_648;
  }
}

function cutAtRandom(bytes: Uint8Array, seed: number): Uint8Array[] {
  const random = pseudoRandom(seed);
  const offsets = Array.from({ length: 12 }, () => Math.floor(random.next().value * bytes.length)).sort(
    (one, other) => one - other,
  );
  return [0, ...offsets].map((offset, position) => bytes.subarray(offset, offsets[position] ?? bytes.length));
}

const TIME = { created: 0, id: '' };
/** Made-up ids and times differ between two runs: everything else must not. */
const withoutMadeUp = (chunks: readonly ChatCompletionChunk[]): string =>
  JSON.stringify(chunks.map((chunk) => ({ ...chunk, ...TIME }))).replaceAll(/call_[0-9a-f]{24}/g, 'call');

describe.skipIf(!hasShared)('recorded traffic (skipped where ../shared is absent)', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false, logger: false });
  if (hasShared) {
    ajv.addSchema(readJson('openai-schema/openai-chat.schema.json') as object);
  }
  const validate = (name: string, value: unknown): string[] => {
    const check = ajv.getSchema(`urn:openai-openapi:chat#/$defs/${name}`)!;
    void check(value);
    return (check.errors ?? []).map((error) => `${error.instancePath} ${error.message ?? ''}`);
  };

  /** OpenRouter's annotations of files stay as they are: OpenAI's schema knows those of URLs alone. */
  const validateAnswer = (completion: ChatCompletion): string[] =>
    validate('CreateChatCompletionResponse', completion).filter(
      (complaint) => !/^\/choices\/\d+\/message\/annotations\/\d+/.test(complaint),
    );
  const validateChunk = (chunk: ChatCompletionChunk): string[] =>
    validate('CreateChatCompletionStreamResponse', chunk);

  describe.each([...SCOPES, ...COMPATIBLE_SCOPES])('$provider', (scope) => {
    const recordings = hasShared ? recordingsOf(scope.provider, scope.recordedApi) : [];
    const answers = recordings.filter(
      (recording) =>
        recording.status < 300 &&
        recording.body !== undefined &&
        !Array.isArray(recording.body) &&
        !recording.id.startsWith(MISFILED),
    );
    const streams = recordings.filter((recording) => recording.sse_raw !== undefined);
    const failures = recordings.filter((recording) => recording.status >= 300);

    it('has recordings', () => {
      expect(recordings.length).toBeGreaterThan(0);
    });

    it.each(answers)('translates the answer $id', (recording) => {
      const { completion, usage } = adapterFor(scope.api).parseAnswer(recording.body, call);
      const expected = scope.readExpected([recording.body as Payload]);
      const choice = completion.choices[0]!;
      expect(validateAnswer(completion)).toEqual([]);
      expect(choice.message.content ?? '').toBe(expected.text);
      const toolCalls = choice.message.tool_calls ?? [];
      expect(toolCalls.map((toolCall) => toolCall.type === 'function' && toolCall.function.name)).toEqual(
        expected.toolNames,
      );
      expect(new Set(toolCalls.map((toolCall) => toolCall.id)).size).toBe(toolCalls.length);
      for (const toolCall of toolCalls) {
        expect(toolCall.type === 'function' && isJson(toolCall.function.arguments)).toBe(true);
      }
      if (usage !== undefined) {
        expect(completion.usage?.total_tokens).toBe(usage.promptTokens + usage.completionTokens);
        expect(usage.cachedTokens + usage.cacheWriteTokens).toBeLessThanOrEqual(usage.promptTokens);
        expect(usage.reasoningTokens).toBeLessThanOrEqual(usage.completionTokens);
      }
    });

    it.each(streams)('translates the stream $id', async (recording) => {
      const bytes = new TextEncoder().encode(recording.sse_raw);
      const events = parseEvents([bytes]);
      const brokenKind = brokenKindOf(recording);
      if (recording.status >= 300 || brokenKind !== undefined) {
        const error = catchError(() => translate(scope.api, events));
        expect(error).toBeInstanceOf(ProviderError);
        expect((error as ProviderError).kind).toBe(brokenKind);
        return;
      }
      const chunks = translate(scope.api, events);
      expect(chunks.flatMap(validateChunk)).toEqual([]);
      const payloads = firstStreamOf(events)
        .map((event) => event.data)
        .filter((data) => isJson(data))
        .map((data) => JSON.parse(data) as Payload);
      const expected = scope.readExpected(payloads);
      const { text, toolCalls, finishReasons } = collect(chunks);
      expect(text).toBe(expected.text);
      expect(toolCalls.map((toolCall) => toolCall.name)).toEqual(expected.toolNames);
      expect(toolCalls.every((toolCall) => toolCall.id !== '')).toBe(true);
      expect(new Set(toolCalls.map((toolCall) => toolCall.id)).size).toBe(toolCalls.length);
      expect(finishReasons).toHaveLength(1);
      if (finishReasons[0] === 'tool_calls' || finishReasons[0] === 'stop') {
        expect(toolCalls.filter((toolCall) => !isJson(toolCall.arguments))).toEqual([]);
      }
      // What every client insists on.
      expect(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.created} ${chunk.model}`)).size).toBe(1);
      const opened = new Set<number>();
      for (const { index, delta } of chunks.flatMap((chunk) => chunk.choices)) {
        expect(delta.role).toBe(opened.has(index) ? undefined : 'assistant');
        opened.add(index);
      }
      const usageChunks = chunks.filter((chunk) => chunk.choices.length === 0);
      expect(usageChunks.length).toBeLessThanOrEqual(1);
      if (usageChunks.length > 0) {
        expect(chunks.at(-1)).toBe(usageChunks[0]);
      }
      // The official client puts it together.
      const final = await ChatCompletionStream.fromReadableStream(
        new Blob(chunks.map((chunk) => `${JSON.stringify(chunk)}\n`)).stream(),
      ).finalChatCompletion();
      expect(final.choices[0]?.message.content ?? '').toBe(expected.text);
      expect((final.choices[0]?.message.tool_calls ?? []).map((toolCall) => toolCall.function.name)).toEqual(
        expected.toolNames,
      );
      expect(final.usage).toEqual(usageChunks[0]?.usage);
      // Cut anywhere, the same comes out.
      for (const seed of [1, 2, 3, 4]) {
        expect(withoutMadeUp(translate(scope.api, parseEvents(cutAtRandom(bytes, seed))))).toBe(
          withoutMadeUp(chunks),
        );
      }
    });

    it.each(failures)('maps the failure $id', (recording) => {
      const error = adapterFor(scope.api).parseError({
        status: recording.status,
        headers: recording.headers ?? {},
        body: recording.body ?? recording.raw,
      });
      expect(error).toBeInstanceOf(ProviderError);
      expect(error.status).toBe(recording.status);
      const sensible: Readonly<Record<number, readonly string[]>> = {
        400: ['invalid_request', 'context_length', 'content_filter', 'authentication', 'permission'],
        401: ['authentication'],
        402: ['billing'],
        403: ['permission', 'authentication'],
        404: ['not_found'],
        413: ['request_too_large'],
        429: ['rate_limited', 'billing'],
        500: ['server_error'],
        502: ['server_error'],
        503: ['overloaded'],
        504: ['server_error'],
        529: ['overloaded'],
      };
      expect(sensible[recording.status]).toContain(error.kind);
      if (recording.headers?.['retry-after'] !== undefined) {
        expect(error.retryAfterMs).toBe(Number(recording.headers['retry-after']) * 1000);
      }
      const sentence = error.readProviderMessage() ?? '';
      expect(sentence).not.toBe('');
      expect(error.message).not.toContain(sentence);
    });
  });

  const lists = hasShared
    ? recordingsOf('gemini', 'generateContent').filter((recording) => Array.isArray(recording.body))
    : [];

  it.each(lists)('translates the stream without alt=sse $id', (recording) => {
    const payloads = recording.body as Payload[];
    const chunks = translate(
      'gemini',
      payloads.map((payload) => ({ data: JSON.stringify(payload) })),
    );
    expect(chunks.flatMap(validateChunk)).toEqual([]);
    const { text, toolCalls } = collect(chunks);
    const expected = readGemini(payloads);
    expect(text).toBe(expected.text);
    expect(toolCalls.map((toolCall) => toolCall.name)).toEqual(expected.toolNames);
  });

  it('can tell a valid answer from an invalid one', () => {
    expect(validate('CreateChatCompletionResponse', { choices: [{}] })).not.toEqual([]);
  });
});
