import { presetOf } from '../catalog/index.js';
import type { ProviderOptions } from '../config/index.js';

/** Whether a provider is sent the thinking of earlier turns: OpenAI's own API knows none, some others refuse it. */
export function replaysThinking(provider: Pick<ProviderOptions, 'api' | 'baseUrl'>): boolean {
  if (provider.api === 'openai' || provider.api === 'azure-openai') return false;
  const preset = presetOf(provider);
  return preset?.quirks.replaysReasoning !== 'never';
}
