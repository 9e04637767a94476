import { AnthropicAdapter } from './anthropic/anthropic.adapter.js';
import { AzureOpenAiAdapter } from './azure-openai/azure-openai.adapter.js';
import { GeminiAdapter } from './gemini/gemini.adapter.js';
import { OpenAiAdapter } from './openai/openai.adapter.js';
import type { ProviderAdapter } from './provider-adapter.js';

/** The wire formats a provider's `api` may name. */
export const PROVIDER_APIS = ['openai', 'openai-compatible', 'azure-openai', 'anthropic', 'gemini'] as const;

/** One of {@link PROVIDER_APIS}. */
export type ProviderApi = (typeof PROVIDER_APIS)[number];

const ADAPTERS: Readonly<Record<ProviderApi, ProviderAdapter>> = {
  openai: new OpenAiAdapter({ compatible: false }),
  'openai-compatible': new OpenAiAdapter({ compatible: true }),
  'azure-openai': new AzureOpenAiAdapter({ apiVersion: undefined }),
  anthropic: new AnthropicAdapter(),
  gemini: new GeminiAdapter(),
};

/** What of a provider's configuration changes its wire. */
export interface WireOptions {
  /** `api-version` of Azure OpenAI. */
  readonly apiVersion?: string | null;
}

/** The adapter of a wire format. Adapters hold no state: there is one of each, and one for each version of Azure's. */
export function adapterFor(api: ProviderApi, options: WireOptions = {}): ProviderAdapter {
  return api === 'azure-openai' && options.apiVersion
    ? new AzureOpenAiAdapter({ apiVersion: options.apiVersion })
    : ADAPTERS[api];
}
