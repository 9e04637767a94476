/**
 * What a chat request may ask for that not every provider can do. By OpenAI's field names; `custom_tools` are tools of
 * type `custom`, `audio_output` is `modalities` with `audio`.
 *
 * @publicApi
 */
export type RequestParameter =
  | 'n'
  | 'seed'
  | 'frequency_penalty'
  | 'presence_penalty'
  | 'logit_bias'
  | 'parallel_tool_calls'
  | 'verbosity'
  | 'functions'
  | 'custom_tools'
  | 'audio_output'
  | 'web_search_options';

export const REQUEST_PARAMETERS = [
  'n',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'logit_bias',
  'parallel_tool_calls',
  'verbosity',
  'functions',
  'custom_tools',
  'audio_output',
  'web_search_options',
] as const satisfies readonly RequestParameter[];

/** The field of a request that an error about it names. */
export function fieldOfParameter(parameter: RequestParameter): string {
  if (parameter === 'custom_tools') return 'tools';
  return parameter === 'audio_output' ? 'modalities' : parameter;
}

/** Without these the answer would be of another kind than was asked for: they are never left out. */
export const NEVER_DROPPED: ReadonlySet<RequestParameter> = new Set<RequestParameter>([
  'functions',
  'custom_tools',
  'audio_output',
  'web_search_options',
]);

const ONLY_OPENAI: readonly RequestParameter[] = [
  'logit_bias',
  'verbosity',
  'functions',
  'custom_tools',
  'audio_output',
  'web_search_options',
];

/**
 * What a wire format has no word for, by the providers' API references (Anthropic: Messages; Google: generateContent;
 * AWS: Converse). Formats that are not listed are OpenAI's own: what each server of it can do is its own affair.
 */
const UNSUPPORTED: Readonly<Record<string, readonly RequestParameter[]>> = {
  anthropic: [...ONLY_OPENAI, 'n', 'seed', 'frequency_penalty', 'presence_penalty'],
  bedrock: [
    ...ONLY_OPENAI,
    'n',
    'seed',
    'frequency_penalty',
    'presence_penalty',
    // Converse has no switch for it.
    'parallel_tool_calls',
  ],
  gemini: [...ONLY_OPENAI, 'parallel_tool_calls'],
  vertex: [...ONLY_OPENAI, 'parallel_tool_calls'],
  'ai-sdk': [...ONLY_OPENAI, 'n', 'parallel_tool_calls'],
};

/** OpenAI's models that think refuse these, whatever their value but the default ("Unsupported parameter"). */
const REFUSED_BY_OPENAI_REASONING: readonly RequestParameter[] = [
  'frequency_penalty',
  'presence_penalty',
  'logit_bias',
];

/** What a deployment cannot do, by its provider's wire format and its model. */
export function unsupportedParameters(
  api: string,
  model: { readonly isOpenAiReasoning: boolean },
): ReadonlySet<RequestParameter> {
  const ofWire = UNSUPPORTED[api] ?? [];
  return new Set(model.isOpenAiReasoning ? [...ofWire, ...REFUSED_BY_OPENAI_REASONING] : ofWire);
}
