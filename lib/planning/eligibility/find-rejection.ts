import type { Demand } from '../demand.js';
import type { RejectionReason } from '../plan.js';
import type { PolicyDeployment } from '../policy-snapshot.js';
import { budgetFilter } from './budget.filter.js';
import { capabilityFilter } from './capability.filter.js';
import { contextWindowFilter } from './context-window.filter.js';
import type { EligibilityFilter } from './eligibility-filter.js';
import { maxOutputFilter } from './max-output.filter.js';
import { parameterFilter } from './parameter.filter.js';
import { pinFilter } from './pin.filter.js';
import { qualityFloorFilter } from './quality-floor.filter.js';
import { requestCostFilter } from './request-cost.filter.js';
import { rulePriceFilter } from './rule-price.filter.js';
import { safetyFloorFilter } from './safety-floor.filter.js';

const FILTERS: readonly EligibilityFilter[] = [
  pinFilter,
  capabilityFilter,
  parameterFilter,
  qualityFloorFilter,
  safetyFloorFilter,
  contextWindowFilter,
  maxOutputFilter,
  rulePriceFilter,
  requestCostFilter,
  budgetFilter,
];

/** The first hard limit a candidate fails, or undefined where it may serve. */
export function findRejection(
  deployment: PolicyDeployment,
  demand: Demand,
): { reason: RejectionReason; detail: string } | undefined {
  for (const filter of FILTERS) {
    const detail = filter.check(deployment, demand);
    if (detail !== undefined) return { reason: filter.reason, detail };
  }
  return undefined;
}
