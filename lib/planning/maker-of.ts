import { makerAt, type ModelMaker, presetOf } from '../catalog/index.js';
import type { ProviderOptions } from '../config/index.js';

/**
 * Whose own API a provider of OpenAI's format is: told by its preset, wherever it is reached (a proxy before Mistral is
 * still Mistral), or by its host.
 */
export function makerOf(provider: Pick<ProviderOptions, 'api' | 'baseUrl'>): ModelMaker | undefined {
  return presetOf(provider)?.maker ?? makerAt(provider.baseUrl ?? '');
}
