import type { LlmRequestContext } from '../context/index.js';
import type { RequestTries } from './request-tries.js';

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
  /** Nobody waits for it: whatever the tier, the cheapest is tried first. */
  readonly cheapestFirst?: boolean;
  /** It has a share of its own: in the waiting room it comes as if somebody waited for it. */
  readonly hasShare?: boolean;
  /** This is one of several tries of a request. Whoever makes them says when there will be no other. */
  readonly tries?: RequestTries;
}

const BESIDE_CONTEXT: Readonly<Record<Exclude<keyof InternalCallOptions, keyof LlmRequestContext>, true>> = {
  signal: true,
  deadlineLimitMs: true,
  keyId: true,
  surfaceParam: true,
  cheapestFirst: true,
  hasShare: true,
  tries: true,
};

/** What call options have beside the context. */
export const KEYS_BESIDE_CONTEXT: ReadonlySet<string> = new Set(Object.keys(BESIDE_CONTEXT));
