import type { JSONSchema7, LanguageModelV3CallOptions, LanguageModelV3FunctionTool } from '@ai-sdk/provider';
import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { givenHints, STRICT_TOOLS } from '../dropped-hints.js';
import { nonEmptyTextOf, type JsonObject } from '../json-reading.js';
import { offeredTools, toolDemandOf, type FunctionTool } from '../offered-tools.js';
import type { ProviderCall } from '../provider-adapter.js';
import { refuseField, refuseOpenAiOnlyFields } from '../refused-fields.js';
import { requestedJson } from '../requested-schema.js';
import { requestedOutputTokens, stillUsedFieldsOf } from '../still-used-fields.js';
import { toCacheOptions } from './to-ai-sdk-metadata.js';
import { toAiSdkPrompt, type AiSdkMessage, type AiSdkVersion, type AskedModel } from './to-ai-sdk-prompt.js';
import { toAiSdkProviderOptions } from './to-ai-sdk-provider-options.js';

/** What `doGenerate` and `doStream` take, but for the signal. */
export type AiSdkCallOptions = Omit<LanguageModelV3CallOptions, 'prompt' | 'abortSignal'> & {
  readonly prompt: AiSdkMessage[];
};

/**
 * An OpenAI request as the call options of the AI SDK's specification, version 2 or 3 (of 4: `toVersion4`)
 * (https://github.com/vercel/ai/tree/main/packages/provider/src/language-model).
 *
 * Refused: `n` over 1, `logprobs`, `logit_bias`, audio out, web search, custom tools, the `functions` of old.
 *
 * Lost, and told of ({@link droppedAiSdkFields}): `prediction`, `service_tier`, `store`, `metadata`, `prompt_cache_key`,
 * `safety_identifier`, and `user` and `reasoning_effort` where {@link toAiSdkProviderOptions} has no word for them. Planning
 * sends no request here that uses `verbosity`, unless that may be dropped.
 *
 * Lost in silence: names of users. So is what the provider does without and warns of
 * (sampling, penalties, `seed`): the warning comes with the answer, and what was lost is told before its first byte.
 *
 * @throws {@link InvalidRequestError} naming the field at fault.
 */
export function toAiSdkCallOptions(call: ProviderCall, model: AskedModel): AiSdkCallOptions {
  const { request } = call;
  const { specificationVersion: version } = model;
  refuseField((request.n ?? 1) > 1, 'n');
  refuseField(request.logprobs === true, 'logprobs');
  refuseField((request.top_logprobs ?? 0) > 0, 'top_logprobs');
  refuseOpenAiOnlyFields(request);
  const tools = offeredTools(request).map((tool) => toTool(tool, version));
  const stopSequences = [request.stop ?? []].flat().filter((sequence) => sequence !== '');
  return withoutUndefined({
    prompt: toAiSdkPrompt(request.messages, model),
    maxOutputTokens: call.maxOutputTokens ?? requestedOutputTokens(request),
    temperature: request.temperature ?? undefined,
    topP: request.top_p ?? undefined,
    topK: topKOf(request),
    presencePenalty: request.presence_penalty ?? undefined,
    frequencyPenalty: request.frequency_penalty ?? undefined,
    seed: stillUsedFieldsOf(request).seed ?? undefined,
    stopSequences: stopSequences.length > 0 ? stopSequences : undefined,
    responseFormat: toResponseFormat(request),
    tools: tools.length > 0 ? tools : undefined,
    // Without tools a choice among them is refused.
    toolChoice: tools.length > 0 ? toToolChoice(request) : undefined,
    ...toAiSdkProviderOptions(call, model.provider),
  });
}

/** What of the request is not in the options: hints of OpenAI's own platform, and what the provider has no word for. */
export function droppedAiSdkFields(
  call: ProviderCall,
  {
    providerOptions,
    reasoning,
    tools = [],
  }: Pick<AiSdkCallOptions, 'providerOptions' | 'tools'> & { readonly reasoning?: string },
): string[] {
  const said = new Set(Object.values(providerOptions ?? {}).flatMap((options) => Object.keys(options)));
  const isSaid: Readonly<Record<string, boolean>> = {
    temperature: true,
    top_p: true,
    user: said.has('user'),
    [STRICT_TOOLS]: tools.some((tool) => 'strict' in tool && tool.strict === true),
    reasoning_effort: reasoning !== undefined || said.has('reasoningEffort') || said.has('thinkingConfig'),
  };
  return givenHints(call.request).filter((name) => isSaid[name] !== true);
}

function toTool(tool: FunctionTool, version: AiSdkVersion): LanguageModelV3FunctionTool {
  const { name, description, parameters, strict } = tool.function;
  return {
    type: 'function',
    name,
    ...(description ? { description } : {}),
    inputSchema: toSchema(parameters ?? { type: 'object', properties: {} }),
    // Version 2 has no word for it.
    ...(version === 'v3' && typeof strict === 'boolean' ? { strict } : {}),
    ...toCacheOptions(tool),
  };
}

function toToolChoice(request: ValidatedChatRequest): LanguageModelV3CallOptions['toolChoice'] {
  const demand = toolDemandOf(request);
  if (demand === undefined) return undefined;
  return demand.mode === 'named' ? { type: 'tool', toolName: demand.name } : { type: demand.mode };
}

function toResponseFormat(request: ValidatedChatRequest): LanguageModelV3CallOptions['responseFormat'] {
  const json = requestedJson(request);
  if (json === undefined) return undefined;
  const format = request.response_format;
  const name = format?.type === 'json_schema' ? format.json_schema.name : undefined;
  // A schema without a word in it is none: `json_object` says the same, and no provider refuses it.
  const schema = Object.keys(json.schema ?? {}).length > 0 ? json.schema : undefined;
  return withoutUndefined({
    type: 'json' as const,
    schema: schema === undefined ? undefined : toSchema(schema),
    name: schema === undefined ? undefined : nonEmptyTextOf(name),
    description: schema === undefined ? undefined : nonEmptyTextOf(json.description),
  });
}

/**
 * The client's schema goes on as it is: whether it is one is the provider's affair. A copy, though: providers write in it,
 * and the next deployment is to be asked for the same.
 */
function toSchema(schema: JsonObject): JSONSchema7 {
  try {
    return structuredClone(schema);
  } catch {
    // It holds what no JSON does, such as a function.
    return schema;
  }
}

/** OpenAI has it not; who sends it to a model that has it means it. */
function topKOf(request: ValidatedChatRequest): number | undefined {
  const topK: unknown = 'top_k' in request ? request.top_k : undefined;
  return typeof topK === 'number' && Number.isSafeInteger(topK) && topK > 0 ? topK : undefined;
}

/** Providers look whether a key is there: several tell `undefined` from absent. */
function withoutUndefined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Value;
}
