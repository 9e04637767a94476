import type { StandingFilter } from './eligibility-filter.js';

/**
 * Where the surface's requests may be answered: in a region it names, or in a part of one (`eu` holds `eu-west-1`). A
 * deployment that names no region passes none.
 */
export const regionFilter: StandingFilter = {
  reason: 'region',
  check({ region }, { surface: { regions } }) {
    if (regions === undefined) return undefined;
    const allowed = regions.join(', ');
    if (region === undefined) return `names no region, the surface allows ${allowed}`;
    const isInside = regions.some((name) => region === name || region.startsWith(`${name}-`));
    return isInside ? undefined : `is in ${region}, the surface allows ${allowed}`;
  },
};
