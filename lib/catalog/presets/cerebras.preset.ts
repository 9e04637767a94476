import { IMITATOR_QUIRKS, OPENAI_ALONE, PLATFORM_FIELDS } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Cerebras. Seen 2026-11-29. The penalties, `logit_bias`, `parallel_tool_calls` and `service_tier` are 400s (guide
 * "Cerebras" of req_llm 1.10 on hex.pm, after inference-docs.cerebras.ai/resources/openai); there is no role `developer`,
 * `system` has its place (the same page).
 */
export const CEREBRAS_PRESET: ProviderPreset = {
  name: 'cerebras',
  baseUrl: 'https://api.cerebras.ai/v1',
  hosts: ['api.cerebras.ai'],
  keyRequired: true,
  quirks: {
    ...IMITATOR_QUIRKS,
    outputLimitField: 'max_completion_tokens',
    omittedFields: [...PLATFORM_FIELDS, 'service_tier'],
  },
  unsupportedParameters: [
    ...OPENAI_ALONE,
    'frequency_penalty',
    'logit_bias',
    'parallel_tool_calls',
    'presence_penalty',
    'verbosity',
  ],
  unsupportedWhenThinking: [],
};
