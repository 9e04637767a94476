import { PRESET_NAMES, type PresetName, presetOf, PROVIDER_PRESETS } from '../catalog/index.js';
import { AnthropicAdapter } from './anthropic/anthropic.adapter.js';
import { AzureOpenAiAdapter } from './azure-openai/azure-openai.adapter.js';
import { BedrockAdapter } from './bedrock/bedrock.adapter.js';
import { GeminiAdapter } from './gemini/gemini.adapter.js';
import { OpenAiAdapter } from './openai/openai.adapter.js';
import type { ProviderAdapter } from './provider-adapter.js';

/** The wire formats a provider's `api` may name. */
export const PROVIDER_APIS = [
  'openai',
  'openai-compatible',
  'azure-openai',
  'anthropic',
  'gemini',
  ...PRESET_NAMES,
  'bedrock',
] as const;

/** One of {@link PROVIDER_APIS}. */
export type ProviderApi = (typeof PROVIDER_APIS)[number];

const PRESET_ADAPTERS = Object.fromEntries(
  Object.values(PROVIDER_PRESETS).map((preset) => [
    preset.name,
    new OpenAiAdapter({ compatible: true, preset }),
  ]),
) as Record<PresetName, OpenAiAdapter>;

const ADAPTERS: Readonly<Record<ProviderApi, ProviderAdapter>> = {
  openai: new OpenAiAdapter({ compatible: false }),
  'openai-compatible': new OpenAiAdapter({ compatible: true }),
  'azure-openai': new AzureOpenAiAdapter({ apiVersion: undefined }),
  anthropic: new AnthropicAdapter(),
  gemini: new GeminiAdapter(),
  ...PRESET_ADAPTERS,
  bedrock: new BedrockAdapter({ region: undefined }),
};

/** What of a provider's configuration changes its wire. */
export interface WireOptions {
  /** `api-version` of Azure OpenAI. */
  readonly apiVersion?: string | null;
  /** Where it is: an `openai-compatible` provider whose host is known has the quirks of that host. */
  readonly baseUrl?: string | null;
  /** Region of AWS, for Bedrock. */
  readonly region?: string | null;
}

/**
 * The adapter of a wire format. Adapters hold no state: there is one of each, of Azure's one for each version, and of
 * Bedrock's one for each region.
 */
export function adapterFor(api: ProviderApi, options: WireOptions = {}): ProviderAdapter {
  if (api === 'bedrock' && options.region) {
    return new BedrockAdapter({ region: options.region });
  }
  if (api === 'azure-openai' && options.apiVersion) {
    return new AzureOpenAiAdapter({ apiVersion: options.apiVersion });
  }
  return ADAPTERS[presetOf({ api, baseUrl: options.baseUrl })?.name ?? api];
}
