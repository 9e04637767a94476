import { EventStreamCodec } from '@smithy/eventstream-codec';
import type { ChatRequest } from '../../chat/chat-types.js';
import { adapterFor } from '../adapter-registry.js';
import { AmazonEventStreamReader, EXCEPTION_EVENT } from '../bedrock/amazon-event-stream-reader.js';
import type { EmbeddingsCall } from '../embeddings-wire.js';
import type { EventReader } from '../event-reader.js';
import type { ProviderAdapter, ProviderCall, WireEvent } from '../provider-adapter.js';
import { ServerSentEventReader } from '../server-sent-event-reader.js';
import { join } from './mutate-bytes.spec-support.js';
import type { Random } from './random.spec-support.js';
import type { Wire } from './seeds.spec-support.js';

/** One adapter and what is sent to it. */
export interface Subject {
  readonly name: string;
  readonly wire: Wire;
  readonly adapter: ProviderAdapter;
  /** Several that differ in what the answer is read for. */
  readonly calls: readonly ProviderCall[];
  openReader(take: (event: WireEvent) => void): EventReader;
  /** Puts events on the wire. */
  frame(random: Random, events: readonly WireEvent[]): Uint8Array;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : decoder.decode(bytes as Uint8Array)),
  (text) => encoder.encode(text),
);

const openSentEvents = (take: (event: WireEvent) => void): EventReader => new ServerSentEventReader(take);

function frameSentEvents(random: Random, events: readonly WireEvent[]): Uint8Array {
  const lineEnd = random.pick(['\n', '\n', '\n', '\r\n', '\r']);
  const text = events
    .map(({ event, data }) =>
      [...(event === undefined ? [] : [`event: ${event}`]), `data: ${data}`, '', ''].join(lineEnd),
    )
    .join('');
  return encoder.encode(text);
}

const header = (value: string): { type: 'string'; value: string } => ({ type: 'string', value });

function frameAmazonEvents(random: Random, events: readonly WireEvent[]): Uint8Array {
  return join(
    ...events.map(({ event, data }) =>
      codec.encode({
        headers:
          event === EXCEPTION_EVENT
            ? { ':message-type': header('exception'), ':exception-type': header(random.pick(['throttlingException', 'x y'])) }
            : {
                ':message-type': header('event'),
                ...(event === undefined ? {} : { ':event-type': header(event) }),
              },
        body: encoder.encode(data),
      }),
    ),
  );
}

function callOf(upstreamModel: string, request: Partial<ChatRequest> = {}): ProviderCall {
  return {
    upstreamModel,
    request: { model: upstreamModel, messages: [{ role: 'user', content: 'Hello' }], ...request },
    stream: true,
    maxOutputTokens: undefined,
    modelMaxOutputTokens: undefined,
    reasoning: false,
  };
}

/** The schema makes Claude's readers look for the tool that stands for it. */
const callsOf = (model: string): ProviderCall[] => [
  callOf(model),
  callOf(model, { n: 2 }),
  callOf(model, {
    response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object', properties: {} } } },
  }),
];

function sentEvents(name: string, wire: Wire, adapter: ProviderAdapter, model: string): Subject {
  return { name, wire, adapter, calls: callsOf(model), openReader: openSentEvents, frame: frameSentEvents };
}

/** Presets speak by one class: two of them stand for all. */
export const SUBJECTS: readonly Subject[] = [
  sentEvents('openai', 'openai', adapterFor('openai'), 'gpt-4o'),
  sentEvents('openai-compatible', 'openai', adapterFor('openai-compatible'), 'llama'),
  sentEvents('azure-openai', 'openai', adapterFor('azure-openai'), 'deployment'),
  sentEvents('groq', 'openai', adapterFor('groq'), 'llama'),
  sentEvents('openrouter', 'openai', adapterFor('openrouter'), 'openai/gpt-4o'),
  sentEvents('anthropic', 'anthropic', adapterFor('anthropic'), 'claude-3-5-sonnet-latest'),
  sentEvents('gemini', 'gemini', adapterFor('gemini'), 'gemini-2.5-flash'),
  sentEvents('vertex', 'gemini', adapterFor('vertex'), 'gemini-2.5-flash'),
  sentEvents('vertex-claude', 'anthropic', adapterFor('vertex'), 'claude-3-5-sonnet-v2@20241022'),
  {
    name: 'bedrock',
    wire: 'bedrock',
    adapter: adapterFor('bedrock'),
    calls: callsOf('anthropic.claude-3-5-sonnet-20241022-v2:0'),
    openReader: (take) => new AmazonEventStreamReader(codec, take),
    frame: frameAmazonEvents,
  },
];

export const EMBEDDINGS_CALLS: readonly EmbeddingsCall[] = [
  [['one'], undefined],
  [['one', 'two'], undefined],
  [['one'], 2],
].map(([input, dimensions]) => ({
  upstreamModel: 'e',
  request: {
    model: 'e',
    input: input as string[],
    sentInput: input,
    encodingFormat: 'float',
    dimensions: dimensions as number | undefined,
    user: undefined,
    extras: {},
  },
}));
