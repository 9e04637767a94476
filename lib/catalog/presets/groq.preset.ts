import { IMITATOR_QUIRKS, OPENAI_ALONE, PLATFORM_FIELDS } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Groq. Seen 2026-11-29.
 *
 * - 400 for `logprobs`, `top_logprobs`, `logit_bias`, `messages[].name` and an `n` other than 1
 *   (console.groq.com/docs/openai).
 * - 400 for fields of messages it does not know: `reasoning_content` (tashfeenahmed/freellmapi#1070), and `reasoning` with
 *   most models (vercel/ai#8057, karthink/gptel#774).
 * - `service_tier` has words of its own (groq/groq-python#183).
 * - gpt-oss takes low, medium and high; Qwen nothing but `none` (recorded: a thinking level is sent to it as no effort).
 */
export const GROQ_PRESET: ProviderPreset = {
  name: 'groq',
  baseUrl: 'https://api.groq.com/openai/v1',
  hosts: ['api.groq.com'],
  keyRequired: true,
  quirks: {
    ...IMITATOR_QUIRKS,
    outputLimitField: 'max_completion_tokens',
    omittedFields: PLATFORM_FIELDS,
    serviceTiers: ['auto', 'on_demand', 'flex', 'performance'],
    messageFields: {
      system: ['role', 'content'],
      user: ['role', 'content'],
      assistant: ['role', 'content', 'tool_calls'],
      tool: ['role', 'content', 'tool_call_id'],
    },
    reasoningEfforts: [
      { models: /gpt-oss/, words: { none: 'low', minimal: 'low', xhigh: 'high', max: 'high' } },
      {
        models: /qwen/,
        words: { minimal: null, low: null, medium: null, high: null, xhigh: null, max: null },
      },
    ],
  },
  unsupportedParameters: [...OPENAI_ALONE, 'logit_bias', 'logprobs', 'n', 'verbosity'],
  unsupportedWhenThinking: [],
};
