import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Fireworks AI. Seen 2026-11-29. Thinking comes and goes back in `reasoning_content` (docs.fireworks.ai/guides/reasoning);
 * fields of OpenAI's platform are accepted (BerriAI/litellm#30844).
 */
export const FIREWORKS_PRESET: ProviderPreset = {
  name: 'fireworks',
  baseUrl: 'https://api.fireworks.ai/inference/v1',
  hosts: ['api.fireworks.ai'],
  keyRequired: true,
  quirks: { ...IMITATOR_QUIRKS, replaysReasoning: 'in_fields', reasoningFields: ['reasoning_content'] },
  unsupportedParameters: OPENAI_ALONE,
  unsupportedWhenThinking: [],
};
