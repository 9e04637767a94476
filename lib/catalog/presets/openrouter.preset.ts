import { IMITATOR_QUIRKS } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * OpenRouter. Seen 2026-11-29.
 *
 * - It leaves out what the model it picks does not know, so OpenAI's fields are sent as they are
 *   (openrouter.ai/docs/requests).
 * - Thinking of earlier turns goes back in `reasoning_details` and `reasoning` (openrouter.ai/docs/use-cases/reasoning-tokens,
 *   "Preserving reasoning blocks"); `cache_control` on parts is read (recorded).
 */
export const OPENROUTER_PRESET: ProviderPreset = {
  name: 'openrouter',
  baseUrl: 'https://openrouter.ai/api/v1',
  hosts: ['openrouter.ai'],
  keyRequired: true,
  quirks: {
    ...IMITATOR_QUIRKS,
    replaysReasoning: 'in_fields',
    reasoningFields: ['reasoning', 'reasoning_details'],
    cacheMarks: true,
  },
  unsupportedParameters: [],
  unsupportedWhenThinking: [],
};
