import { NEVER_DROPPED } from '../../catalog/index.js';
import type { EligibilityFilter } from './eligibility-filter.js';

/** The deployment has a word for all that the request asks for, or what it lacks may be left out. */
export const parameterFilter: EligibilityFilter = {
  reason: 'parameter',
  check({ unsupportedParameters }, { features, dropsParameters }) {
    if (features.parameters.length === 0) return undefined;
    const missing = features.parameters.filter(
      (name) => unsupportedParameters.has(name) && (!dropsParameters || NEVER_DROPPED.has(name)),
    );
    return missing.length === 0 ? undefined : `cannot do ${missing.join(', ')}`;
  },
};
