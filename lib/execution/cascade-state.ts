import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { Plan, PlannedAttempt, PolicyExecution } from '../planning/index.js';

/** What is fixed of a request before its first call. */
export interface CascadeTerms {
  readonly plan: Plan;
  readonly streamed: boolean;
  /** Two copies of it may be under way at once. */
  readonly mayOverlap: boolean;
  readonly retries: Pick<PolicyExecution['retries'], 'baseDelayMs' | 'maxDelayMs'>;
}

/** One that has failed, and may be called again. */
export interface Again {
  readonly planned: PlannedAttempt;
  /** On the clock of pauses. */
  readonly notBeforeMs: number;
  /** Given up on for slowness alone. */
  readonly isSlow: boolean;
}

export interface FailedCall {
  readonly planned: PlannedAttempt;
  readonly kind: ProviderErrorKind;
}

/**
 * How far a request has come through its plan. Nothing changes in it: each call and each failure makes the next one. Who is
 * called when is read off it and the moment alone, so that the router and the replay of a day go by the same choice.
 */
export interface CascadeState {
  readonly terms: CascadeTerms;
  /** Not called yet, in the plan's order. */
  readonly queue: readonly PlannedAttempt[];
  readonly again: readonly Again[];
  /** In the order they were told of. */
  readonly failures: readonly FailedCall[];
  /** Calls so far, those under way among them. */
  readonly attempts: number;
  /** A prompt was too long for a window of so many tokens; 0: none was. */
  readonly minWindow: number;
  readonly isOverdue: boolean;
}

export function startCascade(terms: CascadeTerms): CascadeState {
  return {
    terms,
    queue: terms.plan.attempts,
    again: [],
    failures: [],
    attempts: 0,
    minWindow: 0,
    isOverdue: false,
  };
}

/** Of a request that goes on from another: its calls count, and whom it called is not called again. */
export function continueCascade(
  terms: CascadeTerms,
  { queue, attempts }: Pick<CascadeState, 'queue' | 'attempts'>,
): CascadeState {
  return { ...startCascade(terms), queue, attempts };
}

/** One that was not called yet is called. */
export function withCall(state: CascadeState, planned: PlannedAttempt): CascadeState {
  return {
    ...state,
    queue: state.queue.filter((other) => other !== planned),
    attempts: state.attempts + 1,
  };
}

/** One that has failed is called again. */
export function withSecondCall(state: CascadeState, again: Again): CascadeState {
  return {
    ...state,
    again: state.again.filter((other) => other !== again),
    attempts: state.attempts + 1,
  };
}

/** Nothing was sent, after all. */
export function withoutCall(state: CascadeState): CascadeState {
  return { ...state, attempts: state.attempts - 1 };
}

export function failuresOf({ failures }: CascadeState, { deployment }: PlannedAttempt): number {
  return failures.filter(({ planned }) => planned.deployment === deployment).length;
}
