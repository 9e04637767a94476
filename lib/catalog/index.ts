export { computeAliases, MODEL_ALIASES } from './aliases.js';
export { Catalog } from './catalog.js';
export {
  type CatalogApi,
  type CatalogModel,
  isEmbeddingModel,
  type LongContextPrice,
  MODEL_CAPABILITIES,
  type ModelCapability,
  type ModelMaker,
  type ModelPrice,
  type ModelRating,
  type TaskKind,
  type TaskRating,
} from './catalog-model.js';
export { makerAt } from './maker-hosts.js';
export { CATALOG_MODELS } from './models.js';
export {
  QUALITY_REFERENCE,
  QUALITY_REFERENCE_RATING,
  type QualityEstimate,
  qualityFromRating,
  qualityOf,
} from './quality-from-rating.js';
export { CATALOG_SOURCES } from './sources.js';
export { vertexCatalogName } from './vertex-catalog-name.js';
export { readVertexModel, type VertexModel } from './vertex-model.js';
