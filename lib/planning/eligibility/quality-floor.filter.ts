import type { EligibilityFilter } from './eligibility-filter.js';

/** The surface's quality floor; an unrated model passes none. */
export const qualityFloorFilter: EligibilityFilter = {
  reason: 'quality_floor',
  check({ model }, { surface }) {
    if (surface.qualityFloor === undefined) return undefined;
    if (model.quality === undefined)
      return `unrated, the quality floor is ${surface.qualityFloor.toFixed(3)}`;
    return model.quality >= surface.qualityFloor
      ? undefined
      : `quality ${model.quality.toFixed(3)} is under the floor of ${surface.qualityFloor.toFixed(3)}`;
  },
};
