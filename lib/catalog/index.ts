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
  TASK_KINDS,
  type TaskKind,
  type TaskRating,
} from './catalog-model.js';
export { makerAt } from './maker-hosts.js';
export { CATALOG_MODELS } from './models.js';
export { PRESET_NAMES, presetOf, PROVIDER_PRESETS } from './presets/presets.js';
export type {
  PresetName,
  ProviderPreset,
  ProviderQuirks,
  ForcedToolChoiceRule,
  ReasoningEffortRule,
  PresetParameter,
} from './presets/provider-preset.js';
export {
  QUALITY_REFERENCE,
  QUALITY_REFERENCE_RATING,
  type QualityEstimate,
  qualityFromRating,
  qualityOf,
} from './quality-from-rating.js';
export {
  fieldOfParameter,
  NEVER_DROPPED,
  REQUEST_PARAMETERS,
  type RequestParameter,
  unsupportedParameters,
} from './request-parameters.js';
export { CATALOG_SOURCES } from './sources.js';
export { vertexCatalogName } from './vertex-catalog-name.js';
export { readVertexModel, type VertexModel } from './vertex-model.js';
