import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Z.ai's own API (GLM). Seen 2026-11-29.
 *
 * - Thinking goes back with tool results, in `reasoning_content` (docs.z.ai/guides/capabilities/thinking-mode).
 * - Efforts are low, high and max, and `thinking: { type: "disabled" }` for none (the same guide; recorded with GLM-5.2
 *   and GLM-5.3). `max_tokens` alone, and no penalties (java.agentscope.io, model GLM).
 * - `response_format` is text or json_object.
 */
export const ZAI_PRESET: ProviderPreset = {
  name: 'zai',
  baseUrl: 'https://api.z.ai/api/paas/v4',
  hosts: ['api.z.ai', 'open.bigmodel.cn'],
  keyRequired: true,
  maker: 'zai',
  quirks: {
    ...IMITATOR_QUIRKS,
    replaysReasoning: 'in_fields',
    reasoningFields: ['reasoning_content'],
    reasoningEfforts: [
      {
        models: /(?:)/,
        words: {
          none: { thinking: { type: 'disabled' } },
          minimal: 'low',
          medium: 'high',
          xhigh: 'max',
        },
      },
    ],
    jsonSchema: 'json_object',
  },
  unsupportedParameters: [...OPENAI_ALONE, 'frequency_penalty', 'presence_penalty'],
  unsupportedWhenThinking: [],
};
