import type { ProviderPreset } from '../../catalog/index.js';
import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { isJsonObject, objectOf, type JsonObject } from '../json-reading.js';
import { offeredTools, toolDemandOf } from '../offered-tools.js';
import type { ProviderCall } from '../provider-adapter.js';
import { refuseField } from '../refused-fields.js';
import { requestedJson } from '../requested-schema.js';
import { requestedOutputTokens } from '../still-used-fields.js';
import { checkOpenAiContent } from './check-openai-content.js';
import { fieldOfParameter, fieldsOfParameter, usesParameter } from './preset-parameters.js';
import { saidReasoningEffort } from './said-reasoning-effort.js';
import { thinkingUnderForce } from './thinking-under-force.js';
import { toPresetMessages } from './to-preset-messages.js';
import { withSchemaInstruction } from './with-schema-instruction.js';

/** Fields that are said anew, or not at all. */
const REWRITTEN_FIELDS = [
  'max_completion_tokens',
  'max_tokens',
  'reasoning_effort',
  'stream_options',
  'tool_choice',
  'tools',
];

/**
 * The body of a chat completion request to a provider whose quirks are known. Unknown fields of the client go through:
 * every provider has some of its own. What is null counts as left out, as at OpenAI.
 *
 * Lost is what {@link ProviderPreset.quirks} says: fields without effect on the answer that the provider refuses, and
 * what it has no word for and no model of it can heed.
 *
 * @throws {@link InvalidRequestError} for broken pictures, files and sound, and for features the provider lacks
 * (`unsupportedParameters`), a forced tool call beside thinking among them: another attempt may have them.
 */
export function toPresetRequest(call: ProviderCall, preset: ProviderPreset): JsonObject {
  const { quirks } = preset;
  const { request } = call;
  checkOpenAiContent(request.messages, { isCompatible: true });
  refuseUnsupported(request, preset);
  const messages = toPresetMessages(call, quirks);
  const structured =
    quirks.jsonSchema === 'json_object' ? withSchemaInstruction(messages, request) : { messages };
  const responseFormat = structured.responseFormat ?? toSchemaFormat(request);
  const leftOut = new Set([
    ...REWRITTEN_FIELDS,
    ...quirks.omittedFields,
    ...neutralFields(request, preset),
    ...((request.tools ?? []).length > 0 ? [] : ['parallel_tool_calls']),
    ...(isTakenTier(request.service_tier, quirks.serviceTiers) ? [] : ['service_tier']),
  ]);
  const kept = Object.entries(request)
    .filter(([name, value]) => value !== null && !leftOut.has(name))
    .map(([name, value]): [string, unknown] => [renamed(name, quirks.renamedFields), value]);
  const limit = call.maxOutputTokens ?? requestedOutputTokens(request);
  const tools = toPresetTools(request, preset);
  return {
    ...Object.fromEntries(kept),
    model: call.upstreamModel,
    messages: structured.messages,
    ...tools,
    ...(responseFormat === undefined ? {} : { response_format: responseFormat }),
    ...(thinkingUnderForce(call, tools, quirks) ?? saidReasoningEffort(call, quirks)),
    ...(limit === undefined ? {} : { [quirks.outputLimitField]: limit }),
    stream: call.stream,
    ...(call.stream && quirks.streamUsage === 'option'
      ? { stream_options: { ...request.stream_options, include_usage: true } }
      : {}),
  };
}

function refuseUnsupported(request: ValidatedChatRequest, { unsupportedParameters }: ProviderPreset): void {
  for (const parameter of unsupportedParameters) {
    refuseField(usesParameter(request, parameter), fieldOfParameter(parameter));
  }
}

/** Features the provider lacks, asked for with the value that stands for not asking: some refuse even that. */
function neutralFields(request: ValidatedChatRequest, preset: ProviderPreset): string[] {
  return [...preset.unsupportedParameters, ...preset.unsupportedWhenThinking]
    .filter((parameter) => !usesParameter(request, parameter))
    .flatMap(fieldsOfParameter);
}

function isTakenTier(tier: unknown, taken: readonly string[] | undefined): boolean {
  return taken === undefined || (typeof tier === 'string' && taken.includes(tier));
}

function renamed(name: string, names: Readonly<Record<string, string>>): string {
  return Object.hasOwn(names, name) ? (names[name] ?? name) : name;
}

/** Instructor's `{ type: "json_object", schema }` in OpenAI's own words. */
function toSchemaFormat(request: ValidatedChatRequest): JsonObject | undefined {
  if (request.response_format?.type !== 'json_object') return undefined;
  const schema = requestedJson(request)?.schema;
  return schema === undefined ? undefined : { type: 'json_schema', json_schema: { name: 'answer', schema } };
}

/**
 * Tools as imitators take them: parameters are always there, `allowed_tools` are those that are offered, and marks of
 * the cache only where they are read. OpenRouter hands on whatever it gets.
 */
function toPresetTools(request: ValidatedChatRequest, { name, quirks }: ProviderPreset): JsonObject {
  const choice = request.tool_choice ?? undefined;
  const isCutDown = typeof choice === 'object' && choice.type === 'allowed_tools' && name !== 'openrouter';
  const tools: readonly unknown[] = isCutDown ? offeredTools(request) : (request.tools ?? []);
  const word = isCutDown ? toolDemandOf(request)?.mode : choice;
  // Without tools there is nothing to choose, and a word that says no more than that is refused by some.
  const isIdle = tools.length === 0 && (word === 'none' || word === 'auto');
  return {
    ...(tools.length === 0 ? {} : { tools: tools.map((tool) => toPresetTool(tool, quirks.cacheMarks)) }),
    ...(word === undefined || isIdle
      ? {}
      : { tool_choice: word === 'required' ? quirks.toolChoiceRequired : word }),
  };
}

function toPresetTool(tool: unknown, cacheMarks: boolean): unknown {
  if (!isJsonObject(tool)) return tool;
  const { cache_control: mark, ...rest } = tool;
  const described = objectOf(rest.function);
  return {
    ...rest,
    ...(described === undefined
      ? {}
      : {
          function: { ...described, parameters: described.parameters ?? { type: 'object', properties: {} } },
        }),
    ...(cacheMarks && mark !== undefined ? { cache_control: mark } : {}),
  };
}
