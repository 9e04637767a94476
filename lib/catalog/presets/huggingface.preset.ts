import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/** Hugging Face's router over many hosts (huggingface.co/docs/inference-providers). Seen 2026-11-29. */
export const HUGGINGFACE_PRESET: ProviderPreset = {
  name: 'huggingface',
  baseUrl: 'https://router.huggingface.co/v1',
  hosts: ['router.huggingface.co'],
  keyRequired: true,
  quirks: IMITATOR_QUIRKS,
  unsupportedParameters: OPENAI_ALONE,
  unsupportedWhenThinking: [],
};
