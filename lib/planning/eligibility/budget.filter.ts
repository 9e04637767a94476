import { expectedCostUsd } from '../expected-cost.js';
import type { EligibilityFilter } from './eligibility-filter.js';

/** Prices that differ by less are the same. */
const SLACK = 1.001;

/** Where a budget is spent that only makes requests cheaper, the cheapest of those that may serve is left, and its equals. */
export const budgetFilter: EligibilityFilter = {
  reason: 'budget',
  check({ price }, { cheapest }) {
    if (cheapest === undefined) return undefined;
    if (price === undefined) return 'no price known, and a budget is spent';
    const usd = expectedCostUsd(price, cheapest.usage);
    return usd <= cheapest.usd * SLACK
      ? undefined
      : `costs about $${usd.toPrecision(2)}, the cheapest that may serve $${cheapest.usd.toPrecision(2)}, and a budget is spent`;
  },
};
