import type { StandingFilter } from './eligibility-filter.js';

/** The surface's safety floor; an unrated model passes none. */
export const safetyFloorFilter: StandingFilter = {
  reason: 'safety_floor',
  check({ model }, { surface }) {
    if (surface.safetyFloor === undefined) return undefined;
    if (model.safety === undefined) return `no safety rating, the floor is ${surface.safetyFloor.toFixed(3)}`;
    return model.safety >= surface.safetyFloor
      ? undefined
      : `safety ${model.safety.toFixed(3)} is under the floor of ${surface.safetyFloor.toFixed(3)}`;
  },
};
