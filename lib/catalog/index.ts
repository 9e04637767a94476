export { computeAliases, MODEL_ALIASES } from './aliases.js';
export { Catalog } from './catalog.js';
export {
  type CatalogApi,
  type CatalogModel,
  MODEL_CAPABILITIES,
  type ModelCapability,
  type ModelPrice,
  type ModelRating,
} from './catalog-model.js';
export { CATALOG_MODELS } from './models.js';
export {
  QUALITY_REFERENCE,
  QUALITY_REFERENCE_RATING,
  type QualityEstimate,
  qualityFromRating,
  qualityOf,
} from './quality-from-rating.js';
