import type { PresetParameter } from '../../catalog/index.js';
import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { isJsonObject, listOf, type JsonObject } from '../json-reading.js';

const isNumberOtherThan =
  (neutral: number) =>
  (value: unknown): boolean =>
    typeof value === 'number' && value !== neutral;
const isFilled = (value: unknown): boolean =>
  typeof value === 'string' ? value !== '' : listOf(value).length > 0;

interface Parameter {
  /** The fields of the request it stands in. */
  readonly fields: readonly string[];
  /** Whether the first field's value asks for anything but what happens without it. */
  readonly isUsed: (value: unknown, request: JsonObject) => boolean;
}

const PARAMETERS: Readonly<Record<PresetParameter, Parameter>> = {
  audio_output: {
    fields: ['modalities', 'audio'],
    isUsed: (value) => listOf(value).includes('audio'),
  },
  custom_tools: {
    fields: ['tools'],
    isUsed: (value) => listOf(value).some((tool) => isJsonObject(tool) && tool.type === 'custom'),
  },
  frequency_penalty: { fields: ['frequency_penalty'], isUsed: isNumberOtherThan(0) },
  functions: { fields: ['functions', 'function_call'], isUsed: isFilled },
  logit_bias: {
    fields: ['logit_bias'],
    isUsed: (value) => isJsonObject(value) && Object.keys(value).length > 0,
  },
  logprobs: { fields: ['logprobs', 'top_logprobs'], isUsed: (value) => value === true },
  n: { fields: ['n'], isUsed: isNumberOtherThan(1) },
  parallel_tool_calls: {
    fields: ['parallel_tool_calls'],
    isUsed: (value, { tools }) => value === false && isFilled(tools),
  },
  presence_penalty: { fields: ['presence_penalty'], isUsed: isNumberOtherThan(0) },
  seed: { fields: ['seed'], isUsed: (value) => typeof value === 'number' },
  stop: { fields: ['stop'], isUsed: isFilled },
  temperature: { fields: ['temperature'], isUsed: isNumberOtherThan(1) },
  tools: { fields: ['tools', 'tool_choice', 'parallel_tool_calls'], isUsed: isFilled },
  top_p: { fields: ['top_p'], isUsed: isNumberOtherThan(1) },
  verbosity: {
    fields: ['verbosity'],
    isUsed: (value) => typeof value === 'string' && value !== 'medium',
  },
  web_search_options: { fields: ['web_search_options'], isUsed: isJsonObject },
};

/** Whether a request asks for a feature, and not only names it with the value it has anyway. */
export function usesParameter(request: ValidatedChatRequest, parameter: PresetParameter): boolean {
  const { fields, isUsed } = PARAMETERS[parameter];
  const values: JsonObject = { ...request };
  return isUsed(values[fields[0] ?? ''], values);
}

/** The fields that only stand for a feature, to be left out where they say nothing. */
export function fieldsOfParameter(parameter: PresetParameter): readonly string[] {
  return parameter === 'custom_tools' ? [] : PARAMETERS[parameter].fields;
}

/** The field that an error about a feature names. */
export function fieldOfParameter(parameter: PresetParameter): keyof ValidatedChatRequest {
  if (parameter === 'custom_tools') return 'tools';
  return parameter === 'audio_output' ? 'modalities' : parameter;
}
