import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import { describe, expect, it } from 'vitest';
import type { ChatCompletionChunk, ChatRequest } from '../../chat/chat-types.js';
import type { ProviderCall, WireEvent } from '../provider-adapter.js';
import { BedrockAdapter } from './bedrock.adapter.js';

const SHARED = new URL('../../../../shared/fixtures/bedrock/', import.meta.url);
const hasShared = existsSync(SHARED);

type Json = Readonly<Record<string, unknown>>;

interface RecordedBlock {
  readonly text?: string;
  readonly toolUse?: { readonly toolUseId: string; readonly name: string; readonly input: Json };
  readonly toolResult?: {
    readonly toolUseId: string;
    readonly content: readonly RecordedBlock[];
  };
  readonly document?: {
    readonly name: string;
    readonly format: string;
    readonly source: { readonly bytes: string };
  };
}

interface RecordedRequest {
  readonly system?: readonly RecordedBlock[];
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly content: RecordedBlock[] }[];
  readonly inferenceConfig?: Json;
  readonly toolConfig?: {
    readonly tools: readonly {
      readonly toolSpec: {
        readonly name: string;
        readonly description?: string;
        readonly inputSchema: { readonly json: Json };
      };
    }[];
    readonly toolChoice?: { readonly any?: object; readonly auto?: object };
  };
  readonly additionalModelRequestFields?: { readonly inferenceConfig?: { readonly topK?: number } };
  readonly outputConfig?: {
    readonly textFormat: { readonly structure: { readonly jsonSchema: { readonly schema: string } } };
  };
}

interface RecordedAnswer {
  readonly output: { readonly message: { readonly content: readonly RecordedBlock[] } };
  readonly stopReason: string;
  readonly usage: Json;
}

interface Recording {
  readonly id: string;
  readonly api: string;
  readonly status: number;
  readonly request: { readonly path: string; readonly body: RecordedRequest | null };
  readonly body: RecordedAnswer;
}

/** Recordings that are no request of ours, with the reason. */
const NOT_BUILT: Readonly<Record<string, string>> = {
  'modal-tool-return-matrix-direct-binary-video': 'video: OpenAI has no word for it',
  'uploaded-file': 'a file in S3: OpenAI has no word for it',
  'nova-converse': 'guarded content: a guardrail is not chosen by an OpenAI client',
  'bedrock-model-other-parameters': 'its body is not in the recording',
  'bedrock-zai-native-output': 'our schema goes to models other than Claude by a tool',
};
const reasonOf = (id: string): string | undefined =>
  Object.entries(NOT_BUILT).find(([name]) => id.includes(name))?.[1];

const recordings: readonly Recording[] = hasShared
  ? readdirSync(SHARED).map((name) => JSON.parse(readFileSync(new URL(name, SHARED), 'utf8')) as Recording)
  : [];
const converse = recordings.filter(({ api }) => api === 'converse');
const answers = converse.filter(({ status }) => status === 200);

const adapter = new BedrockAdapter({ region: 'us-east-1' });

const callOf = (recording: Recording, request: Partial<ChatRequest>, stream = false): ProviderCall => ({
  upstreamModel: decodeURIComponent(recording.request.path.split('/')[2] ?? ''),
  request: { model: 'auto', messages: [], ...request },
  stream,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
});

const partOf = (block: RecordedBlock): object =>
  block.document === undefined
    ? { type: 'text', text: block.text }
    : {
        type: 'file',
        file: {
          filename: `${block.document.name}.${block.document.format}`,
          file_data: `data:application/${block.document.format};base64,${block.document.source.bytes}`,
        },
      };

/** What an OpenAI client would have asked for the same, written without any code of the adapter. */
function toOpenAi(recorded: RecordedRequest): Partial<ChatRequest> {
  const messages: unknown[] = (recorded.system ?? []).map(({ text }) => ({ role: 'system', content: text }));
  for (const { role, content } of recorded.messages) {
    for (const { toolResult } of content) {
      if (toolResult !== undefined) {
        const { toolUseId, content: parts } = toolResult;
        messages.push({ role: 'tool', tool_call_id: toolUseId, content: parts.map(partOf) });
      }
    }
    const spoken = content.filter(({ toolUse, toolResult }) => (toolUse ?? toolResult) === undefined);
    const toolCalls = content.flatMap(({ toolUse }) =>
      toolUse === undefined
        ? []
        : [
            {
              id: toolUse.toolUseId,
              type: 'function',
              function: { name: toolUse.name, arguments: JSON.stringify(toolUse.input) },
            },
          ],
    );
    if (spoken.length + toolCalls.length > 0) {
      messages.push({
        role,
        content: spoken.map(partOf),
        ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
      });
    }
  }
  const tools = recorded.toolConfig?.tools.map(({ toolSpec }) => ({
    type: 'function' as const,
    function: {
      name: toolSpec.name,
      ...(toolSpec.description === undefined ? {} : { description: toolSpec.description }),
      parameters: toolSpec.inputSchema.json,
    },
  }));
  const { any, auto } = recorded.toolConfig?.toolChoice ?? {};
  const topK = recorded.additionalModelRequestFields?.inferenceConfig?.topK;
  const schema = recorded.outputConfig?.textFormat.structure.jsonSchema.schema;
  return {
    messages: messages as ChatRequest['messages'],
    ...(tools === undefined ? {} : { tools }),
    ...(any === undefined ? {} : { tool_choice: 'required' as const }),
    ...(auto === undefined ? {} : { tool_choice: 'auto' as const }),
    ...(topK === undefined ? {} : { top_k: topK }),
    ...(schema === undefined
      ? {}
      : {
          response_format: {
            type: 'json_schema',
            json_schema: { name: 'x', schema: JSON.parse(schema) as Json },
          },
        }),
  };
}

/** Leaves out what says nothing: defaults that are written down, and names nobody reads. */
function normalise(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body), (key: string, value: unknown) => {
    const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    if (key === 'system' && isEmpty) return undefined;
    if (key === 'inferenceConfig' && isEmpty) return undefined;
    // We give Claude its usual limit.
    if (key === 'inferenceConfig' && (value as Json).maxTokens === 4096) return undefined;
    if (key === 'toolChoice' && 'auto' in (value as object)) return undefined;
    if (key === 'status') return undefined;
    if (key === 'jsonSchema') return { schema: JSON.parse((value as { schema: string }).schema) as Json };
    return value;
  });
}

const codec = new EventStreamCodec(
  (bytes: string | Uint8Array) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString()),
  (text) => Buffer.from(text),
);

const frameOf = (type: string, payload: object): Uint8Array =>
  codec.encode({
    headers: {
      ':event-type': { type: 'string', value: type },
      ':content-type': { type: 'string', value: 'application/json' },
      ':message-type': { type: 'string', value: 'event' },
    },
    body: Buffer.from(JSON.stringify(payload)),
  });

/** The stream that would have brought a recorded answer. No recording of a real one is to be had. */
function toStream({ output, stopReason, usage }: RecordedAnswer): Uint8Array {
  const frames = [frameOf('messageStart', { role: 'assistant' })];
  output.message.content.forEach((block, contentBlockIndex) => {
    const { text, toolUse } = block;
    if (toolUse !== undefined) {
      const { name, toolUseId } = toolUse;
      frames.push(
        frameOf('contentBlockStart', { contentBlockIndex, start: { toolUse: { name, toolUseId } } }),
      );
    }
    const json =
      toolUse === undefined || Object.keys(toolUse.input).length === 0 ? '' : JSON.stringify(toolUse.input);
    for (const piece of (text ?? json).match(/.{1,120}/gsu) ?? []) {
      const delta = toolUse === undefined ? { text: piece } : { toolUse: { input: piece } };
      frames.push(frameOf('contentBlockDelta', { contentBlockIndex, delta }));
    }
    frames.push(frameOf('contentBlockStop', { contentBlockIndex }));
  });
  frames.push(frameOf('messageStop', { stopReason }), frameOf('metadata', { usage, metrics: {} }));
  return Buffer.concat(frames);
}

async function translate(call: ProviderCall, pieces: readonly Uint8Array[]): Promise<ChatCompletionChunk[]> {
  const translator = adapter.createStreamTranslator(call);
  const chunks: ChatCompletionChunk[] = [];
  const reader = await adapter.createEventReader((event: WireEvent) => {
    chunks.push(...translator.push(event));
  });
  for (const piece of pieces) reader.feed(piece);
  reader.end();
  expect(translator.isTerminated).toBe(true);
  return [...chunks, ...translator.end()];
}

/** Puts chunks together the way a client does. */
function collect(chunks: readonly ChatCompletionChunk[]): object {
  let content = '';
  const toolCalls: { id: string | undefined; type: string; function: { name: string; arguments: string } }[] =
    [];
  for (const { choices } of chunks) {
    const delta = choices[0]?.delta;
    content += delta?.content ?? '';
    for (const { index, id, function: piece } of delta?.tool_calls ?? []) {
      const known = (toolCalls[index] ??= { id, type: 'function', function: { name: '', arguments: '' } });
      known.function.name += piece?.name ?? '';
      known.function.arguments += piece?.arguments ?? '';
    }
  }
  const finishReasons = chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []);
  return { content, toolCalls, finishReasons, usage: chunks.at(-1)?.usage };
}

describe.skipIf(!hasShared)('recorded traffic of Bedrock (skipped where ../shared is absent)', () => {
  it('has recordings; those of InvokeModel, which has a wire for each maker, are another API', () => {
    expect(converse.length).toBeGreaterThan(0);
    expect(new Set(recordings.map(({ api }) => api))).toEqual(new Set(['converse', 'invoke']));
  });

  it.each(converse.filter(({ id }) => reasonOf(id) === undefined))('builds the request $id', (recording) => {
    const recorded = recording.request.body!;
    const call = callOf(recording, toOpenAi(recorded));
    const wire = adapter.buildRequest(call);
    expect(decodeURIComponent(wire.path)).toBe(decodeURIComponent(recording.request.path));
    expect(normalise(wire.body)).toEqual(normalise(recorded));
  });

  it.each(converse.flatMap(({ id }) => (reasonOf(id) === undefined ? [] : [{ id, reason: reasonOf(id) }])))(
    'leaves out the request $id ($reason)',
    ({ id }) => {
      expect(converse.filter((recording) => recording.id === id)).toHaveLength(1);
    },
  );

  it.each(answers)('streams the answer $id, cut at every byte', async (recording) => {
    const call = callOf(recording, { messages: [{ role: 'user', content: 'Hi' }] }, true);
    const { completion } = adapter.parseAnswer(recording.body, call);
    const [{ finish_reason: finishReason, message } = { finish_reason: '', message: undefined }] =
      completion.choices;
    const expected = {
      content: message?.content ?? '',
      toolCalls: message?.tool_calls ?? [],
      finishReasons: [finishReason],
      usage: completion.usage,
    };
    const bytes = toStream(recording.body);
    for (let offset = 0; offset <= bytes.byteLength; offset += 1) {
      const chunks = await translate(call, [bytes.subarray(0, offset), bytes.subarray(offset)]);
      expect(collect(chunks)).toEqual(expected);
    }
    const singly = Array.from(bytes, (_byte, index) => bytes.subarray(index, index + 1));
    expect(collect(await translate(call, singly))).toEqual(expected);
  });
});
