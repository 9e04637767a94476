import { ALIBABA_PRESET } from './alibaba.preset.js';
import { CEREBRAS_PRESET } from './cerebras.preset.js';
import { DEEPSEEK_PRESET } from './deepseek.preset.js';
import { FIREWORKS_PRESET } from './fireworks.preset.js';
import { GROQ_PRESET } from './groq.preset.js';
import { HUGGINGFACE_PRESET } from './huggingface.preset.js';
import { MISTRAL_PRESET } from './mistral.preset.js';
import { MOONSHOT_PRESET } from './moonshot.preset.js';
import { OLLAMA_PRESET } from './ollama.preset.js';
import { OPENROUTER_PRESET } from './openrouter.preset.js';
import { PERPLEXITY_PRESET } from './perplexity.preset.js';
import type { PresetName, ProviderPreset } from './provider-preset.js';
import { TOGETHER_PRESET } from './together.preset.js';
import { VLLM_PRESET } from './vllm.preset.js';
import { XAI_PRESET } from './xai.preset.js';
import { ZAI_PRESET } from './zai.preset.js';

/** The providers whose quirks are known, by name. */
export const PROVIDER_PRESETS: Readonly<Record<PresetName, ProviderPreset>> = {
  mistral: MISTRAL_PRESET,
  groq: GROQ_PRESET,
  deepseek: DEEPSEEK_PRESET,
  xai: XAI_PRESET,
  openrouter: OPENROUTER_PRESET,
  together: TOGETHER_PRESET,
  fireworks: FIREWORKS_PRESET,
  cerebras: CEREBRAS_PRESET,
  perplexity: PERPLEXITY_PRESET,
  alibaba: ALIBABA_PRESET,
  moonshot: MOONSHOT_PRESET,
  zai: ZAI_PRESET,
  huggingface: HUGGINGFACE_PRESET,
  ollama: OLLAMA_PRESET,
  vllm: VLLM_PRESET,
};

export const PRESET_NAMES = Object.keys(PROVIDER_PRESETS) as readonly PresetName[];

function isPresetName(api: string): api is PresetName {
  return Object.hasOwn(PROVIDER_PRESETS, api);
}

/**
 * The preset of a provider: the one its `api` names, and for an `openai-compatible` one that of the host it stands at.
 * Undefined for the other wire formats, and for servers nobody knows.
 */
export function presetOf(provider: {
  readonly api: string;
  readonly baseUrl?: string | null | undefined;
}): ProviderPreset | undefined {
  const { api, baseUrl } = provider;
  if (isPresetName(api)) return PROVIDER_PRESETS[api];
  if (api !== 'openai-compatible' || !baseUrl || !URL.canParse(baseUrl)) return undefined;
  const { hostname } = new URL(baseUrl);
  return Object.values(PROVIDER_PRESETS).find(({ hosts }) => hosts.includes(hostname));
}
