import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * vLLM on this machine. Seen 2026-11-29. Thinking goes back in `reasoning`, in older versions in `reasoning_content`
 * (run-llama/llama_index#21076, docs.vllm.ai/en/v0.17.1/features/interleaved_thinking): both are sent, as fields it does not
 * know are skipped. Chat templates seldom know the role `developer`.
 */
export const VLLM_PRESET: ProviderPreset = {
  name: 'vllm',
  baseUrl: 'http://127.0.0.1:8000/v1',
  hosts: [],
  keyRequired: false,
  quirks: {
    ...IMITATOR_QUIRKS,
    replaysReasoning: 'in_fields',
    reasoningFields: ['reasoning', 'reasoning_content'],
  },
  unsupportedParameters: OPENAI_ALONE,
  unsupportedWhenThinking: [],
};
