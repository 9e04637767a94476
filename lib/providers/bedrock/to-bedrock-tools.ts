import type { ChatCompletionMessageParam, ValidatedChatRequest } from '../../chat/chat-types.js';
import type { StructuredOutput } from '../anthropic/structured-output.js';
import { offeredTools, toolDemandOf, type FunctionTool } from '../offered-tools.js';
import type { BedrockToolChoice, BedrockToolConfig, CachePointBlock, ToolSpec } from './bedrock-wire.js';
import { cachePointOf } from './to-bedrock-content.js';

/**
 * `toolConfig` for the tools a request offers; undefined where none are needed.
 *
 * Converse has no `none`: the tools are left out. It refuses tool calls and results in the history without a
 * `toolConfig`, though, so there the tools stay, or, where the client sends none at all, stand in by their names alone;
 * the model may then call one against the client's wish. `parallel_tool_calls` has no word here.
 *
 * @throws {@link InvalidRequestError} for custom tools and the `functions` of old.
 */
export function toBedrockToolConfig(
  request: ValidatedChatRequest,
  output: StructuredOutput | undefined,
  options: { readonly takesCachePoints: boolean },
): BedrockToolConfig | undefined {
  const demand = toolDemandOf(request);
  const offered = offeredTools(request);
  const namesInHistory = toolNamesOf(request.messages);
  const isNeeded = demand?.mode !== 'none' || namesInHistory.size > 0;
  const tools = isNeeded ? offered.flatMap((tool) => toTool(tool, options)) : [];
  if (output?.kind === 'tool') {
    const { name, description, input_schema: json } = output.tool;
    return {
      tools: [...tools, { toolSpec: { name, ...describe(description), inputSchema: { json } } }],
      toolChoice: output.isOneOfSeveral ? { any: {} } : { tool: { name } },
    };
  }
  if (tools.length === 0) {
    return namesInHistory.size === 0 ? undefined : { tools: [...namesInHistory].map(toNamedTool) };
  }
  const toolChoice = toToolChoice(demand);
  return { tools, ...(toolChoice === undefined ? {} : { toolChoice }) };
}

function toolNamesOf(messages: readonly ChatCompletionMessageParam[]): ReadonlySet<string> {
  const names = new Set<string>();
  let hasResults = false;
  for (const message of messages) {
    hasResults ||= message.role === 'tool';
    if (message.role !== 'assistant') continue;
    for (const toolCall of message.tool_calls ?? []) {
      if (toolCall.type === 'function') names.add(toolCall.function.name);
    }
  }
  // Results whose calls the client has cut away want a tool all the same.
  return hasResults && names.size === 0 ? new Set(['unknown']) : names;
}

function toTool(
  tool: FunctionTool,
  options: { readonly takesCachePoints: boolean },
): (ToolSpec | CachePointBlock)[] {
  const { name, description, parameters } = tool.function;
  const json = { ...(parameters ?? { properties: {} }), type: 'object' };
  return [
    { toolSpec: { name, ...describe(description), inputSchema: { json } } },
    ...cachePointOf(tool, options),
  ];
}

function toNamedTool(name: string): ToolSpec {
  return { toolSpec: { name, inputSchema: { json: { type: 'object', properties: {} } } } };
}

/** An empty description is refused. */
function describe(description: string | undefined): { description?: string } {
  return description ? { description } : {};
}

function toToolChoice(demand: ReturnType<typeof toolDemandOf>): BedrockToolChoice | undefined {
  switch (demand?.mode) {
    case 'required':
      return { any: {} };
    case 'named':
      return { tool: { name: demand.name } };
    case 'auto':
    case 'none':
    case undefined:
      return undefined;
  }
}
