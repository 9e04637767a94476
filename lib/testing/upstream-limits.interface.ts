import type { ErrorInSuccessFault, HtmlFault, ResetFault, StatusFault } from './upstream-fault.interface.js';

/** How much an upstream serves at a time. */
export interface UpstreamCapacity {
  /** Requests that are worked on at a time; what comes beyond waits for its turn, and its first token comes later. */
  readonly concurrency: number;
  /** Requests that may wait. @defaultValue `Infinity` */
  readonly queue?: number;
  /** What happens to a request that finds the queue full. @defaultValue status 503 */
  readonly whenFull?: StatusFault | ResetFault | HtmlFault | ErrorInSuccessFault;
}

/** What is left of an account's limits, as providers tell it in the headers of an answer. What is left out is not told. */
export interface UpstreamRateLimit {
  readonly limitRequests?: number;
  readonly remainingRequests?: number;
  readonly limitTokens?: number;
  readonly remainingTokens?: number;
  /** Until the limits are whole again; told of requests and of tokens, whichever has a figure. */
  readonly resetMs?: number;
}

/** How many requests of one key are taken in any stretch of time that long; the others get status 429. */
export interface UpstreamKeyLimit {
  readonly requests: number;
  readonly windowMs: number;
}
