import type { ValidatedChatRequest } from '../chat/chat-types.js';
import { isJsonObject, type JsonObject } from './json-reading.js';

/** What a provider added to an assistant turn that its client may have lost. */
export interface RecalledTurn {
  /** The provider, by its name in the configuration, that answered. */
  readonly provider: string;
  readonly reasoningContent?: string;
  readonly reasoningDetails?: readonly unknown[];
  /** Of the text. */
  readonly extraContent?: JsonObject;
  /** By the id of the call. */
  readonly toolCallExtras?: ReadonlyMap<string, JsonObject>;
}

/**
 * The request with what its client lost put back on its assistant messages. What a message brings itself stays.
 *
 * @param turns - By the message's place in the request.
 * @param reader - Who is to read it. Compatible servers get back their own alone: many refuse fields they do not know,
 * and none can read another maker's.
 */
export function withRecalledTurns(
  request: ValidatedChatRequest,
  turns: ReadonlyMap<number, RecalledTurn>,
  reader: { readonly provider: string; readonly readsOwnThinkingAlone: boolean },
): ValidatedChatRequest {
  if (turns.size === 0) return request;
  const messages = request.messages.map((message, index) => {
    const turn = turns.get(index);
    if (turn === undefined || (reader.readsOwnThinkingAlone && turn.provider !== reader.provider)) {
      return message;
    }
    const { reasoningContent, reasoningDetails, extraContent, toolCallExtras } = turn;
    return {
      ...message,
      ...(reasoningContent === undefined || has(message, 'reasoning_content')
        ? {}
        : { reasoning_content: reasoningContent }),
      ...(reasoningDetails === undefined || has(message, 'reasoning_details')
        ? {}
        : { reasoning_details: reasoningDetails }),
      ...(extraContent === undefined || has(message, 'extra_content') ? {} : { extra_content: extraContent }),
      ...(message.role === 'assistant' && message.tool_calls && toolCallExtras !== undefined
        ? { tool_calls: message.tool_calls.map((call) => withExtras(call, toolCallExtras)) }
        : {}),
    };
  });
  return { ...request, messages };
}

/** Null, an empty text and an empty list are what clients make of a field they do not know. */
function has(message: object, name: string): boolean {
  const value = (message as Readonly<Record<string, unknown>>)[name];
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function withExtras<Call extends { readonly id: string }>(
  call: Call,
  extras: ReadonlyMap<string, JsonObject>,
): Call {
  const known = extras.get(call.id);
  const isThere = 'extra_content' in call && isJsonObject(call.extra_content);
  return known === undefined || isThere ? call : { ...call, extra_content: known };
}
