import { AnthropicAdapter } from './anthropic/anthropic.adapter.js';
import { AzureOpenAiAdapter } from './azure-openai/azure-openai.adapter.js';
import { GeminiAdapter } from './gemini/gemini.adapter.js';
import { OpenAiAdapter } from './openai/openai.adapter.js';
import type { ProviderAdapter } from './provider-adapter.js';
import { VertexAdapter } from './vertex/vertex.adapter.js';
import { VERTEX_DEFAULTS, type VertexSettings } from './vertex/vertex-settings.js';

/** The wire formats a provider's `api` may name. */
export const PROVIDER_APIS = [
  'openai',
  'openai-compatible',
  'azure-openai',
  'anthropic',
  'gemini',
  'vertex',
] as const;

/** One of {@link PROVIDER_APIS}. */
export type ProviderApi = (typeof PROVIDER_APIS)[number];

const ADAPTERS: Readonly<Record<ProviderApi, ProviderAdapter>> = {
  openai: new OpenAiAdapter({ compatible: false }),
  'openai-compatible': new OpenAiAdapter({ compatible: true }),
  'azure-openai': new AzureOpenAiAdapter({ apiVersion: undefined }),
  anthropic: new AnthropicAdapter(),
  gemini: new GeminiAdapter(),
  vertex: new VertexAdapter(VERTEX_DEFAULTS),
};

/** What of a provider's configuration changes its wire. */
export interface WireOptions {
  /** `api-version` of Azure OpenAI. */
  readonly apiVersion?: string | null;
  /** Where at Vertex AI. */
  readonly vertex?: VertexSettings;
}

/**
 * The adapter of a wire format. Adapters hold no state: there is one of each, one for each version of Azure's, and one
 * for each place at Vertex AI.
 */
export function adapterFor(api: ProviderApi, options: WireOptions = {}): ProviderAdapter {
  if (api === 'vertex' && options.vertex !== undefined) return new VertexAdapter(options.vertex);
  return api === 'azure-openai' && options.apiVersion
    ? new AzureOpenAiAdapter({ apiVersion: options.apiVersion })
    : ADAPTERS[api];
}
