import { AssistantTurn } from './assistant-turn.js';
import { isJsonObject, type JsonObject } from './json-reading.js';
import { refuse, requireObject, requireString } from './require-field.js';
import { toChatContent } from './to-chat-content.js';

/** Gives an output item of an earlier answer by its id; undefined where it is not known. */
export type RecallItem = (id: string) => unknown;

/**
 * The conversation of a Responses request as chat messages: `instructions` as the first system message, then `input`.
 * The items of one assistant turn (reasoning, messages, tool calls, in any order) become one message; it ends where a
 * tool's result, a user or a system message follows.
 *
 * Source: OpenAI API reference, Responses, `input` and `instructions`.
 *
 * Lost: ids, `status`, `phase` and `namespace` of items; the order of text and calls inside a turn; the reasoning of a
 * turn that said nothing; references to reasoning items (`item_reference` to `rs_…`), which the AI SDK sends by
 * default. References to what is not known (any more), and items of built-in tools, are refused.
 *
 * @throws {@link InvalidRequestError} naming the item.
 */
export function toChatMessages(
  instructions: string | undefined,
  input: unknown,
  recall: RecallItem = () => undefined,
): readonly JsonObject[] {
  const messages: JsonObject[] = [];
  if (instructions !== undefined && instructions !== '') {
    messages.push({ role: 'system', content: instructions });
  }
  if (typeof input === 'string') return [...messages, { role: 'user', content: input }];
  if (!Array.isArray(input)) refuse('input', 'is required: a string or a list of items');
  let turn = new AssistantTurn();
  const endTurn = (): void => {
    const message = turn.toMessage();
    if (message !== undefined) messages.push(message);
    turn = new AssistantTurn();
  };
  const seen = new Set<string>();
  input.forEach((value: unknown, index) => {
    const path = `input[${index}]`;
    const item = resolveReference(requireObject(value, path), recall, seen, path);
    switch (item.type ?? 'message') {
      case 'message':
        if (item.role === 'assistant') {
          turn.addMessage(item.content, `${path}.content`);
        } else {
          endTurn();
          messages.push(toChatMessage(item, path));
        }
        return;
      case 'reasoning':
        turn.addReasoning(item);
        return;
      case 'function_call':
      case 'custom_tool_call':
        turn.addToolCall(item, path);
        return;
      case 'function_call_output':
      case 'custom_tool_call_output':
        endTurn();
        messages.push({
          role: 'tool',
          tool_call_id: requireString(item.call_id, `${path}.call_id`),
          content: toChatContent(item.output, `${path}.output`, 'tool'),
        });
        return;
      case 'item_reference':
        if (!isReasoningReference(item)) refuseReference(path);
        return;
      default:
        refuse(
          `${path}.type`,
          'must be "message", "reasoning", "function_call", "function_call_output", "custom_tool_call" or ' +
            '"custom_tool_call_output": the router runs no built-in tools',
        );
    }
  });
  endTurn();
  if (messages.length === 0) refuse('input', 'must not be empty');
  return messages;
}

/** What stands for an item that was referred to, where it is known; the reference itself where it is not. */
function resolveReference(item: JsonObject, recall: RecallItem, seen: Set<string>, path: string): JsonObject {
  if (item.type !== 'item_reference' || typeof item.id !== 'string') return item;
  // A short request must not become a huge one.
  if (seen.has(item.id)) refuse(`${path}.id`, 'refers to an item for the second time');
  seen.add(item.id);
  const known = recall(item.id);
  return isJsonObject(known) ? known : item;
}

function toChatMessage(item: JsonObject, path: string): JsonObject {
  const { role } = item;
  if (role !== 'user' && role !== 'system' && role !== 'developer') {
    refuse(`${path}.role`, 'must be "user", "assistant", "system" or "developer"');
  }
  return {
    role,
    content: toChatContent(item.content, `${path}.content`, role === 'user' ? 'user' : 'text-only'),
  };
}

/** Only the thinking is lost without it, and the turn itself stands beside it. */
function isReasoningReference(item: JsonObject): boolean {
  return typeof item.id === 'string' && item.id.startsWith('rs_');
}

function refuseReference(path: string): never {
  refuse(
    `${path}.type`,
    'is "item_reference" to an item that is not known (any more), for the router keeps items only for a while: send the ' +
      'item itself ' +
      '(AI SDK: `providerOptions: { openai: { store: false } }`)',
  );
}
