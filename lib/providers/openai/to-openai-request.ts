import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { isJsonObject, type JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';
import { requestedOutputTokens, stillUsedFieldsOf } from '../still-used-fields.js';
import { checkOpenAiContent } from './check-openai-content.js';
import { withoutIdleFields } from './without-idle-fields.js';

export interface ToOpenAiRequestOptions {
  readonly isCompatible: boolean;
}

/** What other providers' answers put on an assistant message and clients send back; OpenAI does not know them. */
const FOREIGN_MESSAGE_FIELDS = ['reasoning_content', 'reasoning', 'reasoning_details', 'extra_content'];

/**
 * The body of a chat completion request. Everything the client sent goes through, unknown fields too, but:
 *
 * - `model` is the deployment's name, `stream` what the router wants, and a stream always reports its usage;
 * - the output limit stands in one field: `max_completion_tokens` for OpenAI's reasoning models, which refuse
 *   `max_tokens`; `max_tokens` for compatible servers, many of which refuse `max_completion_tokens`; otherwise the
 *   field the client chose;
 * - for OpenAI itself, fields that its models refuse and that say nothing are left out ({@link withoutIdleFields});
 * - for OpenAI itself, fields of other makers in replayed history (thinking, thought signatures, cache marks) are
 *   left out. Compatible servers get them: some want their own back.
 *
 * @throws {@link InvalidRequestError} for broken pictures, files and sound, and for those OpenAI would refuse.
 */
export function toOpenAiRequest(call: ProviderCall, options: ToOpenAiRequestOptions): JsonObject {
  checkOpenAiContent(call.request.messages, options);
  const { stream_options: streamOptions, ...request } = call.request;
  const limitless = omit(request, ['max_tokens', 'max_completion_tokens']);
  const rest = options.isCompatible ? limitless : withoutIdleFields(limitless, call);
  return {
    ...rest,
    model: call.upstreamModel,
    messages: options.isCompatible ? request.messages : request.messages.map(toOpenAiMessage),
    ...(request.tools && !options.isCompatible
      ? { tools: request.tools.map((tool) => omit(tool, ['cache_control'])) }
      : {}),
    ...outputLimit(call, options),
    stream: call.stream,
    ...(call.stream ? { stream_options: { ...streamOptions, include_usage: true } } : {}),
  };
}

function outputLimit(call: ProviderCall, options: ToOpenAiRequestOptions): JsonObject {
  const { max_completion_tokens: maxCompletionTokens } = call.request;
  const { max_tokens: maxTokens } = stillUsedFieldsOf(call.request);
  const limit = call.maxOutputTokens ?? requestedOutputTokens(call.request);
  if (limit === undefined) {
    return {};
  }
  if (options.isCompatible) {
    return { max_tokens: limit };
  }
  const wantsOldField = typeof maxTokens === 'number' && typeof maxCompletionTokens !== 'number';
  return wantsOldField && !call.reasoning ? { max_tokens: limit } : { max_completion_tokens: limit };
}

function toOpenAiMessage(message: ChatCompletionMessageParam): unknown {
  const fields: JsonObject = omit(message, FOREIGN_MESSAGE_FIELDS);
  return {
    ...fields,
    ...(Array.isArray(fields.content)
      ? { content: fields.content.map((part: unknown) => omit(part, ['cache_control'])) }
      : {}),
    ...(Array.isArray(fields.tool_calls)
      ? { tool_calls: fields.tool_calls.map((toolCall: unknown) => omit(toolCall, ['extra_content'])) }
      : {}),
  };
}

function omit(value: unknown, names: readonly string[]): JsonObject {
  return isJsonObject(value)
    ? Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))
    : (value as JsonObject);
}
