import type { BreakerState, Line } from '../signals/index.js';

/** What is known live of one deployment. */
export interface DeploymentSignals {
  readonly inFlight: number;
  /** Requests that wait in the router for room there. */
  readonly queued: number;
  /** Calls it takes at once, as far as that was found out; undefined: no sign of a limit. */
  readonly limit: number | undefined;
  /** Ended attempts in the window, errors and successes. */
  readonly samples: number;
  /** Share of errors and timeouts among `samples`, 0 to 1. */
  readonly errorRate: number;
  /** Median time to first token of streams in the window, in milliseconds; undefined: no sample. */
  readonly timeToFirstTokenMs: number | undefined;
  /** So many waits for a first token it is the median of. */
  readonly firstTokenSamples: number;
  /** Median duration of whole answers in the window, in milliseconds; undefined: no sample. */
  readonly latencyMs: number | undefined;
  /** So many whole answers it is the median of. */
  readonly latencySamples: number;
  /** What 95 of 100 streams of the last minutes did not exceed; undefined: too few. */
  readonly p95TimeToFirstTokenMs: number | undefined;
  /** So many waits for a first token it is of. */
  readonly usualFirstTokenSamples: number;
  /** The same of whole answers. */
  readonly p95LatencyMs: number | undefined;
  /** So many whole answers it is of. */
  readonly usualLatencySamples: number;
  /** The p95 of each of the last complete windows of ten seconds, the newest first; undefined where there were too few. */
  readonly recentP95TimeToFirstTokenMs: readonly (number | undefined)[];
  /** The same of whole answers. */
  readonly recentP95LatencyMs: readonly (number | undefined)[];
  /** How the time to first token depends on the prompt's tokens; undefined: no sample. */
  readonly firstTokenByInput: Line | undefined;
  /** How the time of the whole answer depends on its tokens; undefined: no sample. */
  readonly durationByOutput: Line | undefined;
  /** A rate limit's wait ends then, in epoch milliseconds; 0: none. */
  readonly restingUntilMs: number;
  /** Until when the provider itself asked to be left alone; later than it rests where it asked for long. 0: it did not say. */
  readonly restToldUntilMs: number;
  /** It rests because nothing is left of a rate limit, told by the provider's headers or configured; not after a 429. */
  readonly isExhausted: boolean;
  readonly breaker: BreakerState;
  /** Share of its traffic that the breaker lets through: 0 while it is open or its probe is under way. */
  readonly breakerShare: number;
  /** End of the breaker's pause, in epoch milliseconds; 0: none. */
  readonly breakerUntilMs: number;
  /** It has stopped answering at its usual pace. */
  readonly isSlow: boolean;
  /** An alert on its error or timeout rate stands, or one on its provider's: over minutes too many of its calls failed. */
  readonly inAlert: boolean;
  /** A critical one does. */
  readonly inCriticalAlert: boolean;
}

/** Live state as planning sees it. */
export interface SignalsSnapshot {
  of(deploymentId: string): DeploymentSignals;
  /**
   * Of all of a list that is asked for again and again, in its order. The same array as before where nothing has changed;
   * absent: each is asked for by its id.
   */
  ofAll?(deployments: readonly { readonly id: string }[]): readonly DeploymentSignals[];
  /** How long answers to a class usually are, in tokens; undefined or absent: not known. */
  usualOutputTokens?(requestClass: string): number | undefined;
}

export const UNKNOWN_SIGNALS: DeploymentSignals = {
  inFlight: 0,
  queued: 0,
  limit: undefined,
  samples: 0,
  errorRate: 0,
  timeToFirstTokenMs: undefined,
  firstTokenSamples: 0,
  latencyMs: undefined,
  latencySamples: 0,
  p95TimeToFirstTokenMs: undefined,
  usualFirstTokenSamples: 0,
  p95LatencyMs: undefined,
  usualLatencySamples: 0,
  recentP95TimeToFirstTokenMs: [],
  recentP95LatencyMs: [],
  firstTokenByInput: undefined,
  durationByOutput: undefined,
  restingUntilMs: 0,
  restToldUntilMs: 0,
  isExhausted: false,
  breaker: 'closed',
  breakerShare: 1,
  breakerUntilMs: 0,
  isSlow: false,
  inAlert: false,
  inCriticalAlert: false,
};
