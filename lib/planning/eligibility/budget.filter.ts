import { usualCostOf } from '../usual-cost-of.js';
import type { EligibilityFilter } from './eligibility-filter.js';

/** Prices that differ by less are the same. */
const SLACK = 1.001;

/** Where a budget is spent that only makes requests cheaper, the cheapest of those that may serve is left, and its equals. */
export const budgetFilter: EligibilityFilter = {
  reason: 'budget',
  check(deployment, demand) {
    const { onlyUnderUsd } = demand;
    if (onlyUnderUsd === undefined) return undefined;
    const usd = usualCostOf(deployment, demand);
    if (usd === undefined) return 'no price known, and a budget is spent';
    return usd <= onlyUnderUsd * SLACK
      ? undefined
      : `costs about $${usd.toPrecision(2)}, the cheapest that may serve $${onlyUnderUsd.toPrecision(2)}, and a budget is spent`;
  },
};
