import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderCall } from '../provider-adapter.js';
import { ServerSentEventReader } from '../server-sent-event-reader.js';
import { VERTEX_DEFAULTS } from './vertex-settings.js';
import { VertexAdapter } from './vertex.adapter.js';

const FIXTURES = new URL('../../../../shared/fixtures/vertex/', import.meta.url);
const hasShared = existsSync(FIXTURES);

interface Json {
  readonly [name: string]: Json;
}

interface Recording {
  readonly id: string;
  readonly api: string;
  readonly status: number;
  readonly body?: unknown;
  readonly sse_raw?: string;
  readonly request: { readonly path: string; readonly body: unknown };
}

const recordings: readonly Recording[] = hasShared
  ? readdirSync(FIXTURES).map(
      (name) => JSON.parse(readFileSync(new URL(name, FIXTURES), 'utf8')) as Recording,
    )
  : [];

/** What is no chat, by its place in the API. */
const OTHER_APIS: Readonly<Record<string, number>> = { countTokens: 3, embeddings: 3 };

/** Answers that are none. */
const NO_ANSWERS: Readonly<Record<string, string>> = {
  'unary-success-no-billable-characters':
    'an answer of countTokens, filed under generateContent: bad_response',
  'streaming-failure-empty-content': 'ends without a finish reason: stream_cut',
  'streaming-failure-malformed-content': 'ends without a finish reason: stream_cut',
  'streaming-success-quotes-escaped': 'ends without a finish reason: stream_cut',
};

/** Requests that no OpenAI request stands for. */
const OTHER_REQUESTS: Readonly<Record<string, string>> = {
  'eturn-matrix-tool-return-content-url-document': 'a document by https address',
  'l-return-matrix-direct-uploaded-file-document':
    'a document inside a function response: ours stands behind it',
  'urn-matrix-direct-url-force-download-document':
    'a document inside a function response: ours stands behind it',
  'google-url-input-documenturl': 'a document by https address: OpenAI has files by data URL alone',
  'google-vertexai-count-tokens-forwards-native-tools': 'Google Search as a tool',
  'google-vertexai-image-generation-with-output-format': 'pictures in the answer',
  'ai-should-stream-generate-content-with-specified-parameters': 'a budget of thought in tokens',
  'google-model-armor-prompt-template': 'a template of Model Armor',
  'supports-responseschema': 'the schema as an OpenAPI subset: ours goes into responseJsonSchema',
  'texai-gemini-2-5-flash-preserves-strings':
    'the schema as an OpenAPI subset: ours goes into parametersJsonSchema',
  'x-ai-will-give-functiondeclaration-back': 'part of an automatic loop of the SDK',
};

const matching = (list: Readonly<Record<string, string>>, { id }: Recording): string | undefined =>
  Object.keys(list).find((name) => id.includes(name));
const chats = recordings.filter(({ api }) => !(api in OTHER_APIS));
const isAnswer = (recording: Recording): boolean =>
  recording.status < 300 && matching(NO_ANSWERS, recording) === undefined;

const adapter = new VertexAdapter({ ...VERTEX_DEFAULTS, project: 'p', readsBuckets: true });
const callOf = (upstreamModel: string, request: object = {}, stream = false): ProviderCall => ({
  upstreamModel,
  request: { model: upstreamModel, messages: [{ role: 'user', content: 'Hi' }], ...request },
  stream,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
});

/** What a recording says, read without any code of the adapters. */
interface Expected {
  readonly text: string;
  readonly calls: readonly string[];
  readonly finish: string | undefined;
  readonly usage: readonly [number, number, number, number] | undefined;
}

const FINISH: Readonly<Record<string, string>> = {
  MAX_TOKENS: 'length',
  SAFETY: 'content_filter',
  MODEL_ARMOR: 'content_filter',
};

function read(payloads: readonly Json[]): Expected {
  const candidates = payloads.flatMap(
    (payload) => (payload.candidates as unknown as Json[] | undefined) ?? [],
  );
  const parts = candidates.flatMap(({ content }) => (content?.parts as unknown as Json[] | undefined) ?? []);
  const calls = parts.flatMap(({ functionCall }) =>
    functionCall?.name ? [functionCall.name as unknown as string] : [],
  );
  const reason = candidates
    .map(({ finishReason }) => finishReason as unknown as string | undefined)
    .findLast(Boolean);
  const isBlocked = payloads.some(({ promptFeedback }) => promptFeedback?.blockReason !== undefined);
  const usage = payloads
    .map(({ usageMetadata }) => usageMetadata)
    .findLast((value) => value?.promptTokenCount !== undefined) as unknown as
    Record<string, number> | undefined;
  const of = (name: string): number => usage?.[name] ?? 0;
  return {
    text: parts
      .filter(({ thought }) => (thought as unknown) !== true)
      .map(({ text }) => (text as unknown as string | undefined) ?? '')
      .join(''),
    calls,
    finish:
      reason === undefined
        ? isBlocked
          ? 'content_filter'
          : undefined
        : (FINISH[reason] ?? (calls.length > 0 ? 'tool_calls' : 'stop')),
    usage:
      usage === undefined
        ? undefined
        : [
            of('promptTokenCount') + of('toolUsePromptTokenCount'),
            of('candidatesTokenCount') + of('thoughtsTokenCount'),
            of('cachedContentTokenCount'),
            of('thoughtsTokenCount'),
          ],
  };
}

function stream(pieces: readonly Uint8Array[]): { chunks: ChatCompletionChunk[]; usage: Expected['usage'] } {
  const translator = adapter.createStreamTranslator(callOf('gemini-2.5-flash', {}, true));
  const chunks: ChatCompletionChunk[] = [];
  const reader = new ServerSentEventReader((event) => chunks.push(...translator.push(event)));
  for (const piece of pieces) reader.feed(piece);
  reader.end();
  chunks.push(...translator.end());
  const { usage } = translator;
  return {
    chunks,
    usage: usage && [usage.promptTokens, usage.completionTokens, usage.cachedTokens, usage.reasoningTokens],
  };
}

const cut = (bytes: Uint8Array, seed: number): Uint8Array[] => {
  let state = seed;
  const offsets = Array.from({ length: 9 }, () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * bytes.length);
  }).sort((one, other) => one - other);
  return [0, ...offsets].map((offset, index) => bytes.subarray(offset, offsets[index] ?? bytes.length));
};

const payloadsOf = ({ sse_raw }: Recording): Json[] =>
  [...(sse_raw ?? '').matchAll(/^data: (.+)$/gm)].map(([, data]) => JSON.parse(data ?? '') as Json);

/** What of a completed call depends on neither ids nor time. */
const lasting = (chunks: readonly ChatCompletionChunk[]): string =>
  JSON.stringify(chunks.map(({ choices, usage }) => ({ choices, usage }))).replaceAll(
    /call_[0-9a-f]+/g,
    'call',
  );

describe.skipIf(!hasShared)('recorded traffic of Vertex AI (skipped where ../shared is absent)', () => {
  it('is all in scope, or left out by name', () => {
    expect(recordings).toHaveLength(72);
    for (const [api, count] of Object.entries(OTHER_APIS)) {
      expect(recordings.filter((recording) => recording.api === api)).toHaveLength(count);
    }
    expect(chats.filter(({ api }) => api !== 'generateContent')).toEqual([]);
    for (const list of [NO_ANSWERS, OTHER_REQUESTS]) {
      for (const name of Object.keys(list)) {
        expect(
          chats.some(({ id }) => id.includes(name)),
          name,
        ).toBe(true);
      }
    }
  });

  it.each(chats.filter((recording) => isAnswer(recording) && recording.body !== undefined))(
    'answers $id',
    (recording) => {
      const expected = read([recording.body as Json]);
      const { completion, usage } = adapter.parseAnswer(recording.body, callOf('gemini-2.5-flash'));
      const [choice] = completion.choices;
      expect({
        text: choice?.message.content ?? '',
        calls: (choice?.message.tool_calls ?? []).map(
          (call) => call.type === 'function' && call.function.name,
        ),
        finish: choice?.finish_reason,
        usage: usage && [
          usage.promptTokens,
          usage.completionTokens,
          usage.cachedTokens,
          usage.reasoningTokens,
        ],
      }).toEqual(expected);
    },
  );

  it.each(chats.filter((recording) => isAnswer(recording) && recording.sse_raw !== undefined))(
    'streams $id, cut anywhere',
    (recording) => {
      const bytes = new TextEncoder().encode(recording.sse_raw);
      const expected = read(payloadsOf(recording));
      const { chunks, usage } = stream([bytes]);
      const choices = chunks.flatMap((chunk) => chunk.choices);
      expect({
        text: choices.map(({ delta }) => delta.content ?? '').join(''),
        calls: choices.flatMap(({ delta }) => (delta.tool_calls ?? []).map((call) => call.function?.name)),
        finish: choices.map((choice) => choice.finish_reason).find((reason) => reason !== null),
        usage,
      }).toEqual(expected);
      for (let seed = 1; seed <= 12; seed += 1) {
        expect(lasting(stream(cut(bytes, seed)).chunks)).toBe(lasting(chunks));
      }
    },
  );

  it('joins arguments that came in pieces', () => {
    const recording = chats.find(({ id }) => id.includes('enabled-streamfunctioncallarguments'))!;
    const { chunks } = stream([new TextEncoder().encode(recording.sse_raw)]);
    const args = chunks.flatMap(({ choices }) =>
      choices.flatMap(({ delta }) => (delta.tool_calls ?? []).map((call) => call.function?.arguments ?? '')),
    );
    // Put together by hand from the recording's pieces.
    const pieces = payloadsOf(recording)
      .flatMap(({ candidates }) => candidates as unknown as Json[])
      .flatMap(({ content }) => (content?.parts as unknown as Json[] | undefined) ?? [])
      .flatMap(
        ({ functionCall }) =>
          (functionCall?.partialArgs as unknown as Record<string, string>[] | undefined) ?? [],
      );
    const joined: Record<string, string> = {};
    for (const { jsonPath = '', stringValue = '' } of pieces) {
      const name = jsonPath.slice(2);
      joined[name] = (joined[name] ?? '') + stringValue;
    }
    expect(Object.keys(joined).length).toBeGreaterThan(2);
    expect(JSON.parse(args[0] ?? '')).toEqual(joined);
  });

  it.each(chats.filter((recording) => matching(NO_ANSWERS, recording) !== undefined))(
    'refuses what is no answer: $id',
    (recording) => {
      const run = (): unknown =>
        recording.body === undefined
          ? stream([new TextEncoder().encode(recording.sse_raw)])
          : adapter.parseAnswer(recording.body, callOf('gemini-2.5-flash'));
      expect(run).toThrow(ProviderError);
      const reason = NO_ANSWERS[matching(NO_ANSWERS, recording) ?? ''] ?? '';
      expect(run).toThrow(reason.split(': ').at(-1));
    },
  );

  it.each(chats.filter(({ status }) => status >= 300))(
    'maps the failure $id',
    ({ status, body, request }) => {
      const error = adapter.parseError({ status, headers: {}, body });
      const code = ((body as Json).error as unknown as { status: string }).status;
      const kinds: Readonly<Record<string, string>> = {
        FAILED_PRECONDITION: 'permission',
        INVALID_ARGUMENT: 'invalid_request',
        NOT_FOUND: 'not_found',
      };
      expect({ kind: error.kind, status: error.status, code: error.providerCode }).toEqual({
        kind: kinds[code],
        status,
        code,
      });
      expect(error.readProviderMessage()).toBe(
        ((body as Json).error as unknown as { message: string }).message,
      );
      // Streams without alt=sse have it in a list, and a stream under way as a chunk.
      expect(adapter.parseError({ status, headers: {}, body: [body] })).toEqual(error);
      const translator = adapter.createStreamTranslator(callOf('gemini-2.5-flash', {}, true));
      expect(() => translator.push({ data: JSON.stringify(body) })).toThrow(error.message);
      expect(request.path).toMatch(/^\/v1\//);
    },
  );

  it.each(
    chats.filter(
      (recording) => recording.request.body !== null && matching(OTHER_REQUESTS, recording) === undefined,
    ),
  )('says the request of $id', (recording) => {
    const recorded = camelCased(recording.request.body) as RecordedRequest;
    const [, location, model, method] =
      /\/locations\/([^/]+)\/publishers\/google\/models\/([^:]+):(.+)$/.exec(recording.request.path) ?? [];
    const isStream = method !== 'generateContent';
    const wire = new VertexAdapter({
      ...VERTEX_DEFAULTS,
      project: 'PROJECT',
      location: location ?? '',
      readsBuckets: true,
    }).buildRequest(callOf(model ?? '', toOpenAi(recorded), isStream));
    expect(wire.path).toBe(recording.request.path.replace(/^\/v1beta1\//, '/v1/'));
    expect(comparable(wire.body as RecordedRequest)).toEqual(comparable(recorded));
  });
});

interface RecordedPart {
  readonly text?: string;
  readonly thought?: boolean;
  readonly inlineData?: { readonly mimeType: string; readonly data: string };
  readonly fileData?: { readonly mimeType: string; readonly fileUri: string };
  readonly functionCall?: { readonly id?: string; readonly name: string; readonly args: object };
  readonly functionResponse?: { readonly id?: string; readonly name: string; readonly response: object };
  readonly thoughtSignature?: string;
}

interface RecordedRequest {
  readonly contents: readonly { readonly role: string; readonly parts: readonly RecordedPart[] }[];
  readonly tools?: readonly {
    readonly functionDeclarations: readonly {
      readonly name: string;
      readonly description?: string;
      readonly parametersJsonSchema?: object;
    }[];
  }[];
  readonly generationConfig?: Readonly<Record<string, unknown>>;
  readonly toolConfig?: { readonly functionCallingConfig?: { readonly mode?: string } };
}

/** Google's JSON takes names in snake_case too. What is of the user stays. */
function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]): [string, unknown] => [
      name.replace(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      ['args', 'response', 'parametersJsonSchema', 'responseJsonSchema'].includes(name)
        ? member
        : camelCased(member),
    ]),
  );
}

/** The OpenAI request that a recorded one stands for. */
function toOpenAi({ contents, tools, generationConfig = {}, toolConfig }: RecordedRequest): object {
  let calls = 0;
  const open: string[] = [];
  const messages = contents.flatMap(({ role, parts }): object[] => {
    if (role === 'model') {
      return [
        {
          role: 'assistant',
          content:
            parts
              .filter(({ thought }) => !thought)
              .map(({ text }) => text ?? '')
              .join('') || null,
          tool_calls: parts.flatMap(({ functionCall, thoughtSignature }) => {
            if (functionCall === undefined) return [];
            const id = functionCall.id ?? `call_${String((calls += 1))}`;
            open.push(id);
            return [
              {
                id,
                type: 'function',
                function: { name: functionCall.name, arguments: JSON.stringify(functionCall.args) },
                extra_content: { google: { thought_signature: thoughtSignature } },
              },
            ];
          }),
        },
      ];
    }
    const results = parts.flatMap(({ functionResponse }) =>
      functionResponse === undefined
        ? []
        : [{ role: 'tool', tool_call_id: open.shift(), content: JSON.stringify(functionResponse.response) }],
    );
    const content = parts.flatMap(({ text, inlineData, fileData }): object[] => {
      if (text !== undefined) return [{ type: 'text', text }];
      const type = inlineData?.mimeType ?? fileData?.mimeType;
      const url = inlineData ? `data:${inlineData.mimeType};base64,${inlineData.data}` : fileData?.fileUri;
      if (url === undefined) return [];
      return type?.startsWith('image/')
        ? [{ type: 'image_url', image_url: { url } }]
        : [{ type: 'file', file: { file_data: url } }];
    });
    return [...results, ...(content.length > 0 ? [{ role: 'user', content }] : [])];
  });
  const { responseLogprobs, logprobs, maxOutputTokens, temperature, topP, responseJsonSchema } =
    generationConfig;
  return {
    messages,
    tools: tools?.flatMap(({ functionDeclarations }) =>
      functionDeclarations.map(({ name, description, parametersJsonSchema: parameters }) => ({
        type: 'function',
        function: { name, description, parameters },
      })),
    ),
    tool_choice: { AUTO: 'auto', ANY: 'required' }[toolConfig?.functionCallingConfig?.mode ?? ''],
    n: generationConfig.candidateCount,
    logprobs: responseLogprobs,
    top_logprobs: logprobs,
    max_completion_tokens: maxOutputTokens,
    temperature,
    top_p: topP,
    ...(responseJsonSchema === undefined
      ? {}
      : { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: responseJsonSchema } } }),
  };
}

/** Without what says the same in other words, what v1 refuses, and what nobody asks of an OpenAI API. */
function comparable({ contents, tools, generationConfig = {}, toolConfig }: RecordedRequest): object {
  const turns: { role: string; parts: object[] }[] = [];
  for (const { role, parts } of contents) {
    const kept = parts
      .filter(({ thought }) => !thought)
      .map(({ functionCall, functionResponse, ...part }) => ({
        ...part,
        ...(functionCall && { functionCall: { ...functionCall, id: undefined } }),
        ...(functionResponse && { functionResponse: { ...functionResponse, id: undefined } }),
      }));
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...kept);
    else turns.push({ role, parts: kept });
  }
  const { responseModalities: _modalities, responseJsonSchema, candidateCount, ...rest } = generationConfig;
  // One is what there is without it.
  const generation = { ...rest, candidateCount: candidateCount === 1 ? undefined : candidateCount };
  return {
    turns,
    tools: tools?.flatMap(({ functionDeclarations }) =>
      functionDeclarations.map(({ name, description, parametersJsonSchema }) => ({
        name,
        description: description === '' ? undefined : description,
        schema: enforced(parametersJsonSchema),
      })),
    ),
    generation,
    schema: enforced(responseJsonSchema),
    mode: toolConfig?.functionCallingConfig?.mode,
  };
}

/** Of a schema, what Google enforces: the rest is told to the model in descriptions. */
function enforced(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(enforced);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([name]) => !['description', 'pattern', 'minLength', 'maxLength', '$schema'].includes(name))
      .map(([name, member]) => [name, enforced(member)]),
  );
}
