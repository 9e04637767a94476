import { IMITATOR_QUIRKS, OPENAI_ALONE } from './imitator-quirks.js';
import type { ProviderPreset } from './provider-preset.js';

/**
 * Mistral's own API. Seen 2026-11-29.
 *
 * - 422 `extra_forbidden` for every field it does not know, in the body and in messages: `max_completion_tokens`
 *   (editor-code-assistant/eca#231), `stream_options` (BerriAI/litellm#8978; usage comes unasked, Portkey-AI/gateway#1260),
 *   `messages[].name` of users (Gage-Technologies/mistral-go#2), `reasoning_content` (charmbracelet/crush#1590), `user`
 *   (danny-avila/LibreChat#1540). The fields it knows: mistralai/client-python, `ChatCompletionRequest` and the messages.
 * - `seed` is called `random_seed`; `any` says `required`; the efforts are `none` and `high` (client-python,
 *   `ReasoningEffort`). Magistral always thinks and is sent none.
 * - Embeddings call `dimensions` `output_dimension` (docs.mistral.ai/api/endpoint/embeddings).
 * - Ids of tool calls are nine of a-z, A-Z, 0-9 (langchain-ai/langchain#24668).
 * - A final assistant turn wants `prefix: true` (NEKOparapa/AiNiee#641).
 * - Thinking of earlier turns goes back as a part `thinking` of the content, where it came from (recorded with Magistral).
 */
export const MISTRAL_PRESET: ProviderPreset = {
  name: 'mistral',
  baseUrl: 'https://api.mistral.ai/v1',
  hosts: ['api.mistral.ai', 'codestral.mistral.ai'],
  keyRequired: true,
  maker: 'mistral',
  quirks: {
    ...IMITATOR_QUIRKS,
    streamUsage: 'always',
    renamedFields: { seed: 'random_seed' },
    renamedEmbeddingFields: { dimensions: 'output_dimension' },
    omittedFields: ['prompt_cache_retention', 'safety_identifier', 'service_tier', 'store', 'user'],
    toolChoiceRequired: 'any',
    toolCallIds: 'nine_alphanumeric',
    messageFields: {
      system: ['role', 'content'],
      user: ['role', 'content'],
      assistant: ['role', 'content', 'tool_calls', 'prefix'],
      tool: ['role', 'content', 'tool_call_id', 'name'],
    },
    finalAssistantMark: 'prefix',
    replaysReasoning: 'as_part',
    reasoningEfforts: [
      {
        models: /^mistral-(?:small|medium)/,
        thinkingOnly: true,
        words: { minimal: 'none', low: 'high', medium: 'high', xhigh: 'high', max: 'high' },
      },
    ],
  },
  unsupportedParameters: [...OPENAI_ALONE, 'logit_bias', 'logprobs', 'verbosity'],
  unsupportedWhenThinking: [],
};
