import type { Demand } from '../demand.js';
import type { RejectionReason } from '../plan.js';
import type { PolicyDeployment } from '../policy-snapshot.js';

/** One hard limit. Gives the reason a candidate fails it, in words, or undefined where it passes. */
export interface EligibilityFilter {
  readonly reason: RejectionReason;
  check(deployment: PolicyDeployment, demand: Demand): string | undefined;
}
