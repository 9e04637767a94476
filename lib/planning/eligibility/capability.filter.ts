import { isEmbeddingModel } from '../../catalog/index.js';
import type { EligibilityFilter } from './eligibility-filter.js';

/** The model can do what the request uses. A model whose capabilities nobody declared is not checked. */
export const capabilityFilter: EligibilityFilter = {
  reason: 'capability',
  check({ model }, { features }) {
    const { capabilities } = model;
    if (capabilities === undefined) return undefined;
    if (isEmbeddingModel(capabilities)) return 'makes embeddings, answers no chat';
    if (features.capabilities.every((capability) => capabilities.has(capability))) return undefined;
    const missing = features.capabilities.filter((capability) => !capabilities.has(capability));
    return `cannot do ${missing.join(', ')}`;
  },
};
