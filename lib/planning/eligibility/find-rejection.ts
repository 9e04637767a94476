import type { Demand } from '../demand.js';
import type { RejectionReason } from '../plan.js';
import type { PolicyDeployment } from '../policy-snapshot.js';
import { budgetFilter } from './budget.filter.js';
import { capabilityFilter } from './capability.filter.js';
import { contextWindowFilter } from './context-window.filter.js';
import type { EligibilityFilter, StandingDemand, StandingFilter } from './eligibility-filter.js';
import { maxOutputFilter } from './max-output.filter.js';
import { parameterFilter } from './parameter.filter.js';
import { pinFilter } from './pin.filter.js';
import { qualityFloorFilter } from './quality-floor.filter.js';
import { regionFilter } from './region.filter.js';
import { requestCostFilter } from './request-cost.filter.js';
import { retentionFilter } from './retention.filter.js';
import { rulePriceFilter } from './rule-price.filter.js';
import { safetyFloorFilter } from './safety-floor.filter.js';

/** What holds of every request of a surface under a rule. */
const STANDING: readonly StandingFilter[] = [
  pinFilter,
  regionFilter,
  retentionFilter,
  qualityFloorFilter,
  safetyFloorFilter,
  rulePriceFilter,
];

/** What depends on the request. */
const BY_REQUEST: readonly EligibilityFilter[] = [
  capabilityFilter,
  parameterFilter,
  contextWindowFilter,
  maxOutputFilter,
  requestCostFilter,
  budgetFilter,
];

export interface Rejection {
  readonly reason: RejectionReason;
  readonly detail: string;
}

/** The first of the standing limits a candidate fails, or undefined: the same for all requests of a surface under a rule. */
export function findStandingRejection(
  deployment: PolicyDeployment,
  demand: StandingDemand,
): Rejection | undefined {
  return findIn(STANDING, deployment, demand);
}

/** The first limit a candidate fails by what this request asks for, or undefined. */
export function findRequestRejection(deployment: PolicyDeployment, demand: Demand): Rejection | undefined {
  return findIn(BY_REQUEST, deployment, demand);
}

/** The first hard limit a candidate fails, or undefined where it may serve. */
export function findRejection(deployment: PolicyDeployment, demand: Demand): Rejection | undefined {
  return findStandingRejection(deployment, demand) ?? findRequestRejection(deployment, demand);
}

function findIn<Asked>(
  filters: readonly {
    readonly reason: RejectionReason;
    check(deployment: PolicyDeployment, demand: Asked): string | undefined;
  }[],
  deployment: PolicyDeployment,
  demand: Asked,
): Rejection | undefined {
  for (const filter of filters) {
    const detail = filter.check(deployment, demand);
    if (detail !== undefined) return { reason: filter.reason, detail };
  }
  return undefined;
}
