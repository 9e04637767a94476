import type { EligibilityFilter } from './eligibility-filter.js';

/** The model can write an answer as long as the client allows. */
export const maxOutputFilter: EligibilityFilter = {
  reason: 'max_output',
  check({ maxOutputTokens }, { outputTokens }) {
    if (maxOutputTokens === undefined || outputTokens === undefined || outputTokens <= maxOutputTokens) {
      return undefined;
    }
    return `writes at most ${maxOutputTokens} tokens, ${outputTokens} are asked for`;
  },
};
