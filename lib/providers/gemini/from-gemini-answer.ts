import type { ChatCompletion } from '../../chat/chat-types.js';
import { ProviderError } from '../../errors/provider-error.js';
import { assertWithin, MAX_CHOICES } from '../answer-limits.js';
import type { ExtendedMessage } from '../chat-extensions.js';
import { toCompletionUsage } from '../completion-usage.js';
import { countOf, isJsonObject, listOf, nonEmptyTextOf, objectOf, type JsonObject } from '../json-reading.js';
import { makeCompletionId, nowSeconds } from '../made-up-ids.js';
import type { ProviderCall, TranslatedAnswer } from '../provider-adapter.js';
import { fromGeminiErrorObject } from './from-gemini-error.js';
import { assertUsableFinish, fromGeminiFinishReason } from './from-gemini-finish-reason.js';
import { fromGeminiLogprobs } from './from-gemini-logprobs.js';
import { fromGeminiUsage } from './from-gemini-usage.js';
import { GeminiCandidateReader } from './gemini-candidate-reader.js';

/**
 * An answer of `generateContent` in OpenAI's shape. A blocked prompt has no candidates: it becomes an empty answer
 * that ends with `content_filter`, as OpenAI does it.
 *
 * @throws {@link ProviderError} of kind `bad_response` when the body is no answer.
 */
export function fromGeminiAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
  if (Array.isArray(body) || (isJsonObject(body) && body.error !== undefined)) {
    const error: unknown = Array.isArray(body) ? objectOf(listOf(body)[0])?.error : body.error;
    throw error === undefined ? new ProviderError({ kind: 'bad_response' }) : fromGeminiErrorObject(body);
  }
  if (!isJsonObject(body)) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  assertWithin(listOf(body.candidates).length, MAX_CHOICES, 'too_many_choices');
  const choices = listOf(body.candidates).filter(isJsonObject).map(toChoice);
  if (choices.length === 0 && !isBlocked(body)) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  const usage = fromGeminiUsage(body.usageMetadata);
  return {
    completion: {
      id: nonEmptyTextOf(body.responseId) ?? makeCompletionId(),
      object: 'chat.completion',
      created: nowSeconds(),
      model: nonEmptyTextOf(body.modelVersion) ?? call.upstreamModel,
      choices: choices.length > 0 ? choices : [blockedChoice()],
      ...(usage === undefined ? {} : { usage: toCompletionUsage(usage) }),
    },
    usage,
  };
}

/** Gemini's filter refused the prompt. */
export function isBlocked(body: JsonObject): boolean {
  return nonEmptyTextOf(objectOf(body.promptFeedback)?.blockReason) !== undefined;
}

function blockedChoice(): ChatCompletion.Choice {
  return {
    index: 0,
    message: { role: 'assistant', content: '', refusal: null },
    logprobs: null,
    finish_reason: 'content_filter',
  };
}

function toChoice(candidate: JsonObject, position: number): ChatCompletion.Choice {
  const reader = new GeminiCandidateReader();
  const { text, reasoning, toolCalls: wholeCalls, textSignature } = reader.take(candidate);
  const toolCalls = [...wholeCalls, ...reader.close()];
  const finishReason = nonEmptyTextOf(candidate.finishReason) ?? 'STOP';
  assertUsableFinish(finishReason, reader.hasContent);
  const message: ExtendedMessage = {
    role: 'assistant',
    content: text === '' && toolCalls.length > 0 ? null : text,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(textSignature === undefined
      ? {}
      : { extra_content: { google: { thought_signature: textSignature } } }),
    ...(toolCalls.length > 0 ? { tool_calls: toolCalls } : {}),
  };
  return {
    index: countOf(candidate.index) ?? position,
    message,
    logprobs: fromGeminiLogprobs(candidate.logprobsResult),
    finish_reason: fromGeminiFinishReason(finishReason, reader.hasToolCalls),
  };
}
