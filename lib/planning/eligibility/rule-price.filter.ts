import { isWithinPrice, mixedPricePer1k } from '../../cost/index.js';
import type { StandingFilter } from './eligibility-filter.js';

/** The rule's `maxCostPer1k`; a model without a price does not pass one. */
export const rulePriceFilter: StandingFilter = {
  reason: 'rule_price',
  check({ price }, { rule }) {
    if (rule?.maxCostPer1k === undefined) return undefined;
    if (price === undefined) return `no price known, the rule allows $${rule.maxCostPer1k} per 1,000 tokens`;
    const mixed = mixedPricePer1k(price);
    return isWithinPrice(mixed, rule.maxCostPer1k)
      ? undefined
      : `costs $${mixed.toFixed(5)} per 1,000 tokens (3 to 1 mix), the rule allows $${rule.maxCostPer1k}`;
  },
};
