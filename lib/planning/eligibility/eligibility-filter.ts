import type { Demand } from '../demand.js';
import type { RejectionReason } from '../plan.js';
import type { PolicyDeployment } from '../policy-snapshot.js';

/** What a standing limit is held against: the same for all requests of a surface under a rule. */
export type StandingDemand = Pick<Demand, 'surface' | 'rule'>;

/** A hard limit that does not depend on the request. */
export interface StandingFilter {
  readonly reason: RejectionReason;
  check(deployment: PolicyDeployment, demand: StandingDemand): string | undefined;
}

/** One hard limit. Gives the reason a candidate fails it, in words, or undefined where it passes. */
export interface EligibilityFilter {
  readonly reason: RejectionReason;
  check(deployment: PolicyDeployment, demand: Demand): string | undefined;
}
