import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { anthropicModelTraits } from '../anthropic/anthropic-model-traits.js';
import { structuredOutputOf, type StructuredOutput } from '../anthropic/structured-output.js';
import { givenHints } from '../dropped-hints.js';
import { JSON_INSTRUCTION } from '../json-instruction.js';
import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';
import { refuseField, refuseOpenAiOnlyFields } from '../refused-fields.js';
import { requestedJson } from '../requested-schema.js';
import { schemaInstruction } from '../schema-instruction.js';
import { bedrockModelTraits, type BedrockModelTraits } from './bedrock-model-traits.js';
import type { BedrockInferenceConfig, BedrockRequest, SystemBlock } from './bedrock-wire.js';
import { toBedrockConversation } from './to-bedrock-messages.js';
import { toBedrockReasoning, type BedrockReasoning } from './to-bedrock-reasoning.js';
import { toBedrockToolConfig } from './to-bedrock-tools.js';
import { withinCacheLimit } from './within-cache-limit.js';

const MAX_TEMPERATURE = 1;

/**
 * The body of `POST /model/{modelId}/converse` for an OpenAI request (Amazon Bedrock Runtime API reference, Converse;
 * `converse-stream` takes the same).
 *
 * Refused: `n` over 1, `logprobs`, `logit_bias`, audio, web search, custom tools, the `functions` of old, images by
 * address, a forced `tool_choice` where the model takes none.
 *
 * Planning sends no request here with `seed`, penalties or `verbosity`, unless they may be dropped. Where the client takes
 * one call at most (`parallel_tool_calls: false`), later ones are left out of the answer (`lib/execution`).
 *
 * Lost, and told of ({@link droppedBedrockFields}): `prediction`, `service_tier`, `store`, `metadata`, `user`,
 * `prompt_cache_key`, `strict` of tools, and what the model does not take of `temperature`, `top_p`, `reasoning_effort`.
 *
 * Lost in silence: `strict` of schemas, `detail` of images, unsigned thinking in the history, a blank `stop`,
 * cache marks at models without a prompt cache, and those over four (`withinCacheLimit`).
 *
 * Changed: `temperature` above 1 becomes 1; Claude's rules for sampling and thinking hold here as on Anthropic's own
 * wire. `json_schema` becomes `outputConfig.textFormat` at Claude from 4.5 on, and elsewhere a tool the model has to call,
 * or an instruction where it cannot be made to; `json_object` an instruction. `top_k`, which OpenAI has not, is passed on to Claude and Nova.
 *
 * @throws {@link InvalidRequestError} naming the field at fault.
 */
export function toBedrockRequest(call: ProviderCall): BedrockRequest {
  const { request } = call;
  refuseField((request.n ?? 1) > 1, 'n');
  refuseField(request.logprobs === true, 'logprobs');
  refuseField((request.top_logprobs ?? 0) > 0, 'top_logprobs');
  refuseOpenAiOnlyFields(request);
  const traits = bedrockModelTraits(call.upstreamModel);
  const output = structuredOutputOf(call, { tool: traits.takesAnyTool });
  const toolConfig = toBedrockToolConfig(request, output, traits);
  const reasoning = toBedrockReasoning(call, { isToolForced: toolConfig?.toolChoice !== undefined });
  const conversation = toBedrockConversation(request.messages, {
    takesCachePoints: traits.takesCachePoints,
    keepsReasoning: reasoning.isClaudeThinking,
  });
  const system = withJsonInstruction(conversation.system, request, traits);
  const inferenceConfig = toInferenceConfig(call, reasoning);
  const fields = toAdditionalFields(call, reasoning, output);
  return withinCacheLimit({
    messages: conversation.messages,
    ...(system.length > 0 ? { system } : {}),
    ...(Object.keys(inferenceConfig).length > 0 ? { inferenceConfig } : {}),
    ...(toolConfig === undefined ? {} : { toolConfig }),
    ...(Object.keys(fields).length > 0 ? { additionalModelRequestFields: fields } : {}),
    ...(output?.kind === 'format' && reasoning.effort === undefined ? toOutputConfig(output.schema) : {}),
  });
}

/**
 * What of the request is not in the body: hints of OpenAI's own platform, and what this model does not take. A
 * `temperature` above 1 is there, as 1.
 */
export function droppedBedrockFields(call: ProviderCall, body: BedrockRequest): string[] {
  const fields = body.additionalModelRequestFields ?? {};
  const isSaid: Readonly<Record<string, boolean>> = {
    temperature: body.inferenceConfig?.temperature === call.request.temperature,
    top_p: body.inferenceConfig?.topP !== undefined,
    reasoning_effort: ['thinking', 'output_config', 'reasoningConfig', 'reasoning_effort'].some(
      (name) => name in fields,
    ),
  };
  return givenHints(call.request).filter((name) => isSaid[name] !== true);
}

function toOutputConfig(schema: JsonObject): Pick<BedrockRequest, 'outputConfig'> {
  const jsonSchema = { name: 'answer', schema: JSON.stringify(schema) };
  return { outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema } } } };
}

function toInferenceConfig(call: ProviderCall, reasoning: BedrockReasoning): BedrockInferenceConfig {
  const { maxTokens } = reasoning;
  const stopSequences = [call.request.stop ?? []].flat().filter((sequence) => sequence.trim() !== '');
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(reasoning.isClaudeThinking ? {} : toSampling(call)),
    ...(stopSequences.length > 0 ? { stopSequences } : {}),
  };
}

function toSampling(call: ProviderCall): Pick<BedrockInferenceConfig, 'temperature' | 'topP'> {
  // A name that is no Claude's has none of these traits.
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
    ...(isTopPLeftOut ? {} : { topP }),
  };
}

function toAdditionalFields(
  call: ProviderCall,
  reasoning: BedrockReasoning,
  output: StructuredOutput | undefined,
): JsonObject {
  const { effort } = reasoning;
  // Claude's `output_config` is one object: where the effort is in it, the format has to be there too.
  const format = output?.kind === 'format' ? { format: { type: 'json_schema', schema: output.schema } } : {};
  return {
    ...reasoning.fields,
    ...(effort === undefined ? {} : { output_config: { effort, ...format } }),
    ...toTopK(call, reasoning),
  };
}

function toTopK(call: ProviderCall, reasoning: BedrockReasoning): JsonObject {
  const topK: unknown = 'top_k' in call.request ? call.request.top_k : undefined;
  if (typeof topK !== 'number' || !Number.isSafeInteger(topK) || topK < 1) {
    return {};
  }
  const { isClaude, isNova } = bedrockModelTraits(call.upstreamModel);
  if (isNova) {
    return { inferenceConfig: { topK } };
  }
  const isRefused = reasoning.isClaudeThinking || anthropicModelTraits(call.upstreamModel).refusesSampling;
  return isClaude && !isRefused ? { top_k: topK } : {};
}

function withJsonInstruction(
  system: readonly SystemBlock[],
  request: ValidatedChatRequest,
  { takesAnyTool }: BedrockModelTraits,
): readonly SystemBlock[] {
  const json = requestedJson(request);
  if (json === undefined) return system;
  if (json.schema === undefined) return [...system, { text: JSON_INSTRUCTION }];
  const text = takesAnyTool ? undefined : schemaInstruction(json);
  return text === undefined ? system : [...system, { text }];
}
