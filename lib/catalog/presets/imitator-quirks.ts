import type { ProviderQuirks, PresetParameter } from './provider-preset.js';

/**
 * What servers that imitate OpenAI have in common, as long as nothing else is known of one: the fields all of them have,
 * `system` for `developer` (some refuse the newer word, Ollama drops such messages: earendil-works/pi#140, and
 * cloudflare/cloudflare-os#36), and no thinking of earlier turns, which strict ones refuse.
 */
export const IMITATOR_QUIRKS: ProviderQuirks = {
  outputLimitField: 'max_tokens',
  streamUsage: 'option',
  renamedFields: {},
  omittedFields: [],
  toolChoiceRequired: 'required',
  toolCallIds: 'any',
  developerRole: 'system',
  alternatingTurns: false,
  replaysReasoning: 'never',
  reasoningFields: [],
  jsonSchema: 'native',
  cacheMarks: false,
};

/** What OpenAI alone has: tools of free text, the functions of old, sound out, its own search. */
export const OPENAI_ALONE: readonly PresetParameter[] = [
  'custom_tools',
  'functions',
  'audio_output',
  'web_search_options',
];

/** Fields of OpenAI's own platform that do not touch the answer. */
export const PLATFORM_FIELDS: readonly string[] = [
  'metadata',
  'prediction',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'store',
];
