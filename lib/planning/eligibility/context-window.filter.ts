import { promptOf } from '../prompt-of.js';
import type { EligibilityFilter } from './eligibility-filter.js';

/** Room kept for the answer where the client named no limit. */
export const ANSWER_ROOM_TOKENS = 256;

/** Prompt and answer fit the window. */
export const contextWindowFilter: EligibilityFilter = {
  reason: 'context_window',
  check(deployment, { features, outputTokens }) {
    const { contextWindow } = deployment;
    if (contextWindow === undefined) return undefined;
    const needed = promptOf(deployment, features).inputTokens + (outputTokens ?? ANSWER_ROOM_TOKENS);
    return needed <= contextWindow
      ? undefined
      : `needs about ${needed} tokens with room for the answer, the window is ${contextWindow}`;
  },
};
