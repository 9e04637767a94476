import type { ChatCompletionMessageParam, ValidatedChatRequest } from '../../chat/chat-types.js';
import type { StructuredOutput } from '../anthropic/structured-output.js';
import { offeredTools, toolDemandOf, type FunctionTool, type ToolDemand } from '../offered-tools.js';
import { refuseField } from '../refused-fields.js';
import type { BedrockModelTraits } from './bedrock-model-traits.js';
import type { BedrockToolConfig, CachePointBlock, ToolSpec } from './bedrock-wire.js';
import { cachePointOf } from './to-bedrock-content.js';

/**
 * `toolConfig` for the tools a request offers; undefined where none are needed.
 *
 * Converse has no `none`: the tools are left out. It refuses tool calls and results in the history without a
 * `toolConfig`, though, so there the tools stay, or, where the client sends none at all, stand in by their names alone;
 * the model may then call one against the client's wish. `parallel_tool_calls` has no word here.
 *
 * A model that takes no tool by its name, but `any`, is offered that one alone.
 *
 * @throws {@link InvalidRequestError} for custom tools, the `functions` of old, and a forced call that the model cannot be
 * made to make.
 */
export function toBedrockToolConfig(
  request: ValidatedChatRequest,
  output: StructuredOutput | undefined,
  traits: BedrockModelTraits,
): BedrockToolConfig | undefined {
  const options = { takesCachePoints: traits.takesToolCachePoints };
  const demand = toolDemandOf(request);
  const offered = offeredTools(request);
  const namesInHistory = toolNamesOf(request.messages);
  const isNeeded = demand?.mode !== 'none' || namesInHistory.size > 0;
  const tools = isNeeded ? offered.flatMap((tool) => toTool(tool, options)) : [];
  if (output?.kind === 'tool') {
    const { name, description, input_schema: json } = output.tool;
    const answerTool = { toolSpec: { name, ...describe(description), inputSchema: { json } } };
    const demanded: ToolDemand = output.isOneOfSeveral ? { mode: 'required' } : { mode: 'named', name };
    return withToolChoice([...tools, answerTool], demanded, traits);
  }
  if (tools.length === 0) {
    return namesInHistory.size === 0 ? undefined : { tools: [...namesInHistory].map(toNamedTool) };
  }
  return withToolChoice(tools, demand, traits);
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

function withToolChoice(
  tools: BedrockToolConfig['tools'],
  demand: ToolDemand | undefined,
  { takesAnyTool, takesNamedTool }: BedrockModelTraits,
): BedrockToolConfig {
  refuseField(!takesAnyTool && (demand?.mode === 'required' || demand?.mode === 'named'), 'tool_choice');
  if (demand?.mode === 'required') return { tools, toolChoice: { any: {} } };
  if (demand?.mode !== 'named') return { tools };
  const { name } = demand;
  if (takesNamedTool) return { tools, toolChoice: { tool: { name } } };
  const named = tools.filter((tool) => 'toolSpec' in tool && tool.toolSpec.name === name);
  refuseField(named.length === 0, 'tool_choice');
  return { tools: named, toolChoice: { any: {} } };
}
