import type { ValidatedChatRequest } from '../chat/chat-types.js';
import { InvalidRequestError } from '../errors/invalid-request-error.js';
import { stillUsedFieldsOf } from './still-used-fields.js';

type ChatTool = NonNullable<ValidatedChatRequest['tools']>[number];
export type FunctionTool = Extract<ChatTool, { type: 'function' }>;

/**
 * The function tools a request offers, cut down to `tool_choice.allowed_tools` where the client names some.
 *
 * @throws {@link InvalidRequestError} for custom (free text) tools and for the `functions` of old, which only
 * OpenAI's wire has.
 */
export function offeredTools(request: ValidatedChatRequest): readonly FunctionTool[] {
  if ((stillUsedFieldsOf(request).functions ?? []).length > 0) {
    throw new InvalidRequestError('`functions` is not supported by this model; use `tools`.', 'functions');
  }
  const tools = (request.tools ?? []).map((tool, index) => {
    if (tool.type !== 'function') {
      throw new InvalidRequestError('Custom tools are not supported by this model.', `tools[${index}]`);
    }
    return tool;
  });
  const choice = request.tool_choice ?? undefined;
  if (typeof choice !== 'object' || choice.type !== 'allowed_tools') {
    return tools;
  }
  const allowedNames = new Set(
    choice.allowed_tools.tools.map((tool) => (tool.function as { name?: unknown } | undefined)?.name),
  );
  return tools.filter((tool) => allowedNames.has(tool.function.name));
}

/** What the client wants of its tools, in one word or with one name. */
export type ToolDemand =
  { readonly mode: 'auto' | 'required' | 'none' } | { readonly mode: 'named'; readonly name: string };

/** Reads `tool_choice`; undefined where the client left it out. */
export function toolDemandOf(request: ValidatedChatRequest): ToolDemand | undefined {
  // Clients send null for what they leave out.
  const choice = request.tool_choice ?? undefined;
  if (choice === undefined) {
    return undefined;
  }
  if (typeof choice === 'string') {
    return { mode: choice };
  }
  switch (choice.type) {
    case 'function':
      return { mode: 'named', name: choice.function.name };
    case 'allowed_tools':
      return { mode: choice.allowed_tools.mode };
    case 'custom':
      throw new InvalidRequestError('Custom tools are not supported by this model.', 'tool_choice');
  }
}
