import type { JudgedCall, JudgedChoice } from './answer-collector.js';
import type { AskedOfAnswer, OfferedTool, ToolDemand } from './asked-of-answer.js';
import { isFittingJson } from './wanted-json.js';

/** A tool that was not offered, arguments that are no JSON or do not fit its parameters, `tool_choice` not obeyed. */
export function isToolCallInvalid(choice: JudgedChoice, { tools, toolDemand }: AskedOfAnswer): boolean {
  if (!isObeyed(choice, toolDemand)) return true;
  if (choice.calls.length === 0) return false;
  const offered = tools();
  return choice.calls.some((call) => !isCallable(call, offered));
}

function isObeyed(choice: JudgedChoice, { mode, only }: ToolDemand): boolean {
  const { calls, finishReason, isRefusal } = choice;
  if (calls.length === 0) {
    // What was cut short, or refused, had no chance to obey: that is another fault.
    const hasEndedWell = !isRefusal && finishReason !== 'length' && finishReason !== 'content_filter';
    return mode !== 'required' || !hasEndedWell;
  }
  return mode !== 'none' && calls.every(({ name }) => only?.includes(name) !== false);
}

function isCallable({ name, argumentsText }: JudgedCall, tools: readonly OfferedTool[]): boolean {
  const tool = tools.find((offered) => offered.name === name);
  // It may be one of a kind that is not known here.
  if (tool === undefined) return tools.some((offered) => offered.name === undefined);
  if (!tool.isFunction || argumentsText === undefined) return true;
  return isFittingJson(argumentsText, { schema: tool.parameters ?? { type: 'object' } });
}
