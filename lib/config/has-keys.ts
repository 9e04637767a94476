import type { ProviderOptions } from './options/provider.options.js';

/** Whether a provider is let in by keys: one, several, or those of a callback. */
export function hasKeys({ apiKey, apiKeys }: Pick<ProviderOptions, 'apiKey' | 'apiKeys'>): boolean {
  return Boolean(apiKey) || Boolean(apiKeys);
}
