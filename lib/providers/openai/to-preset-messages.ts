import type { ProviderQuirks } from '../../catalog/index.js';
import { isJsonObject, nonEmptyTextOf, objectOf, type JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';
import { withAlternatingTurns } from './with-alternating-turns.js';
import { withMappedToolCallIds } from './with-mapped-tool-call-ids.js';
import { withReplayedReasoning } from './with-replayed-reasoning.js';

/**
 * The messages of a request as a provider with quirks takes them. What only OpenAI or another maker reads is left out
 * (`refusal`, whose text becomes the content; thought signatures; cache marks), everything else is said in its way.
 */
export function toPresetMessages(call: ProviderCall, quirks: ProviderQuirks): readonly JsonObject[] {
  const messages = call.request.messages.map((message) =>
    toPresetMessage({ ...message }, quirks, call.reasoning),
  );
  const mapped = quirks.toolCallIds === 'nine_alphanumeric' ? withMappedToolCallIds(messages) : messages;
  const turns = quirks.alternatingTurns ? withAlternatingTurns(mapped) : mapped;
  return withFinalMark(turns, quirks.finalAssistantMark);
}

function toPresetMessage(message: JsonObject, quirks: ProviderQuirks, isThinking: boolean): JsonObject {
  const role = message.role === 'developer' ? quirks.developerRole : message.role;
  const own = withOwnContent({ ...message, role }, quirks);
  return withKnownFields(withReplayedReasoning(own, quirks, isThinking), quirks);
}

function withOwnContent(message: JsonObject, quirks: ProviderQuirks): JsonObject {
  const { refusal, ...fields } = omit(message, [
    'extra_content',
    ...(quirks.cacheMarks ? [] : ['cache_control']),
  ]);
  const text = nonEmptyTextOf(refusal);
  const content = toPresetContent(fields.content, quirks);
  const isRefused = text !== undefined && (content === null || content === undefined || content === '');
  return {
    ...fields,
    ...('content' in fields || isRefused ? { content: isRefused ? text : content } : {}),
    ...(Array.isArray(fields.tool_calls)
      ? { tool_calls: fields.tool_calls.map((toolCall: unknown) => omit(toolCall, ['extra_content'])) }
      : {}),
  };
}

function toPresetContent(content: unknown, { cacheMarks }: ProviderQuirks): unknown {
  if (!Array.isArray(content)) return content;
  return content.map((part: unknown) => {
    if (isJsonObject(part) && part.type === 'refusal') return { type: 'text', text: part.refusal };
    return cacheMarks ? part : omit(part, ['cache_control']);
  });
}

/** Where the provider refuses what it does not know: the names of users and tools are lost there, and nulls. */
function withKnownFields(message: JsonObject, { messageFields }: ProviderQuirks): JsonObject {
  const { role } = message;
  if (role !== 'system' && role !== 'user' && role !== 'assistant' && role !== 'tool') return message;
  const known = messageFields?.[role];
  return known === undefined
    ? message
    : Object.fromEntries(Object.entries(message).filter(([name]) => known.includes(name)));
}

function withFinalMark(messages: readonly JsonObject[], mark: string | undefined): readonly JsonObject[] {
  const last = messages.at(-1);
  const isBegun =
    last?.role === 'assistant' && !(Array.isArray(last.tool_calls) && last.tool_calls.length > 0);
  return mark === undefined || last === undefined || !isBegun
    ? messages
    : [...messages.slice(0, -1), { ...last, [mark]: true }];
}

function omit(value: unknown, names: readonly string[]): JsonObject {
  const object = objectOf(value);
  return object === undefined
    ? (value as JsonObject)
    : Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}
