import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { PlannedAttempt } from '../planning/index.js';
import type { StopCause } from './attempt-clock.js';
import { type CascadeMoment, mayServe } from './cascade-moment.js';
import { type CascadeState, failuresOf } from './cascade-state.js';

/** What passes by itself: the same deployment may answer the next time. */
const TRANSIENT: ReadonlySet<ProviderErrorKind> = new Set<ProviderErrorKind>([
  'rate_limited',
  'overloaded',
  'server_error',
  'timeout',
  'connection',
  'bad_response',
  'stream_cut',
]);

export interface FailureToNote {
  readonly planned: PlannedAttempt;
  readonly error: {
    readonly kind: ProviderErrorKind;
    readonly retryAfterMs: number | undefined;
    readonly isRetryable: boolean;
    readonly otherKeyReady: boolean;
  };
  /** Ended from our side for this; undefined: it failed by itself. */
  readonly stopCause: StopCause | undefined;
}

export interface NotedFailure {
  readonly state: CascadeState;
  /** No other would answer either: the fault is the caller's. */
  readonly isFinal: boolean;
}

/** What a failure makes of the request: who may be called after it, and when the same one again. */
export function noteFailure(
  before: CascadeState,
  moment: CascadeMoment,
  { planned, error, stopCause }: FailureToNote,
): NotedFailure {
  const { kind } = error;
  const state: CascadeState = {
    ...before,
    failures: [...before.failures, { planned, kind }],
    // Told by the timer, not by the clock: a timer may go off a moment early.
    isOverdue: before.isOverdue || stopCause === 'deadline',
  };
  if (error.otherKeyReady) return goOn({ ...state, queue: [planned, ...state.queue] });
  if (kind === 'context_length') {
    const larger = {
      ...state,
      minWindow: Math.max(state.minWindow, planned.deployment.contextWindow ?? 0),
    };
    const left = [...larger.queue, ...larger.again.map((again) => again.planned)];
    const isFinal = !left.some((other) => mayServe(larger, moment, other));
    return { state: larger, isFinal };
  }
  // Another model by another maker may see no harm in it; the same one would see it again.
  if (kind === 'content_filter' && state.terms.plan.surface.onContentFilter === 'next_model') {
    return { state, isFinal: state.queue.length === 0 };
  }
  if (!error.isRetryable) return { state, isFinal: true };
  if (!TRANSIENT.has(kind)) return goOn(state);
  const notBeforeMs = moment.clockMs + pauseAfter(state, moment, planned, error.retryAfterMs);
  const isSlow = stopCause === 'moved_on';
  return goOn({ ...state, again: [...state.again, { planned, isSlow, notBeforeMs }] });
}

function goOn(state: CascadeState): NotedFailure {
  return { state, isFinal: false };
}

/** Full jitter: anywhere between nothing and the pause, so that callers do not come back together. */
function pauseAfter(
  state: CascadeState,
  { random }: CascadeMoment,
  planned: PlannedAttempt,
  retryAfterMs: number | undefined,
): number {
  if (retryAfterMs !== undefined && retryAfterMs > 0) return retryAfterMs;
  const { baseDelayMs, maxDelayMs } = state.terms.retries;
  return random() * Math.min(baseDelayMs * 2 ** (failuresOf(state, planned) - 1), maxDelayMs);
}
