import type { ValidatedChatRequest } from './chat-types.js';

/** Fields that OpenAI marks as deprecated and every client goes on sending. */
interface OlderFields {
  readonly seed?: number | null;
  readonly functions?: readonly unknown[] | null;
}

/**
 * Which of the fields that not every provider can do a request really uses. A value that means what leaving it out
 * means (`n: 1`, a penalty of 0, `verbosity: "medium"`) uses nothing: some clients send those with every call.
 */
export function usedParameters(request: ValidatedChatRequest) {
  const older: OlderFields = request;
  const uses = {
    n: (request.n ?? 1) > 1,
    seed: older.seed !== undefined && older.seed !== null,
    frequency_penalty: (request.frequency_penalty ?? 0) !== 0,
    presence_penalty: (request.presence_penalty ?? 0) !== 0,
    logit_bias: Object.keys(request.logit_bias ?? {}).length > 0,
    parallel_tool_calls: request.parallel_tool_calls === false && (request.tools ?? []).length > 0,
    verbosity: (request.verbosity ?? 'medium') !== 'medium',
    functions: (older.functions ?? []).length > 0,
    custom_tools: (request.tools ?? []).some(({ type }) => type === 'custom'),
    audio_output: request.modalities?.includes('audio') ?? false,
    web_search_options: Boolean(request.web_search_options),
  };
  return (Object.keys(uses) as (keyof typeof uses)[]).filter((name) => uses[name]);
}
