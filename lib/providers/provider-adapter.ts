import type {
  ChatCompletion,
  ChatCompletionChunk,
  TokenUsage,
  ValidatedChatRequest,
} from '../chat/chat-types.js';
import type { ProviderError } from '../errors/provider-error.js';
import type { EmbeddingsWire } from './embeddings-wire.js';
import type { EventReader } from './event-reader.js';
import type { RecalledTurn } from './recalled-turn.js';
import type { WireRequest } from './wire-request.js';

export type { WireRequest };

/** What an adapter needs to know to put one chat request on the wire. */
export interface ProviderCall {
  /** The model's name at the provider. */
  readonly upstreamModel: string;
  readonly request: ValidatedChatRequest;
  readonly stream: boolean;
  /**
   * The output limit the router wants, in tokens: the client's, lowered by price caps. Undefined: the client set
   * none and no cap applies.
   */
  readonly maxOutputTokens: number | undefined;
  /** The model's own output limit, where the catalogue knows it. */
  readonly modelMaxOutputTokens: number | undefined;
  /** The model thinks before it answers (`reasoning` in its capabilities). */
  readonly reasoning: boolean;
  /** How long a connection may take, in milliseconds. Absent: as it is for all calls. */
  readonly connectTimeoutMs?: number;
  /** Told when an answer's headers say that nothing is left of a rate limit for so long, and no other key has any. */
  readonly onExhausted?: ((exhaustedForMs: number) => void) | undefined;
  /** What the client lost of earlier answers, by the message's place in the request. */
  readonly recalledTurns?: ReadonlyMap<number, RecalledTurn>;
}

/** An answer in OpenAI's shape with the usage the ledger needs. */
export interface TranslatedAnswer {
  readonly completion: ChatCompletion;
  /** Undefined: the provider reported none. */
  readonly usage: TokenUsage | undefined;
}

/** One parsed server-sent event. */
export interface WireEvent {
  readonly event?: string;
  readonly data: string;
}

/**
 * Turns the events of one upstream stream into OpenAI chunks. Stateful, one instance a stream, no I/O.
 */
export interface StreamTranslator {
  /**
   * Takes the next event and gives the chunks it stands for, none to several.
   *
   * @throws {@link ProviderError} for an error event inside the stream.
   */
  push(event: WireEvent): ChatCompletionChunk[];
  /**
   * The upstream body has ended. Gives what is left to send, the usage chunk (`choices: []`) last.
   *
   * @throws {@link ProviderError} of kind `stream_cut` when the stream lacked a finish reason or its terminator.
   */
  end(): ChatCompletionChunk[];
  /** The provider's own terminator has been seen: the body need not be read further. */
  readonly isTerminated: boolean;
  /** The last running total the provider reported. */
  readonly usage: TokenUsage | undefined;
}

/** An HTTP answer that is not a success. */
export interface WireFailure {
  readonly status: number;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON, or the text where it is not JSON. */
  readonly body: unknown;
}

/**
 * One wire format. Every method is pure: no HTTP, no clock but ids and timestamps of made-up answers, no state
 * outside the translator it returns.
 */
export interface ProviderAdapter {
  /** Base URL when the configuration names none; undefined: the configuration must name one. */
  readonly defaultBaseUrl: string | undefined;
  /** Where the list of models is: what a probe asks for. Undefined: there is none. */
  readonly modelList?: Pick<WireRequest, 'path' | 'headers'>;
  /**
   * Other makers' thinking in the history must not reach it. False: the conversions of this wire leave out what is not
   * its own.
   */
  readonly readsOwnThinkingAlone?: boolean;
  /** Headers that carry the key. */
  authHeaders(apiKey: string | undefined): Record<string, string>;
  /**
   * @throws {@link InvalidRequestError} when the request cannot be said on this wire (broken tool arguments, a URL
   * the provider cannot read).
   */
  buildRequest(call: ProviderCall): WireRequest;
  /**
   * Which fields of the request did not make it into the wire's, though a client may care: hints, and values the model
   * does not take. What changes the answer is refused by `buildRequest` instead. Absent: none.
   */
  droppedFields?: (call: ProviderCall, wire: WireRequest) => readonly string[];
  /** Absent: it makes no embeddings. */
  readonly embeddings?: EmbeddingsWire;
  /** @throws {@link ProviderError} of kind `bad_response` when the body is not an answer. */
  parseAnswer(body: unknown, call: ProviderCall): TranslatedAnswer;
  createStreamTranslator(call: ProviderCall): StreamTranslator;
  /** How its streams are cut into events. Absent: server-sent events. A promise where its parts are loaded late. */
  createEventReader?: (take: (event: WireEvent) => void) => EventReader | Promise<EventReader>;
  parseError(failure: WireFailure): ProviderError;
}
