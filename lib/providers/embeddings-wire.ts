import type { TokenUsage, ValidatedEmbeddingRequest } from '../chat/index.js';
import type { WireRequest } from './wire-request.js';

/** What an adapter needs to know to put one embeddings request on the wire. */
export interface EmbeddingsCall {
  /** The model's name at the provider. */
  readonly upstreamModel: string;
  readonly request: ValidatedEmbeddingRequest;
  /** How long a connection may take, in milliseconds. Absent: as it is for all calls. */
  readonly connectTimeoutMs?: number;
}

/** Vectors as the provider gave them, in the order of the inputs. */
export interface TranslatedEmbeddings {
  /** Numbers, or base64 of 32-bit floats, the lowest byte first. */
  readonly vectors: readonly (readonly number[] | string)[];
  /** What the provider calls the model. */
  readonly model: string;
  /** Undefined: the provider reported none. */
  readonly usage: TokenUsage | undefined;
}

/** One wire format's embeddings. Pure: no HTTP, no clock, no state. */
export interface EmbeddingsWire {
  /** @throws {@link InvalidRequestError} when the request cannot be said on this wire. */
  buildRequest(call: EmbeddingsCall): WireRequest;
  /** @throws {@link ProviderError} of kind `bad_response` when the body is not as many vectors as there are inputs. */
  parseAnswer(body: unknown, call: EmbeddingsCall): TranslatedEmbeddings;
}
