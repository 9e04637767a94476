import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Ollama on this machine. Seen 2026-11-29.
 *
 * - The fields it reads: docs.ollama.com/api/openai-compatibility; `max_tokens` for the limit, neither `n` nor `logit_bias`.
 *   Messages of role `developer` are dropped in silence (earendil-works/pi#140).
 * - Thinking comes and goes back in `reasoning` (recorded with gpt-oss).
 * - A prompt longer than the model's `num_ctx` loses its beginning in silence: `contextWindow` in the configuration should be
 *   no more than that, so that the router refuses in time.
 */
export const OLLAMA_PRESET: ProviderPreset = {
  name: 'ollama',
  baseUrl: 'http://127.0.0.1:11434/v1',
  hosts: ['ollama.com'],
  keyRequired: false,
  quirks: { ...IMITATOR_QUIRKS, replaysReasoning: 'in_fields', reasoningFields: ['reasoning'] },
  unsupportedParameters: [...OPENAI_ALONE, 'logit_bias', 'n'],
  unsupportedWhenThinking: [],
};
