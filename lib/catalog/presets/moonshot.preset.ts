import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Moonshot AI's own API (Kimi). Seen 2026-11-29.
 *
 * - A thinking model refuses an assistant turn with tool calls that lacks `reasoning_content`, an empty one included
 *   (mastra-ai/mastra#12592; a dot passes, spacedriveapp/spacebot#364).
 * - Sampling is fixed for models that think: temperature, `top_p`, `n` and the penalties (java.agentscope.io, model Kimi).
 * - `max_completion_tokens` is the documented limit (the same page); `partial: true` marks a final assistant turn
 *   (vercel/ai release `@ai-sdk/moonshotai@2.0.53`); K2.5 and K2.6 stop thinking by `thinking: { type: "disabled" }`.
 * - Thinking refuses a forced `tool_choice` (400, can1357/oh-my-pi#1077); with thinking switched off it is heeded.
 */
export const MOONSHOT_PRESET: ProviderPreset = {
  name: 'moonshot',
  baseUrl: 'https://api.moonshot.ai/v1',
  hosts: ['api.moonshot.ai', 'api.moonshot.cn'],
  keyRequired: true,
  maker: 'moonshotai',
  quirks: {
    ...IMITATOR_QUIRKS,
    outputLimitField: 'max_completion_tokens',
    finalAssistantMark: 'partial',
    replaysReasoning: 'in_fields',
    reasoningFields: ['reasoning_content'],
    missingReasoning: { text: '.', turns: 'tool_calls' },
    reasoningEfforts: [
      { models: /^kimi-k2\.[56]/, words: { none: { thinking: { type: 'disabled' } } } },
      { models: /(?:)/, words: { none: null, minimal: 'low', medium: 'high', xhigh: 'max' } },
    ],
    forcedToolChoice: [
      { models: /^kimi-k2\.[56]/, fields: { thinking: { type: 'disabled' } } },
      { models: /(?:)/, thinkingOnly: true, fields: null },
    ],
    jsonSchema: 'json_object',
  },
  unsupportedParameters: OPENAI_ALONE,
  unsupportedWhenThinking: ['frequency_penalty', 'n', 'presence_penalty', 'temperature', 'top_p'],
};
