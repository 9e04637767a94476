/** The class of requests for vectors; no rule has it. */
export const EMBEDDINGS_CLASS = 'embeddings';
