import type { StandingFilter } from './eligibility-filter.js';

/** A surface that pins a model takes no other. */
export const pinFilter: StandingFilter = {
  reason: 'not_pinned',
  check({ model }, { surface }) {
    return surface.pin === undefined || surface.pin.name === model.name
      ? undefined
      : `the surface is pinned to ${surface.pin.name}`;
  },
};
