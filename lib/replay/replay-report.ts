import type { Percentiles } from '../observability/index.js';

/** How one surface fared. */
export interface SurfaceReplay {
  readonly requests: number;
  readonly succeeded: number;
  /** Undefined: it promises none. */
  readonly sloMs: number | undefined;
  /** Requests that an SLO is promised to; one that failed has missed it, one that nothing may serve is not counted. */
  readonly judged: number;
  readonly inTime: number;
  /** `inTime` of `judged`, 0 to 1; undefined: none was judged. */
  readonly sloAttainment: number | undefined;
  /** To the first token where it was streamed, to the end where not; of those that were answered. */
  readonly latencyMs: Percentiles | undefined;
  readonly costUsd: number;
}

/** What one deployment had to do. */
export interface DeploymentReplay {
  readonly attempts: number;
  readonly failed: number;
  /** Requests it served. */
  readonly served: number;
  /** `served` of all that were served, 0 to 1. */
  readonly share: number;
  readonly peakInFlight: number;
  readonly costUsd: number;
  readonly timeToFirstTokenMs: Percentiles | undefined;
}

/** What became of a replayed day. */
export interface ReplayReport {
  /** Identifies the configuration, keys left out. */
  readonly policy: string;
  readonly seed: number;
  readonly requests: number;
  /** From the first request to the last, in milliseconds. */
  readonly spanMs: number;
  readonly succeeded: number;
  /** Of all requests, 0 to 1. */
  readonly successRate: number;
  /** Over all surfaces; undefined: none promises an SLO. */
  readonly sloAttainment: number | undefined;
  readonly costUsd: number;
  /** Calls that broke a hard limit. Always 0, or there is a fault in the router. */
  readonly floorViolations: number;
  /** By the limit's name. */
  readonly violations: Readonly<Record<string, number>>;
  /** Share of the answers that did not come from the first call, or not from a primary. */
  readonly fallbackRate: number;
  /** Share of the requests that were refused for want of room, without a call. */
  readonly shedRate: number;
  /** Requests that no model may serve. */
  readonly rejected: number;
  readonly attempts: number;
  /** Requests by the code of their error. */
  readonly errors: Readonly<Record<string, number>>;
  readonly surfaces: Readonly<Record<string, SurfaceReplay>>;
  readonly deployments: Readonly<Record<string, DeploymentReplay>>;
}
