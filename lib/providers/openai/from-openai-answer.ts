import type { ChatCompletion } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import { assertWithin, MAX_BLOCKS, MAX_CHOICES } from '../answer-limits.js';
import type { ExtendedMessage, ExtendedToolCall } from '../chat-extensions.js';
import { countOf, isJsonObject, listOf, nonEmptyTextOf, textOf, type JsonObject } from '../json-reading.js';
import { makeCompletionId, makeToolCallId, nowSeconds } from '../made-up-ids.js';
import type { ProviderCall, TranslatedAnswer } from '../provider-adapter.js';
import { fromOpenAiContent, fromOpenAiFinishReason } from './from-openai-content.js';
import { findOpenAiError, fromOpenAiErrorObject } from './from-openai-error.js';
import { keptExtras, logprobsOf } from './from-openai-extras.js';
import { fromOpenAiUsage } from './from-openai-usage.js';

/**
 * Brings an answer into line with OpenAI's schema: what imitators leave out is made up (`id`, `created`, `index`,
 * ids of tool calls) or set to null (`refusal`, `logprobs`); what they add stays, where the schema has no other type
 * for it.
 *
 * @throws {@link ProviderError} with the error's own kind when the body is an error under status 200 (OpenRouter),
 * `bad_response` when it is no answer at all.
 */
export function fromOpenAiAnswer(
  body: unknown,
  call: ProviderCall,
  options: { readonly isCompatible: boolean },
): TranslatedAnswer {
  if (!isJsonObject(body)) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  const error = findOpenAiError(body);
  if (error !== undefined) {
    throw fromOpenAiErrorObject(error);
  }
  assertWithin(listOf(body.choices).length, MAX_CHOICES, 'too_many_choices');
  const choices = listOf(body.choices)
    .filter(isJsonObject)
    .map((choice, position) => toChoice(choice, position, options));
  if (choices.length === 0) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  const usage = fromOpenAiUsage(body.usage, nonEmptyTextOf(body.model) ?? call.upstreamModel);
  const created = countOf(body.created);
  return {
    completion: {
      ...keptExtras(body),
      id: nonEmptyTextOf(body.id) ?? makeCompletionId(),
      object: 'chat.completion',
      created: created === undefined || created === 0 ? nowSeconds() : created,
      model: nonEmptyTextOf(body.model) ?? call.upstreamModel,
      choices,
      ...(usage === undefined ? {} : { usage: usage.completionUsage }),
    },
    usage: usage?.tokens,
  };
}

function toChoice(
  choice: JsonObject,
  position: number,
  options: { readonly isCompatible: boolean },
): ChatCompletion.Choice {
  const { message } = choice;
  if (!isJsonObject(message)) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  assertWithin(listOf(message.tool_calls).length, MAX_BLOCKS, 'too_many_tool_calls');
  const toolCalls = listOf(message.tool_calls).filter(isJsonObject).map(toToolCall);
  return {
    index: countOf(choice.index) ?? position,
    message: toMessage(message, toolCalls),
    logprobs: logprobsOf(choice.logprobs),
    finish_reason: fromOpenAiFinishReason(choice.finish_reason, {
      hasToolCalls: toolCalls.length > 0,
      isCompatible: options.isCompatible,
    }),
  };
}

function toMessage(
  message: JsonObject,
  toolCalls: NonNullable<ExtendedMessage['tool_calls']>,
): ExtendedMessage {
  const content = fromOpenAiContent(message.content);
  const reasoning =
    nonEmptyTextOf(message.reasoning_content) ??
    nonEmptyTextOf(message.reasoning) ??
    nonEmptyTextOf(content.reasoning);
  const { reasoning: _reasoning, reasoning_content: _content, tool_calls: _calls, ...extras } = message;
  return {
    ...withoutNulls(extras),
    role: 'assistant',
    content: content.text ?? null,
    refusal: textOf(message.refusal) ?? null,
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  };
}

function toToolCall(toolCall: JsonObject): NonNullable<ExtendedMessage['tool_calls']>[number] {
  const id = nonEmptyTextOf(toolCall.id) ?? makeToolCallId();
  if (toolCall.type === 'custom' && isJsonObject(toolCall.custom)) {
    const { custom } = toolCall;
    return {
      id,
      type: 'custom',
      custom: { name: textOf(custom.name) ?? '', input: textOf(custom.input) ?? '' },
    };
  }
  const called = isJsonObject(toolCall.function) ? toolCall.function : {};
  const name = nonEmptyTextOf(called.name);
  if (name === undefined) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  const functionCall: ExtendedToolCall = {
    ...(isJsonObject(toolCall.extra_content) ? { extra_content: toolCall.extra_content } : {}),
    id,
    type: 'function',
    function: { name, arguments: argumentsText(called.arguments) },
  };
  return functionCall;
}

/** Some servers send the arguments parsed, some none for a tool without parameters. */
function argumentsText(value: unknown): string {
  if (typeof value === 'string') {
    return value === '' ? '{}' : value;
  }
  return isJsonObject(value) ? JSON.stringify(value) : '{}';
}

/** `annotations: null`, `function_call: null`, `audio: null` (vLLM): absent, as far as the schema goes. */
function withoutNulls(fields: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => value !== null && name !== '__proto__'),
  );
}
