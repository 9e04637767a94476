import type { LlmRequestContext } from '../context/index.js';

/**
 * What a caller can say of one request. It wins over the handler's `@Surface`.
 *
 * @publicApi
 */
export interface RouterCallOptions extends LlmRequestContext {
  /** Ends the request and its upstream call when it aborts. */
  readonly signal?: AbortSignal;
}

/** What the HTTP endpoint adds. */
export interface InternalCallOptions extends RouterCallOptions {
  /** A client's deadline: it can only shorten the application's. */
  readonly deadlineLimitMs?: number;
  /** Whose requests are counted together against `requestsInFlightPerKey`. */
  readonly keyId?: string;
  /** Where the surface's name came from, for the error that refuses it. */
  readonly surfaceParam?: string;
}
