import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { planThinking } from '../anthropic/anthropic-thinking.js';
import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';
import { requestedOutputTokens } from '../still-used-fields.js';
import { bedrockModelTraits } from './bedrock-model-traits.js';
import { toReasoningBlocks } from './reasoning-details.js';

/** How much a model is to think, with the output limit that goes along. */
export interface BedrockReasoning {
  /** Undefined: the model's own. */
  readonly maxTokens: number | undefined;
  /** A Claude that thinks refuses sampling parameters, and takes its signed thinking back. */
  readonly isClaudeThinking: boolean;
  /** For `additionalModelRequestFields`. */
  readonly fields: JsonObject;
  /** Claude's `output_config.effort`. */
  readonly effort: string | undefined;
}

/**
 * `reasoning_effort` in the words of the model's maker: for Claude as on Anthropic's own wire (`planThinking`), for
 * Nova 2 its three efforts (`reasoningConfig`), for gpt-oss OpenAI's own. Other models think as they will.
 *
 * Claude's assistant turns with tool calls have to begin with their signed thinking: where `reasoning_details` brings it
 * back, they do not stand in the way of thinking. Nova's `high` refuses limits and sampling (Nova 2 developer guide), so
 * beside them it becomes `medium`.
 */
export function toBedrockReasoning(
  call: ProviderCall,
  context: { readonly isToolForced: boolean },
): BedrockReasoning {
  const { request } = call;
  const traits = bedrockModelTraits(call.upstreamModel);
  if (traits.isClaude) {
    const messages = request.messages.filter(
      (message) => message.role !== 'assistant' || toReasoningBlocks(message).length === 0,
    );
    const plan = planThinking({ ...call, request: { ...request, messages } }, context);
    return {
      maxTokens: plan.maxTokens,
      isClaudeThinking: plan.thinking !== undefined,
      fields: plan.thinking === undefined ? {} : { thinking: plan.thinking },
      effort: plan.effort,
    };
  }
  const maxTokens = call.maxOutputTokens ?? requestedOutputTokens(request);
  const effort = request.reasoning_effort ?? undefined;
  const plain = { maxTokens, isClaudeThinking: false, fields: {}, effort: undefined };
  if (!call.reasoning || effort === undefined || effort === 'none') {
    return plain;
  }
  if (traits.isThinkingNova) {
    const maxReasoningEffort = novaEffort(effort, maxTokens !== undefined || hasSampling(request));
    return { ...plain, fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort } } };
  }
  return traits.isGptOss ? { ...plain, fields: { reasoning_effort: threeStepEffort(effort) } } : plain;
}

function hasSampling({ temperature, top_p: topP }: ValidatedChatRequest): boolean {
  return (temperature ?? undefined) !== undefined || (topP ?? undefined) !== undefined;
}

function novaEffort(effort: string, isBounded: boolean): string {
  const wanted = threeStepEffort(effort);
  return wanted === 'high' && isBounded ? 'medium' : wanted;
}

function threeStepEffort(effort: string): string {
  switch (effort) {
    case 'minimal':
    case 'low':
      return 'low';
    case 'medium':
      return 'medium';
    default:
      return 'high';
  }
}
