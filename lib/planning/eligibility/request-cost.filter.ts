import { affordableOutputTokens, MIN_AFFORDABLE_OUTPUT_TOKENS } from '../../cost/index.js';
import { promptOf } from '../prompt-of.js';
import type { EligibilityFilter } from './eligibility-filter.js';

/** The surface's `maxCostPerRequest` pays for the prompt and a usable answer. */
export const requestCostFilter: EligibilityFilter = {
  reason: 'request_cost',
  check(deployment, { features, surface }) {
    const { price } = deployment;
    const cap = surface.maxCostPerRequest;
    if (cap === undefined) return undefined;
    if (price === undefined) return `no price known, the surface allows $${cap} a request`;
    const tokens = affordableOutputTokens(cap, price, promptOf(deployment, features));
    return tokens >= MIN_AFFORDABLE_OUTPUT_TOKENS
      ? undefined
      : `$${cap} a request pays for ${tokens} output tokens, under the minimum of ${MIN_AFFORDABLE_OUTPUT_TOKENS}`;
  },
};
