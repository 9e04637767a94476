import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Alibaba Cloud Model Studio in its international region, by the compatible mode. Seen 2026-11-29. A final assistant turn
 * wants `partial: true` (alibabacloud.com/help/en/model-studio/partial-mode).
 */
export const ALIBABA_PRESET: ProviderPreset = {
  name: 'alibaba',
  baseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
  hosts: ['dashscope-intl.aliyuncs.com', 'dashscope.aliyuncs.com'],
  keyRequired: true,
  maker: 'alibaba',
  quirks: { ...IMITATOR_QUIRKS, finalAssistantMark: 'partial' },
  unsupportedParameters: OPENAI_ALONE,
  unsupportedWhenThinking: [],
};
