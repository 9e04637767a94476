import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/** Together AI, by its OpenAI-compatible endpoint (docs.together.ai). Nothing odd is known. Seen 2026-11-29. */
export const TOGETHER_PRESET: ProviderPreset = {
  name: 'together',
  baseUrl: 'https://api.together.xyz/v1',
  hosts: ['api.together.xyz', 'api.together.ai'],
  keyRequired: true,
  quirks: IMITATOR_QUIRKS,
  unsupportedParameters: OPENAI_ALONE,
  unsupportedWhenThinking: [],
};
