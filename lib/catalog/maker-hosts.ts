import type { ModelMaker } from './catalog-model.js';

/**
 * Host names of the makers' own APIs, where the catalogue's prices are asked. Of several regions, those billed in the
 * dollars of the source.
 */
const MAKER_HOSTS: Readonly<Record<ModelMaker, readonly string[]>> = {
  openai: ['api.openai.com'],
  anthropic: ['api.anthropic.com'],
  google: ['generativelanguage.googleapis.com'],
  mistral: ['api.mistral.ai'],
  deepseek: ['api.deepseek.com'],
  xai: ['api.x.ai'],
  alibaba: ['dashscope-intl.aliyuncs.com'],
  moonshotai: ['api.moonshot.ai'],
  zai: ['api.z.ai'],
  minimax: ['api.minimax.io'],
  cohere: ['api.cohere.com', 'api.cohere.ai'],
  amazon: [],
  perplexity: ['api.perplexity.ai'],
  meta: ['api.llama.com'],
};

/** Whose API stands at a base URL, or undefined for anybody else's. */
export function makerAt(baseUrl: string): ModelMaker | undefined {
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : undefined;
  if (host === undefined) return undefined;
  for (const [maker, hosts] of Object.entries(MAKER_HOSTS)) {
    if (hosts.includes(host)) return maker as ModelMaker;
  }
  return undefined;
}
