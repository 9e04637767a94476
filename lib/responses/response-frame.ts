import type { Response } from 'openai/resources/responses/responses';
import { isGiven, isJsonObject, listOf, objectOf, type JsonObject } from './json-reading.js';

/** What of a response is known before its first token, beside its output. */
export interface ResponseOrigin {
  readonly id: string;
  /** In seconds. */
  readonly createdAt: number;
  /** As the provider reported it. */
  readonly model: string;
}

/** The state in which a response is shown; everything else of it is the echo of its request. */
export type ResponseState = Pick<Response, 'status' | 'output' | 'error' | 'incomplete_details'> &
  Partial<Pick<Response, 'usage' | 'service_tier'>>;

/** Fields whose value the answer repeats where the request has it. */
const ECHOED_IF_GIVEN = ['max_tool_calls', 'safety_identifier', 'prompt_cache_key', 'user', 'top_logprobs'];

/**
 * A response object: the state, and around it what its request asked for, as the API repeats it. `store` is false
 * whatever was asked: nothing is kept, and no id of the answer can be asked for. `output_text` is not among it: the
 * official clients make it.
 *
 * Source: OpenAI API reference, "The response object".
 *
 * @param request - The body of the Responses request, which has passed `toChatRequest`.
 */
export function toResponse(origin: ResponseOrigin, state: ResponseState, request: JsonObject): Response {
  const echo = Object.fromEntries(
    ECHOED_IF_GIVEN.filter((name) => isGiven(request[name])).map((name) => [name, request[name]]),
  );
  const response = {
    ...echo,
    id: origin.id,
    object: 'response',
    created_at: origin.createdAt,
    status: state.status,
    background: false,
    error: state.error,
    incomplete_details: state.incomplete_details,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    metadata: request.metadata ?? {},
    model: origin.model,
    output: state.output,
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: request.reasoning ?? { effort: null, summary: null },
    ...(isGiven(state.service_tier) ? { service_tier: state.service_tier } : {}),
    store: false,
    temperature: request.temperature ?? null,
    text: echoText(request.text),
    tool_choice: request.tool_choice ?? 'auto',
    tools: listOf(request.tools).map(echoTool),
    top_p: request.top_p ?? null,
    truncation: request.truncation === 'auto' ? 'auto' : 'disabled',
    ...(state.usage === undefined ? {} : { usage: state.usage }),
  };
  // The echoed fields have the types of the request, which its validation has looked at.
  return response as unknown as Response;
}

function echoText(text: unknown): JsonObject {
  const { format, verbosity } = objectOf(text);
  return {
    format: isGiven(format) ? format : { type: 'text' },
    ...(isGiven(verbosity) ? { verbosity } : {}),
  };
}

/** Both fields are required of a function tool in an answer, and optional in a request. */
function echoTool(tool: unknown): unknown {
  if (!isJsonObject(tool) || tool.type !== 'function') return tool;
  return { ...tool, parameters: tool.parameters ?? null, strict: tool.strict ?? false };
}
