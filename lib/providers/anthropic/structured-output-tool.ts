import { isJsonObject, type JsonObject } from '../json-reading.js';
import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import type { AnthropicTool } from './anthropic-wire.js';
import { offeredTools, toolDemandOf } from '../offered-tools.js';

export interface StructuredOutputTool {
  readonly tool: AnthropicTool;
  /** The model may call the client's tools instead: it has to call any tool, not this one. */
  readonly isOneOfSeveral: boolean;
}

/**
 * The tool that stands for `response_format: json_schema`: the model has to call it, and its input is the answer.
 * Undefined where no schema is asked for, or where the client forces a tool of its own, which leaves no room for an
 * answer.
 *
 * Takes instructor's `{ type: "json_object", schema }` for a schema too.
 */
export function structuredOutputTool(request: ValidatedChatRequest): StructuredOutputTool | undefined {
  const schema = requestedSchema(request.response_format);
  const tools = offeredTools(request);
  const demand = toolDemandOf(request)?.mode;
  const isForced = demand === 'required' || demand === 'named';
  if (schema === undefined || (isForced && tools.length > 0)) {
    return undefined;
  }
  let name = 'give_answer';
  while (tools.some((tool) => tool.function.name === name)) {
    name += '_';
  }
  return {
    tool: {
      name,
      description: schema.description ?? 'Gives the final answer to the user.',
      input_schema: { ...schema.schema, type: 'object' },
    },
    isOneOfSeveral: tools.length > 0 && demand !== 'none',
  };
}

function requestedSchema(
  format: ValidatedChatRequest['response_format'],
): { schema: JsonObject; description?: string } | undefined {
  if (format?.type === 'json_schema') {
    const { schema, description } = format.json_schema;
    return { schema: schema ?? {}, description };
  }
  const loose: unknown = format;
  if (isJsonObject(loose) && loose.type === 'json_object' && isJsonObject(loose.schema)) {
    return { schema: loose.schema };
  }
  return undefined;
}
