import type { PresetParameter } from '../../catalog/index.js';
import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';
import { fieldsOfParameter, usesParameter } from './preset-parameters.js';

/** What OpenAI's thinking models refuse, or take with its default value alone (community.openai.com/t/1110750). */
const FIXED_WHEN_THINKING: readonly PresetParameter[] = [
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'presence_penalty',
  'temperature',
  'top_p',
];

/** Those that do not think, by OpenAI's names for them and for what is fine-tuned from them. */
const NEVER_THINKING = /^(?:ft:)?(?:gpt-(?:3\.5|4)|chatgpt-4o)/;

/**
 * The fields of a request to OpenAI without those that ask for nothing and would be a 400:
 *
 * - `reasoning_effort` to a model that does not think ("Unrecognized request argument supplied: reasoning_effort"): an
 *   effort is a wish, which such a model heeds by answering. Only where the name says so: of a deployment with a name of
 *   its owner's (Azure) nobody knows it;
 * - sampling fields with their default values to a model that thinks. Other values are sent: some models take them without
 *   thinking, and OpenAI says which.
 */
export function withoutIdleFields(fields: JsonObject, call: ProviderCall): JsonObject {
  const leftOut = call.reasoning
    ? FIXED_WHEN_THINKING.filter((parameter) => !usesParameter(call.request, parameter)).flatMap(
        fieldsOfParameter,
      )
    : NEVER_THINKING.test(call.upstreamModel)
      ? ['reasoning_effort']
      : [];
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !leftOut.includes(name)));
}
