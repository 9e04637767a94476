import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { givenHints } from '../dropped-hints.js';
import { JSON_INSTRUCTION } from '../json-instruction.js';
import { offeredTools, toolDemandOf, type FunctionTool } from '../offered-tools.js';
import type { ProviderCall } from '../provider-adapter.js';
import { refuseField, refuseOpenAiOnlyFields } from '../refused-fields.js';
import { requestedJson } from '../requested-schema.js';
import { stillUsedFieldsOf } from '../still-used-fields.js';
import { anthropicModelTraits } from './anthropic-model-traits.js';
import { planThinking } from './anthropic-thinking.js';
import type { AnthropicRequest, AnthropicTool, AnthropicToolChoice, TextBlock } from './anthropic-wire.js';
import { structuredOutputOf, type StructuredOutput } from './structured-output.js';
import { cacheControlOf } from './to-anthropic-content.js';
import { toAnthropicConversation } from './to-anthropic-messages.js';
import { withinCacheLimit } from './within-cache-limit.js';

const MAX_TEMPERATURE = 1;
const MAX_USER_ID_LENGTH = 256;

/**
 * The body of `POST /v1/messages` for an OpenAI request
 * (https://docs.anthropic.com/en/api/messages).
 *
 * Refused: `n` over 1, `logprobs`, `logit_bias`, audio, web search, custom tools, the `functions` of old. Planning does
 * not send such requests here, nor those with `seed`, penalties or `verbosity`, unless they may be dropped.
 *
 * Lost, and told of ({@link droppedAnthropicFields}): `prediction`, `service_tier`, `store`, `metadata`,
 * `prompt_cache_key`, `strict` of tools, and what the model does not take of `temperature`, `top_p`, `reasoning_effort`.
 *
 * Lost in silence: `strict` of schemas, unsigned thinking in the history, a blank `stop`, cache marks over four
 * (`withinCacheLimit`).
 *
 * Changed: `temperature` above 1 becomes 1 (OpenAI's scale goes to 2); with thinking, and on models that refuse
 * them, `temperature` and `top_p` are left out; where a model takes only one, `temperature` stays. `json_schema`
 * becomes `output_config.format`, or a tool the model has to call, which leaves no room for thinking
 * (`structuredOutputOf`); `json_object` an instruction.
 *
 * @throws {@link InvalidRequestError} naming the field at fault.
 */
export function toAnthropicRequest(call: ProviderCall): AnthropicRequest {
  const { request } = call;
  refuseField((request.n ?? 1) > 1, 'n');
  refuseField(request.logprobs === true, 'logprobs');
  refuseField((request.top_logprobs ?? 0) > 0, 'top_logprobs');
  refuseOpenAiOnlyFields(request);
  const output = structuredOutputOf(call);
  const { tools: allTools, toolChoice } = toAnthropicTools(request, output);
  const isToolForced = toolChoice?.type === 'any' || toolChoice?.type === 'tool';
  const { maxTokens, thinking, effort } = planThinking(call, { isToolForced });
  const conversation = toAnthropicConversation(request.messages, { isThinking: thinking !== undefined });
  const { tools, system, messages } = withinCacheLimit({
    tools: allTools,
    system: withJsonInstruction(conversation.system, request),
    messages: conversation.messages,
  });
  const stopSequences = [request.stop ?? []].flat().filter((sequence) => sequence.trim() !== '');
  const userId = userIdOf(request);
  return {
    model: call.upstreamModel,
    max_tokens: maxTokens,
    messages,
    stream: call.stream,
    ...(system.length > 0 ? { system: toSystem(system) } : {}),
    ...(tools.length > 0 ? { tools } : {}),
    ...(toolChoice === undefined ? {} : { tool_choice: toolChoice }),
    ...(stopSequences.length > 0 ? { stop_sequences: stopSequences } : {}),
    ...(thinking === undefined ? toSampling(call) : { thinking }),
    ...toOutputConfig(effort, output),
    ...(userId === undefined ? {} : { metadata: { user_id: userId } }),
  };
}

/**
 * What of the request is not in the body: hints of OpenAI's own platform, and what this model does not take. A
 * `temperature` above 1 is there, as 1.
 */
export function droppedAnthropicFields(call: ProviderCall, body: AnthropicRequest): string[] {
  const { temperature } = call.request;
  const isSaid: Readonly<Record<string, boolean>> = {
    user: body.metadata !== undefined,
    safety_identifier: body.metadata !== undefined,
    temperature: body.temperature === temperature,
    top_p: body.top_p !== undefined,
    reasoning_effort: body.thinking !== undefined || body.output_config?.effort !== undefined,
  };
  return givenHints(call.request).filter((name) => isSaid[name] !== true);
}

function toOutputConfig(
  effort: string | undefined,
  output: StructuredOutput | undefined,
): Pick<AnthropicRequest, 'output_config'> {
  if (effort === undefined && output?.kind !== 'format') {
    return {};
  }
  return {
    output_config: {
      ...(effort === undefined ? {} : { effort }),
      ...(output?.kind === 'format' ? { format: { type: 'json_schema', schema: output.schema } } : {}),
    },
  };
}

function toAnthropicTools(
  request: ValidatedChatRequest,
  output: StructuredOutput | undefined,
): {
  tools: readonly AnthropicTool[];
  toolChoice: AnthropicToolChoice | undefined;
} {
  const clientTools = offeredTools(request).map(toAnthropicTool);
  const isParallelOff = request.parallel_tool_calls === false;
  if (output?.kind === 'tool') {
    return {
      tools: [...clientTools, output.tool],
      toolChoice: output.isOneOfSeveral
        ? { type: 'any', ...(isParallelOff ? { disable_parallel_tool_use: true } : {}) }
        : { type: 'tool', name: output.tool.name, disable_parallel_tool_use: true },
    };
  }
  return {
    tools: clientTools,
    // Without tools a tool choice is refused.
    toolChoice: clientTools.length > 0 ? toToolChoice(request, isParallelOff) : undefined,
  };
}

function toAnthropicTool(tool: FunctionTool): AnthropicTool {
  const { name, description, parameters } = tool.function;
  return {
    name,
    ...(description ? { description } : {}),
    input_schema: { ...(parameters ?? { properties: {} }), type: 'object' },
    ...cacheControlOf(tool),
  };
}

function toToolChoice(
  request: ValidatedChatRequest,
  isParallelOff: boolean,
): AnthropicToolChoice | undefined {
  const demand = toolDemandOf(request);
  const parallel = isParallelOff ? { disable_parallel_tool_use: true } : {};
  if (demand === undefined) {
    return isParallelOff ? { type: 'auto', ...parallel } : undefined;
  }
  switch (demand.mode) {
    case 'auto':
      return { type: 'auto', ...parallel };
    case 'required':
      return { type: 'any', ...parallel };
    case 'named':
      return { type: 'tool', name: demand.name, ...parallel };
    case 'none':
      return { type: 'none' };
  }
}

function toSampling(call: ProviderCall): Pick<AnthropicRequest, 'temperature' | 'top_p'> {
  const traits = anthropicModelTraits(call.upstreamModel);
  if (traits.refusesSampling) {
    return {};
  }
  const temperature = call.request.temperature ?? undefined;
  const topP = call.request.top_p ?? undefined;
  const isTopPLeftOut =
    topP === undefined || (temperature !== undefined && (topP === 1 || traits.refusesTemperatureWithTopP));
  return {
    ...(temperature === undefined ? {} : { temperature: Math.min(temperature, MAX_TEMPERATURE) }),
    ...(isTopPLeftOut ? {} : { top_p: topP }),
  };
}

function withJsonInstruction(
  system: readonly TextBlock[],
  request: ValidatedChatRequest,
): readonly TextBlock[] {
  const json = requestedJson(request);
  return json !== undefined && json.schema === undefined
    ? [...system, { type: 'text', text: JSON_INSTRUCTION }]
    : system;
}

/** One text where it can be, blocks where cache marks must keep their place. */
function toSystem(blocks: readonly TextBlock[]): string | readonly TextBlock[] {
  return blocks.some((block) => block.cache_control !== undefined)
    ? blocks
    : blocks.map((block) => block.text).join('\n\n');
}

/** Anthropic wants an opaque id: no e-mail address, no telephone number. */
function userIdOf(request: ValidatedChatRequest): string | undefined {
  const userId = stillUsedFieldsOf(request).user ?? request.safety_identifier ?? undefined;
  const isUsable =
    userId !== undefined &&
    userId !== '' &&
    userId.length <= MAX_USER_ID_LENGTH &&
    !userId.includes('@') &&
    !/^\+?[\d\s().-]{7,}$/.test(userId);
  return isUsable ? userId : undefined;
}
