import type { SurfaceName } from './llm-surfaces.js';

/**
 * `interactive`: somebody waits. `background`: a queue may hold it.
 *
 * @publicApi
 */
export type Workload = 'interactive' | 'background';

/**
 * Limits beside those of the surface. They can only tighten: the higher floor, the lower cap holds, on every attempt.
 *
 * @publicApi
 */
export interface SurfaceTightening {
  /** Minimum quality, 0 to 1. */
  readonly qualityFloor?: number;
  /** Minimum safety, 0 to 1. */
  readonly safetyFloor?: number;
  /** Milliseconds to the first token of a stream, or to the whole answer. */
  readonly latencySloMs?: number;
  /** US dollars over all attempts. */
  readonly maxCostPerRequest?: number;
  /** The most tokens an answer may have. */
  readonly maxOutputTokens?: number;
}

/**
 * Who asks: what a handler, a header or a caller has said about the requests made inside it.
 *
 * @publicApi
 */
export interface LlmRequestContext extends SurfaceTightening {
  /** The surface's name as configured. */
  readonly surface?: SurfaceName;
  readonly workload?: Workload;
  readonly tenant?: string;
  /** Wall clock for the whole request, in milliseconds. */
  readonly deadlineMs?: number;
  /**
   * The request does something beyond its answer (a provider's tool that writes, a stored conversation): it is never sent
   * twice at once. Still sent again where an attempt has failed.
   */
  readonly sideEffects?: boolean;
}
