import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import type { AnthropicTool } from './anthropic-wire.js';
import { offeredTools, toolDemandOf } from '../offered-tools.js';
import { requestedJson } from '../requested-schema.js';

export interface StructuredOutputTool {
  readonly tool: AnthropicTool;
  /** The model may call the client's tools instead: it has to call any tool, not this one. */
  readonly isOneOfSeveral: boolean;
}

/**
 * The tool that stands for `response_format: json_schema`: the model has to call it, and its input is the answer.
 * Undefined where no schema is asked for, or where the client forces a tool of its own, which leaves no room for an
 * answer.
 */
export function structuredOutputTool(request: ValidatedChatRequest): StructuredOutputTool | undefined {
  const json = requestedJson(request);
  const tools = offeredTools(request);
  const demand = toolDemandOf(request)?.mode;
  const isForced = demand === 'required' || demand === 'named';
  if (json?.schema === undefined || (isForced && tools.length > 0)) {
    return undefined;
  }
  let name = 'give_answer';
  while (tools.some((tool) => tool.function.name === name)) {
    name += '_';
  }
  return {
    tool: {
      name,
      description: json.description ?? 'Gives the final answer to the user.',
      input_schema: { ...json.schema, type: 'object' },
    },
    isOneOfSeveral: tools.length > 0 && demand !== 'none',
  };
}
