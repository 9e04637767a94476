export { BUILT_IN_CLASSES, type Classification, type Classifier } from './classifier.js';
export { type EmbeddingFeatures, extractEmbeddingFeatures } from './embedding-features.js';
export { extractFeatures, type RequestFeatures } from './request-features.js';
export { RulesClassifier } from './rules-classifier.js';
