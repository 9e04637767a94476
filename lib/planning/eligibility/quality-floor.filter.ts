import { qualityUnderRule } from '../quality-under-rule.js';
import type { StandingFilter } from './eligibility-filter.js';

/** The surface's quality floor; an unrated model passes none. */
export const qualityFloorFilter: StandingFilter = {
  reason: 'quality_floor',
  check({ model }, { surface, rule }) {
    if (surface.qualityFloor === undefined) return undefined;
    const quality = qualityUnderRule(model, rule);
    const kind = rule?.task === undefined ? '' : ` in ${rule.task}`;
    if (quality === undefined)
      return `unrated${kind}, the quality floor is ${surface.qualityFloor.toFixed(3)}`;
    return quality >= surface.qualityFloor
      ? undefined
      : `quality ${quality.toFixed(3)}${kind} is under the floor of ${surface.qualityFloor.toFixed(3)}`;
  },
};
