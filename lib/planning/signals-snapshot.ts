/** What is known live of one deployment. */
export interface DeploymentSignals {
  readonly inFlight: number;
  /** Ended attempts in the window, errors and successes. */
  readonly samples: number;
  /** Share of errors and timeouts among `samples`, 0 to 1. */
  readonly errorRate: number;
  /** Median time to first token of streams in the window, in milliseconds; undefined: no sample. */
  readonly timeToFirstTokenMs: number | undefined;
  /** Median duration of whole answers in the window, in milliseconds; undefined: no sample. */
  readonly latencyMs: number | undefined;
  /** A rate limit's wait ends then, in epoch milliseconds; 0: none. */
  readonly restingUntilMs: number;
  /** An alert on its error rate stands: over minutes too many of its calls failed. */
  readonly inAlert: boolean;
}

/** Live state as planning sees it. */
export interface SignalsSnapshot {
  of(deploymentId: string): DeploymentSignals;
}

export const UNKNOWN_SIGNALS: DeploymentSignals = {
  inFlight: 0,
  samples: 0,
  errorRate: 0,
  timeToFirstTokenMs: undefined,
  latencyMs: undefined,
  restingUntilMs: 0,
  inAlert: false,
};
