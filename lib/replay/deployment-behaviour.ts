import type { ModelPrice } from '../catalog/catalog-model.js';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import { type Distribution, logNormal } from './distribution.js';

/** How fast and how well a deployment answers. */
export interface Pace {
  /** Milliseconds from the moment it begins to work on a call, the wait in its own queue apart. */
  readonly timeToFirstTokenMs: Distribution;
  readonly tokensPerSecond: Distribution;
  /** Share of its calls that fail, 0 to 1. */
  readonly errorRate: number;
}

/** How a simulated deployment answers while nothing happens to it. */
export interface DeploymentBehaviour extends Pace {
  /** Calls it works on at once; undefined: any number. */
  readonly capacity: number | undefined;
  /** Calls that wait at the provider while it is full; who comes then is told 429. */
  readonly queueLength: number;
  /** Undefined: no rate limit. */
  readonly requestsPerMinute: number | undefined;
  /** What calls that fail, fail of. */
  readonly errorKind: ProviderErrorKind;
  /** What it says with a 429; undefined: nothing. */
  readonly retryAfterMs: number | undefined;
  /** Parts of the day in which it was otherwise, by their number since the epoch; undefined: none are known. */
  readonly slots?: { readonly lengthMs: number; readonly paces: ReadonlyMap<number, Pace> };
}

/** What happens to a deployment at a time of the day. */
export interface DeploymentEvent {
  /** Undefined: to all. */
  readonly deployment: string | undefined;
  /** From the first request of the trace. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly change: DeploymentChange;
}

export type DeploymentChange =
  /** So many times longer to the first token, and so many times fewer tokens a second. */
  | { readonly kind: 'brown_out'; readonly factor: number }
  | { readonly kind: 'error_burst'; readonly errorRate: number }
  | {
      readonly kind: 'rate_limit';
      readonly requestsPerMinute: number;
      readonly retryAfterMs: number | undefined;
    }
  | { readonly kind: 'outage' }
  /** What it really costs; the router goes on by its configured price. */
  | { readonly kind: 'price_change'; readonly price: ModelPrice };

export const DEPLOYMENT_CHANGES = [
  'brown_out',
  'error_burst',
  'rate_limit',
  'outage',
  'price_change',
] as const satisfies readonly DeploymentChange['kind'][];

/** How all providers of a replay behave. */
export interface SimulatedWorld {
  /** By the deployment's id. */
  readonly behaviours: ReadonlyMap<string, DeploymentBehaviour>;
  readonly events: readonly DeploymentEvent[];
}

/** Whom nothing is known of: about what hosted models of today do. */
export const ASSUMED_BEHAVIOUR: DeploymentBehaviour = {
  timeToFirstTokenMs: logNormal(500, 0.35),
  tokensPerSecond: logNormal(80, 0.2),
  capacity: undefined,
  queueLength: 40,
  requestsPerMinute: undefined,
  errorRate: 0,
  errorKind: 'server_error',
  retryAfterMs: undefined,
};
