import type { Response, ResponseOutputItem } from 'openai/resources/responses/responses';
import type { ChatCompletion } from '../chat/index.js';
import { asksFor } from './asks-for.js';
import { fromChatLogprobs } from './from-chat-logprobs.js';
import { fromChatUsage } from './from-chat-usage.js';
import { makeItemId } from './item-id.js';
import { listOf, nonEmptyTextOf, objectOf, textOf, type JsonObject } from './json-reading.js';
import {
  type ItemStatus,
  messageItem,
  reasoningItem,
  refusalPart,
  textPart,
  type ToolCall,
  toolCallItem,
} from './output-items.js';
import { addReasoningDetails } from './reasoning-details.js';
import { emptyReasoningState, encodeReasoning, keptExtraContent } from './reasoning-envelope.js';
import { toResponseEnding } from './response-ending.js';
import { toResponse } from './response-frame.js';

/**
 * A chat completion as a response object: its first choice as output items, in the order reasoning, message, tool
 * calls. An answer that says nothing at all is a message with an empty text.
 *
 * Source: OpenAI API reference, "The response object" and "The chat completion object".
 *
 * Lost: further choices, audio, annotations, `system_fingerprint`, the log probabilities of a refusal.
 *
 * @param body - The body of the Responses request, which has passed `toChatRequest`.
 */
export function fromChatCompletion(completion: ChatCompletion, body: unknown): Response {
  const request = objectOf(body);
  const [choice] = completion.choices;
  const ending = toResponseEnding(choice?.finish_reason);
  return toResponse(
    { id: makeItemId('resp'), createdAt: completion.created, model: completion.model },
    {
      status: ending.status,
      incomplete_details: ending.incomplete_details,
      error: null,
      output: toOutput(objectOf(choice), request, ending.status),
      usage: fromChatUsage(completion.usage),
      service_tier: completion.service_tier ?? undefined,
    },
    request,
  );
}

function toOutput(choice: JsonObject, request: JsonObject, status: ItemStatus): ResponseOutputItem[] {
  const message = objectOf(choice.message);
  const calls = listOf(message.tool_calls).map(objectOf);
  const text = nonEmptyTextOf(message.content);
  const refusal = nonEmptyTextOf(message.refusal);
  const reasoning = toReasoning(message, calls, request);
  const isSilent = text === undefined && refusal === undefined && calls.length === 0;
  const logprobs = asksFor(request, 'message.output_text.logprobs') ? fromChatLogprobs(choice.logprobs) : [];
  const content = [
    ...(text !== undefined || isSilent ? [textPart(text ?? '', logprobs)] : []),
    ...(refusal === undefined ? [] : [refusalPart(refusal)]),
  ];
  return [
    ...(reasoning === undefined ? [] : [reasoning]),
    ...(content.length === 0 ? [] : [messageItem(makeItemId('msg'), content, status)]),
    ...calls.map((call) => {
      const toolCall = toToolCall(call);
      return toolCallItem(makeItemId(toolCall.kind === 'custom' ? 'ctc' : 'fc'), toolCall, status);
    }),
  ] as ResponseOutputItem[];
}

function toReasoning(
  message: JsonObject,
  calls: readonly JsonObject[],
  request: JsonObject,
): ResponseOutputItem | undefined {
  const thoughts = nonEmptyTextOf(message.reasoning_content);
  const summary = thoughts === undefined ? [] : [thoughts];
  const encrypted = asksFor(request, 'reasoning.encrypted_content') ? toEnvelope(message, calls) : undefined;
  if (thoughts === undefined && encrypted === undefined) return undefined;
  return reasoningItem(makeItemId('rs'), summary, encrypted);
}

function toEnvelope(message: JsonObject, calls: readonly JsonObject[]): string | undefined {
  const state = emptyReasoningState();
  addReasoningDetails(state.details, message.reasoning_details);
  for (const { id, extra_content: extra } of calls) {
    const kept = keptExtraContent(extra);
    if (typeof id === 'string' && kept !== undefined) state.toolCallExtras.set(id, kept);
  }
  return encodeReasoning(state);
}

function toToolCall(call: JsonObject): ToolCall {
  const kind = call.type === 'custom' ? 'custom' : 'function';
  const called = objectOf(call[kind]);
  return {
    kind,
    callId: textOf(call.id) ?? makeItemId('fc'),
    name: textOf(called.name) ?? '',
    input: textOf(kind === 'custom' ? called.input : called.arguments) ?? '',
  };
}
