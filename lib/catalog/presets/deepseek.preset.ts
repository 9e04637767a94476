import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * DeepSeek's own API. Seen 2026-11-29.
 *
 * - Thinking with tools: 400 unless `reasoning_content` comes back in every assistant turn, those without a call included
 *   (api-docs.deepseek.com/guides/thinking_mode, openclaw/openclaw#73417, MoonshotAI/kimi-cli#2141); an empty text does
 *   where it is lost. Without tools it is ignored. The R1 of old, which refused it, is no longer served.
 * - `reasoning_effort` is mapped by DeepSeek itself, but for `none`: thinking is switched off by
 *   `thinking: { type: "disabled" }` (the same guide). Thinking ignores temperature and the penalties, without an error.
 * - Thinking, which is on by default, refuses `tool_choice: "required"` and a tool by its name (400, "Thinking mode does not
 *   support this tool_choice"); with thinking switched off both are heeded (deepseek-ai/DeepSeek-V3#1376).
 * - The role `developer` is a 400 (earendil-works/pi#1048); `response_format` is text or json_object; there is no `n`
 *   and no `logit_bias` in the reference of the endpoint.
 */
export const DEEPSEEK_PRESET: ProviderPreset = {
  name: 'deepseek',
  baseUrl: 'https://api.deepseek.com',
  hosts: ['api.deepseek.com'],
  keyRequired: true,
  maker: 'deepseek',
  quirks: {
    ...IMITATOR_QUIRKS,
    replaysReasoning: 'in_fields',
    reasoningFields: ['reasoning_content'],
    missingReasoning: { text: '', turns: 'all' },
    reasoningEfforts: [{ models: /(?:)/, words: { none: { thinking: { type: 'disabled' } } } }],
    forcedToolChoice: [{ models: /(?:)/, fields: { thinking: { type: 'disabled' } } }],
    jsonSchema: 'json_object',
  },
  unsupportedParameters: [...OPENAI_ALONE, 'logit_bias', 'n'],
  unsupportedWhenThinking: [],
};
