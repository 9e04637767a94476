import { AnthropicAdapter } from './anthropic/anthropic.adapter.js';
import { GeminiAdapter } from './gemini/gemini.adapter.js';
import { OpenAiAdapter } from './openai/openai.adapter.js';
import type { ProviderAdapter } from './provider-adapter.js';

/** The wire formats a provider's `api` may name. */
export const PROVIDER_APIS = ['openai', 'openai-compatible', 'anthropic', 'gemini'] as const;

/** One of {@link PROVIDER_APIS}. */
export type ProviderApi = (typeof PROVIDER_APIS)[number];

const ADAPTERS: Readonly<Record<ProviderApi, ProviderAdapter>> = {
  openai: new OpenAiAdapter({ compatible: false }),
  'openai-compatible': new OpenAiAdapter({ compatible: true }),
  anthropic: new AnthropicAdapter(),
  gemini: new GeminiAdapter(),
};

/** The adapter of a wire format. Adapters hold no state: there is one of each. */
export function adapterFor(api: ProviderApi): ProviderAdapter {
  return ADAPTERS[api];
}
