import type { ChatCompletionChunk, TokenUsage } from '../chat/chat-types.js';
import type { EmbeddingsCall, TranslatedEmbeddings } from './embeddings-wire.js';
import type { KeyHealth } from './key-health.js';
import type { ProviderCall, TranslatedAnswer } from './provider-adapter.js';

/** A stream the provider has begun: chunks in OpenAI's shape and the usage it reported. */
export interface OpenedStream {
  /** Groups of chunks, as the upstream's packets brought them. Throws {@link ProviderError}. */
  readonly chunks: AsyncGenerator<readonly ChatCompletionChunk[], void, undefined>;
  /** The last running total the provider reported; undefined: none so far. */
  usage(): TokenUsage | undefined;
}

/** One request, put on the wire of one provider and ready to be sent, once. */
export interface PreparedCall {
  /** Fields of the request, by OpenAI's names, that this wire has no word for and that change little. Absent: none. */
  readonly droppedFields?: readonly string[];
  /**
   * @param onProgress - Called when the headers of an answer are there, and at every piece of it.
   * @throws {@link ProviderError}, or the signal's reason.
   */
  complete(signal: AbortSignal, onProgress: () => void): Promise<TranslatedAnswer>;
  /** Resolves when the upstream has accepted the request. @throws {@link ProviderError}, or the signal's reason. */
  openStream(signal: AbortSignal): Promise<OpenedStream>;
}

/** One embeddings request, put on the wire of one provider and ready to be sent, once. */
export interface PreparedEmbeddings {
  /**
   * @param onProgress - Called when the headers of an answer are there, and at every piece of it.
   * @throws {@link ProviderError}, or the signal's reason.
   */
  complete(signal: AbortSignal, onProgress: () => void): Promise<TranslatedEmbeddings>;
}

/**
 * What calls one provider account: the border between routing and the world. The real one is {@link ProviderClient};
 * applications' tests put scripted ones in its place.
 */
export interface UpstreamClient {
  /** What must be in no error: a provider, or a proxy before it, may quote the headers it was sent. */
  readSecrets(): readonly string[];
  /** What is left of the best key's rate limits, as the provider's headers say: 0 to 1; undefined: unknown. */
  headroom?(): number | undefined;
  /** How its keys stand; undefined: it is let in without. */
  keyHealth?(): KeyHealth | undefined;
  /**
   * Asks for the list of models: shows that the account can be reached and its key is taken, and costs nothing. Absent:
   * there is nothing to ask.
   *
   * @throws {@link ProviderError}, or the signal's reason.
   */
  probe?(signal: AbortSignal): Promise<void>;
  /** @throws {@link InvalidRequestError} when this wire cannot say the request. */
  prepare(call: ProviderCall): PreparedCall;
  /** Absent: it makes no embeddings. @throws {@link InvalidRequestError} when this wire cannot say the request. */
  prepareEmbeddings?(call: EmbeddingsCall): PreparedEmbeddings;
}
