import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { givenHints } from '../dropped-hints.js';
import type { JsonObject } from '../json-reading.js';
import { offeredTools, toolDemandOf, type FunctionTool } from '../offered-tools.js';
import type { ProviderCall } from '../provider-adapter.js';
import { refuseOpenAiOnlyFields } from '../refused-fields.js';
import { requestedJson } from '../requested-schema.js';
import { requestedOutputTokens, stillUsedFieldsOf } from '../still-used-fields.js';
import { GEMINI_API, type GeminiHost } from './gemini-host.js';
import { geminiModelTraits, toThinkingConfig } from './gemini-model-traits.js';
import type {
  GeminiFunctionCallingConfig,
  GeminiFunctionDeclaration,
  GeminiGenerationConfig,
  GeminiRequest,
} from './gemini-wire.js';
import { toGeminiConversation } from './to-gemini-contents.js';
import { toGeminiSchema } from './to-gemini-schema.js';

/**
 * The body of `generateContent` for an OpenAI request; the model stands in the path.
 *
 * Refused: `logit_bias`, audio out, web search, custom tools, the `functions` of old, images that Google does not fetch.
 *
 * Lost, and told of ({@link droppedGeminiFields}): `user`, `metadata`, `store`, `prediction`, `service_tier`,
 * `prompt_cache_key`, `strict` of tools. Planning sends no request here that uses `verbosity`, unless that may be dropped. Where
 * the client takes one call at most (`parallel_tool_calls: false`), later ones are left out of the answer
 * (`lib/execution`).
 *
 * Lost in silence: `strict` of schemas.
 *
 * Changed: thinking counts as output, here as at OpenAI, so a small limit may leave nothing for the answer. Models
 * before Gemini 3 refuse JSON output together with functions: there the schema becomes an instruction, as it does
 * where Google's schemas cannot say it (`toGeminiSchema`).
 *
 * @throws {@link InvalidRequestError} naming the field at fault.
 */
export function toGeminiRequest(call: ProviderCall, host: GeminiHost = GEMINI_API): GeminiRequest {
  const { request } = call;
  refuseOpenAiOnlyFields(request);
  const conversation = toGeminiConversation(request.messages, call.upstreamModel, host);
  const json = requestedJson(request);
  const isEither = json !== undefined && !geminiModelTraits(call.upstreamModel).isGemini3OrLater;
  // Tools that may not be called only stand in the way of the JSON.
  const tools = isEither && toolDemandOf(request)?.mode === 'none' ? [] : offeredTools(request);
  const isTextByRule = isEither && tools.length > 0;
  const schema = isTextByRule || isEmpty(json?.schema) ? undefined : toGeminiSchema(json?.schema ?? {});
  const isJsonByInstruction = isTextByRule || (schema === undefined && !isEmpty(json?.schema));
  const system = [
    ...conversation.system,
    ...(isJsonByInstruction ? [{ text: jsonInstruction(json?.schema) }] : []),
  ];
  const functionCallingConfig = tools.length > 0 ? toFunctionCallingConfig(request, tools) : undefined;
  const generationConfig = toGenerationConfig(call, { isJson: json !== undefined && !isTextByRule, schema });
  return {
    contents: conversation.contents,
    ...(system.length > 0 ? { systemInstruction: { parts: system } } : {}),
    ...(tools.length > 0 ? { tools: [{ functionDeclarations: tools.map(toFunctionDeclaration) }] } : {}),
    ...(functionCallingConfig === undefined ? {} : { toolConfig: { functionCallingConfig } }),
    ...(Object.keys(generationConfig).length > 0 ? { generationConfig } : {}),
  };
}

/** What of the request is not in the body: hints of OpenAI's own platform, and an effort of a model that does not think. */
export function droppedGeminiFields(call: ProviderCall, body: GeminiRequest): string[] {
  const isSaid: Readonly<Record<string, boolean>> = {
    temperature: true,
    top_p: true,
    reasoning_effort: body.generationConfig?.thinkingConfig !== undefined,
  };
  return givenHints(call.request).filter((name) => isSaid[name] !== true);
}

function toFunctionDeclaration(tool: FunctionTool): GeminiFunctionDeclaration {
  const { name, description, parameters } = tool.function;
  const schema = parameters ? toGeminiSchema(parameters) : undefined;
  if (parameters && schema === undefined) {
    throw new InvalidRequestError(`The parameters of \`${name}\` cannot be said to this model.`, 'tools');
  }
  return {
    name,
    ...(description ? { description } : {}),
    ...(schema === undefined ? {} : { parametersJsonSchema: schema }),
  };
}

function toFunctionCallingConfig(
  request: ValidatedChatRequest,
  tools: readonly FunctionTool[],
): GeminiFunctionCallingConfig | undefined {
  const demand = toolDemandOf(request);
  if (demand === undefined) {
    return undefined;
  }
  switch (demand.mode) {
    case 'auto':
      return { mode: 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY', allowedFunctionNames: tools.map((tool) => tool.function.name) };
    case 'named':
      return { mode: 'ANY', allowedFunctionNames: [demand.name] };
  }
}

function toGenerationConfig(
  call: ProviderCall,
  output: { readonly isJson: boolean; readonly schema: JsonObject | undefined },
): GeminiGenerationConfig {
  const { request } = call;
  const stopSequences = [request.stop ?? []].flat().filter((sequence) => sequence !== '');
  const effort = call.reasoning ? (request.reasoning_effort ?? undefined) : undefined;
  const config: GeminiGenerationConfig = {
    maxOutputTokens: call.maxOutputTokens ?? requestedOutputTokens(request),
    stopSequences: stopSequences.length > 0 ? stopSequences : undefined,
    temperature: request.temperature ?? undefined,
    topP: request.top_p ?? undefined,
    seed: stillUsedFieldsOf(request).seed ?? undefined,
    presencePenalty: request.presence_penalty ?? undefined,
    frequencyPenalty: request.frequency_penalty ?? undefined,
    candidateCount: (request.n ?? 1) > 1 ? (request.n ?? undefined) : undefined,
    responseLogprobs: request.logprobs ?? undefined,
    logprobs: request.logprobs === true ? (request.top_logprobs ?? undefined) : undefined,
    responseMimeType: output.isJson ? 'application/json' : undefined,
    responseJsonSchema: output.schema,
    thinkingConfig: effort === undefined ? undefined : toThinkingConfig(call.upstreamModel, effort),
    mediaResolution: wantsLowDetail(request) ? 'MEDIA_RESOLUTION_LOW' : undefined,
  };
  const fields: JsonObject = { ...config };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function isEmpty(schema: JsonObject | undefined): boolean {
  return Object.keys(schema ?? {}).length === 0;
}

/** Gemini has one resolution for a whole request: low only where all there is to see is a picture of low detail. */
function wantsLowDetail(request: ValidatedChatRequest): boolean {
  const media = request.messages.flatMap((message) =>
    message.role === 'user' && typeof message.content !== 'string'
      ? message.content.filter((part) => part.type !== 'text')
      : [],
  );
  return (
    media.length > 0 && media.every((part) => part.type === 'image_url' && part.image_url.detail === 'low')
  );
}

function jsonInstruction(schema: JsonObject | undefined): string {
  const kind = schema === undefined ? '' : ` that fits this JSON Schema: ${JSON.stringify(schema)}`;
  return `When you answer in words, answer with one valid JSON object and nothing else${kind}`;
}
