import type { LlmRouterErrorCode } from '../errors/llm-router-error.js';
import type { AttemptRecord, Outcome, Tier } from '../telemetry/index.js';
import type { TraceRequest } from './trace-request.js';

/** What became of one request. */
export interface ReplayedRequest {
  /** The surface's name, or `none`. */
  readonly surface: string;
  /** To its first token where it is streamed, to its end where not; undefined: none is promised. */
  readonly sloMs: number | undefined;
  readonly streamed: boolean;
  readonly outcome: Outcome;
  readonly errorCode: LlmRouterErrorCode | undefined;
  readonly durationMs: number;
  readonly timeToFirstTokenMs: number | undefined;
  /** Undefined: nothing served it. */
  readonly servedBy: { readonly deployment: string; readonly tier: Tier } | undefined;
  readonly attempts: readonly ReplayedAttempt[];
}

export interface ReplayedAttempt extends Pick<
  AttemptRecord,
  'deployment' | 'tier' | 'outcome' | 'errorKind' | 'timeToFirstTokenMs' | 'durationMs' | 'costUsd'
> {
  /** The hard limits it broke: must be empty. */
  readonly brokenLimits: readonly string[];
}

/** What is replayed: whoever takes a request, calls simulated deployments and says what became of it. */
export interface ReplayedRouter {
  /** @param onEnd - To be called exactly once. */
  accept(request: TraceRequest, index: number, onEnd: (result: ReplayedRequest) => void): void;
}
