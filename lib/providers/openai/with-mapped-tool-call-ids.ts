import { isJsonObject, listOf, nonEmptyTextOf, type JsonObject } from '../json-reading.js';
import { NineCharacterIds } from './nine-character-ids.js';

/** The messages with ids of tool calls and of their results in Mistral's form. */
export function withMappedToolCallIds(messages: readonly JsonObject[]): readonly JsonObject[] {
  const ids = new NineCharacterIds(messages.flatMap(idsOf));
  return messages.map((message) => ({
    ...message,
    ...(Array.isArray(message.tool_calls)
      ? { tool_calls: message.tool_calls.map((call: unknown) => withId(call, ids)) }
      : {}),
    ...(typeof message.tool_call_id === 'string' ? { tool_call_id: ids.map(message.tool_call_id) } : {}),
  }));
}

function idsOf(message: JsonObject): string[] {
  const calls = listOf(message.tool_calls).filter(isJsonObject);
  return [message.tool_call_id, ...calls.map((call) => call.id)].flatMap((id) => nonEmptyTextOf(id) ?? []);
}

function withId(call: unknown, ids: NineCharacterIds): unknown {
  return isJsonObject(call) && typeof call.id === 'string' ? { ...call, id: ids.map(call.id) } : call;
}
