/** The class of requests for vectors; no rule has it. */
export const EMBEDDINGS_CLASS = 'embeddings';

/** The class of calls that are made to find out the class of a request; no rule has it. */
export const CLASSIFICATION_CLASS = 'classification';

/** The class, and the surface, of calls that are made to find out whether a deployment is there; no rule has it. */
export const HEALTH_PROBE = 'health_probe';
