import { isGiven, isJsonObject, type JsonObject } from './json-reading.js';
import { refuse, requireObject, requireString } from './require-field.js';

/**
 * Function tools and custom tools in the nested form of chat completions.
 *
 * Source: OpenAI API reference, Responses, `tools` (flat: `{ type, name, parameters, strict }`); Chat Completions,
 * `tools` (`{ type, function: { … } }`, `{ type, custom: { … } }`).
 *
 * Lost: `defer_loading`, `output_schema`, `allowed_callers`. A `strict` that is left out stays out, which means `true`
 * to the Responses API and `false` to chat completions: no schema is held to more than the client asked for.
 *
 * @throws {@link InvalidRequestError} naming the tool; for every built-in tool (`web_search`, `file_search`, `mcp`, …).
 */
export function toChatTools(tools: unknown): readonly JsonObject[] {
  if (!isGiven(tools)) return [];
  if (!Array.isArray(tools)) refuse('tools', 'must be a list');
  return tools.map((value: unknown, index) => {
    const path = `tools[${index}]`;
    const tool = requireObject(value, path);
    if (tool.type === 'function') return toFunctionTool(tool, path);
    if (tool.type === 'custom') return toCustomTool(tool, path);
    return refuse(
      `${path}.type`,
      'must be "function" or "custom": built-in tools run at OpenAI, and the router runs none',
    );
  });
}

function describe(tool: JsonObject, path: string): JsonObject {
  const name = requireString(tool.name, `${path}.name`);
  if (name === '') refuse(`${path}.name`, 'must not be empty');
  if (!isGiven(tool.description)) return { name };
  return { name, description: requireString(tool.description, `${path}.description`) };
}

function toFunctionTool(tool: JsonObject, path: string): JsonObject {
  const { parameters, strict } = tool;
  if (isGiven(strict) && typeof strict !== 'boolean') refuse(`${path}.strict`, 'must be true or false');
  return {
    type: 'function',
    function: {
      ...describe(tool, path),
      ...(isGiven(parameters) ? { parameters: requireObject(parameters, `${path}.parameters`) } : {}),
      ...(isGiven(strict) ? { strict } : {}),
    },
  };
}

function toCustomTool(tool: JsonObject, path: string): JsonObject {
  return {
    type: 'custom',
    custom: {
      ...describe(tool, path),
      ...(isGiven(tool.format) ? { format: toCustomFormat(tool.format, `${path}.format`) } : {}),
    },
  };
}

function toCustomFormat(value: unknown, path: string): JsonObject {
  const format = requireObject(value, path);
  if (format.type === 'text') return { type: 'text' };
  if (format.type !== 'grammar') refuse(`${path}.type`, 'must be "text" or "grammar"');
  return {
    type: 'grammar',
    grammar: {
      syntax: requireString(format.syntax, `${path}.syntax`),
      definition: requireString(format.definition, `${path}.definition`),
    },
  };
}

/**
 * Every form of `tool_choice` in that of chat completions; undefined where it says nothing.
 *
 * @throws {@link InvalidRequestError} for what is none, and for built-in tools.
 */
export function toChatToolChoice(choice: unknown): unknown {
  if (!isGiven(choice)) return undefined;
  if (choice === 'none' || choice === 'auto' || choice === 'required') return choice;
  if (!isJsonObject(choice)) refuse('tool_choice', 'must be "none", "auto", "required" or an object');
  if (choice.type === 'allowed_tools') return toAllowedTools(choice);
  return toNamedTool(choice, 'tool_choice');
}

function toAllowedTools({ mode, tools }: JsonObject): JsonObject {
  if (mode !== 'auto' && mode !== 'required') refuse('tool_choice.mode', 'must be "auto" or "required"');
  if (!Array.isArray(tools)) refuse('tool_choice.tools', 'must be a list');
  return {
    type: 'allowed_tools',
    allowed_tools: {
      mode,
      tools: tools.map((value: unknown, index) => {
        const path = `tool_choice.tools[${index}]`;
        return toNamedTool(requireObject(value, path), path);
      }),
    },
  };
}

function toNamedTool(choice: JsonObject, path: string): JsonObject {
  const { type } = choice;
  if (type !== 'function' && type !== 'custom') {
    refuse(`${path}.type`, 'must name a function or a custom tool: the router runs no built-in tools');
  }
  return { type, [type]: { name: requireString(choice.name, `${path}.name`) } };
}
