import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * xAI's own API. Seen 2026-11-29.
 *
 * - Every Grok of today refuses the penalties, 0 included (miaoxworld/NativeTavern#83, QuantumNous/new-api#6081), and
 *   those that think refuse `stop` (BerriAI/litellm#12635).
 * - `reasoning_effort` is a 400 except at grok-3-mini, the multi-agent one, and 4.3 and newer (NousResearch/hermes-agent#23088,
 *   vercel/ai release `@ai-sdk/xai@4.0.8`).
 */
export const XAI_PRESET: ProviderPreset = {
  name: 'xai',
  baseUrl: 'https://api.x.ai/v1',
  hosts: ['api.x.ai'],
  keyRequired: true,
  maker: 'xai',
  quirks: {
    ...IMITATOR_QUIRKS,
    outputLimitField: 'max_completion_tokens',
    reasoningEfforts: [
      {
        models: /^grok-(?:latest|3-mini|4\.20-multi-agent|4\.[3-9](?!\d)|[5-9])/,
        words: { minimal: 'low', max: 'high' },
      },
    ],
  },
  unsupportedParameters: [...OPENAI_ALONE, 'frequency_penalty', 'presence_penalty'],
  unsupportedWhenThinking: ['stop'],
};
