import type { JSONObject, SharedV3ProviderOptions } from '@ai-sdk/provider';
import { toThinkingConfig } from '../gemini/gemini-model-traits.js';
import type { ProviderCall } from '../provider-adapter.js';
import { stillUsedFieldsOf } from '../still-used-fields.js';

/**
 * What of a request has no place in the specification, but in the options of single providers, by the name before the
 * first dot of the model's `provider` (`openai.chat`, `google.vertex.chat`), as their documentation has them
 * (https://ai-sdk.dev/providers/ai-sdk-providers):
 *
 * - `reasoning_effort`, where the model thinks: `reasoningEffort` of OpenAI, Azure, Groq, xAI and every
 *   `@ai-sdk/openai-compatible`; `thinkingConfig` of Google. How much others think is set where their model is made:
 *   they want budgets, or the effort is the model's own affair;
 * - `user`, and `strict` of a JSON schema (false by default at OpenAI, true in the AI SDK) for OpenAI, Azure and every
 *   `@ai-sdk/openai-compatible`.
 *
 * Providers pass over what they do not know.
 */
export function toAiSdkProviderOptions(
  call: ProviderCall,
  provider: string,
): { providerOptions?: SharedV3ProviderOptions } {
  const [name = ''] = provider.split('.');
  const options = optionsOf(call, name);
  if (Object.keys(options).length === 0) return {};
  if (name === 'google' || name === 'vertex') {
    return { providerOptions: { google: options, vertex: options } };
  }
  // Azure's provider reads its own name in some places and OpenAI's in others.
  return { providerOptions: name === 'azure' ? { azure: options, openai: options } : { [name]: options } };
}

function optionsOf(call: ProviderCall, name: string): JSONObject {
  const effort = call.reasoning ? (call.request.reasoning_effort ?? undefined) : undefined;
  switch (name) {
    case 'google':
    case 'vertex':
      return effort === undefined ? {} : { thinkingConfig: thinkingConfigOf(call.upstreamModel, effort) };
    case 'xai':
      // It knows two.
      return effort === undefined ? {} : { reasoningEffort: isLittle(effort) ? 'low' : 'high' };
    case 'groq':
      return effort === undefined ? {} : { reasoningEffort: GROQ_EFFORTS.get(effort) ?? effort };
    case '':
    case 'anthropic':
    case 'amazon-bedrock':
    case 'bedrock':
    case 'cohere':
    case 'deepseek':
    case 'gateway':
    case 'mistral':
    case 'perplexity':
      return {};
    default:
      return openAiOptionsOf(call, effort);
  }
}

const GROQ_EFFORTS: ReadonlyMap<string, string> = new Map([
  ['minimal', 'low'],
  ['xhigh', 'high'],
]);

function isLittle(effort: string): boolean {
  return effort === 'none' || effort === 'minimal' || effort === 'low';
}

/** The levels are upper case on the wire and lower case in the AI SDK. */
function thinkingConfigOf(model: string, effort: string): JSONObject {
  const { thinkingLevel, thinkingBudget } = toThinkingConfig(model, effort);
  return thinkingLevel === undefined
    ? { ...(thinkingBudget === undefined ? {} : { thinkingBudget }) }
    : { thinkingLevel: thinkingLevel.toLowerCase() };
}

function openAiOptionsOf({ request }: ProviderCall, effort: string | undefined): JSONObject {
  const { user } = stillUsedFieldsOf(request);
  const format = request.response_format;
  return {
    ...(effort === undefined ? {} : { reasoningEffort: effort }),
    ...(user ? { user } : {}),
    ...(format?.type === 'json_schema' ? { strictJsonSchema: format.json_schema.strict === true } : {}),
  };
}
