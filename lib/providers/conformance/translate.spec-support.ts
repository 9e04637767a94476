import type { ChatCompletionChunk } from '../../chat/chat-types.js';
import { adapterFor, type ProviderApi } from '../adapter-registry.js';
import type { ProviderCall, WireEvent } from '../provider-adapter.js';
import { ServerSentEventReader } from '../server-sent-event-reader.js';

/** A call that asks for nothing special. */
export const PLAIN_CALL: ProviderCall = {
  upstreamModel: 'asked-model',
  request: { model: 'asked-model', messages: [{ role: 'user', content: 'Hello' }] },
  stream: false,
  maxOutputTokens: undefined,
  modelMaxOutputTokens: undefined,
  reasoning: false,
};

/** Cuts a stream into events, fed in the given pieces, as the transport would. */
export function readEvents(pieces: Iterable<Uint8Array>): WireEvent[] {
  const events: WireEvent[] = [];
  const reader = new ServerSentEventReader((event) => events.push(event));
  for (const piece of pieces) reader.feed(piece);
  reader.end();
  return events;
}

export interface Translated {
  readonly chunks: readonly ChatCompletionChunk[];
  /** What ended it before its time. */
  readonly error: unknown;
}

/** The chunks that come before an error count: a client has seen them. */
export function translate(api: ProviderApi, events: readonly WireEvent[]): Translated {
  const translator = adapterFor(api).createStreamTranslator({ ...PLAIN_CALL, stream: true });
  const chunks: ChatCompletionChunk[] = [];
  try {
    for (const event of events) chunks.push(...translator.push(event));
    chunks.push(...translator.end());
    return { chunks, error: undefined };
  } catch (error) {
    return { chunks, error };
  }
}

export function catchError(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
