import type { StandingFilter } from './eligibility-filter.js';

/** How long a provider may keep the surface's prompts. A deployment that does not say passes no limit. */
export const retentionFilter: StandingFilter = {
  reason: 'retention',
  check({ retentionDays }, { surface }) {
    if (surface.retentionDays === undefined) return undefined;
    if (retentionDays === undefined) {
      return `does not say how long prompts are kept, the surface allows ${surface.retentionDays} days`;
    }
    return retentionDays <= surface.retentionDays
      ? undefined
      : `keeps prompts for ${retentionDays} days, the surface allows ${surface.retentionDays}`;
  },
};
