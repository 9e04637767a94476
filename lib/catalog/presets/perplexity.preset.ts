import { IMITATOR_QUIRKS, PLATFORM_FIELDS } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Perplexity's own API (Sonar). Seen 2026-11-29.
 *
 * - No tools, and strict turns: users and assistant alternate, system messages come first (pipecat-ai/docs#623).
 * - No `stop`, `logit_bias`, `logprobs`, `seed`, `service_tier` (list of Bifrost's Perplexity provider); the usage
 *   comes with every chunk (recorded).
 * - `citations` and `search_results` of an answer are kept, beside OpenAI's fields.
 */
export const PERPLEXITY_PRESET: ProviderPreset = {
  name: 'perplexity',
  baseUrl: 'https://api.perplexity.ai',
  hosts: ['api.perplexity.ai'],
  keyRequired: true,
  maker: 'perplexity',
  quirks: {
    ...IMITATOR_QUIRKS,
    streamUsage: 'always',
    omittedFields: [...PLATFORM_FIELDS, 'parallel_tool_calls', 'service_tier'],
    alternatingTurns: true,
  },
  unsupportedParameters: [
    'custom_tools',
    'functions',
    'logit_bias',
    'logprobs',
    'audio_output',
    'n',
    'seed',
    'stop',
    'tools',
    'verbosity',
  ],
  unsupportedWhenThinking: [],
};
