import type { CatalogModel } from './catalog-model.js';
import { ALIBABA_MODELS } from './models/alibaba.models.js';
import { AMAZON_MODELS } from './models/amazon.models.js';
import { ANTHROPIC_MODELS } from './models/anthropic.models.js';
import { COHERE_MODELS } from './models/cohere.models.js';
import { DEEPSEEK_MODELS } from './models/deepseek.models.js';
import { GOOGLE_MODELS } from './models/google.models.js';
import { MINIMAX_MODELS } from './models/minimax.models.js';
import { MISTRAL_MODELS } from './models/mistral.models.js';
import { MOONSHOTAI_MODELS } from './models/moonshotai.models.js';
import { OPEN_MODELS } from './models/open.models.js';
import { OPENAI_MODELS } from './models/openai.models.js';
import { OPENAI_REASONING_MODELS } from './models/openai-reasoning.models.js';
import { PERPLEXITY_MODELS } from './models/perplexity.models.js';
import { XAI_MODELS } from './models/xai.models.js';
import { ZAI_MODELS } from './models/zai.models.js';

/**
 * Models people use, with the facts the router plans by; a maker a file, each under the name its maker's API takes.
 *
 * Prices (US dollars per million tokens, standard tier), windows, limits, dates and abilities are models.dev's, the
 * maker's own entry unless `source` says otherwise; ratings are the arena's: `CATALOG_SOURCES` has commits and dates.
 * Where this list means to differ from its source, `tools/catalog-differences.json` says why. `npm run catalog:update`
 * compares the two.
 */
export const CATALOG_MODELS: readonly CatalogModel[] = [
  ...OPENAI_MODELS,
  ...OPENAI_REASONING_MODELS,
  ...ANTHROPIC_MODELS,
  ...GOOGLE_MODELS,
  ...MISTRAL_MODELS,
  ...DEEPSEEK_MODELS,
  ...XAI_MODELS,
  ...ALIBABA_MODELS,
  ...MOONSHOTAI_MODELS,
  ...ZAI_MODELS,
  ...MINIMAX_MODELS,
  ...COHERE_MODELS,
  ...AMAZON_MODELS,
  ...PERPLEXITY_MODELS,
  ...OPEN_MODELS,
];
