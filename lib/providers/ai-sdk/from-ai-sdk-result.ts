import { ProviderError } from '../../errors/provider-error.js';
import type { ExtendedMessage, ExtendedToolCall, ReasoningDetail } from '../chat-extensions.js';
import { toCompletionUsage } from '../completion-usage.js';
import { isJsonObject, nonEmptyTextOf, objectOf, textOf } from '../json-reading.js';
import { makeCompletionId, makeToolCallId, nowSeconds } from '../made-up-ids.js';
import type { ProviderCall, TranslatedAnswer } from '../provider-adapter.js';
import { requestedJson } from '../requested-schema.js';
import { fromAiSdkFinishReason } from './from-ai-sdk-finish-reason.js';
import { signaturesOf, toExtraContent, toReasoningDetail } from './from-ai-sdk-metadata.js';
import { fromAiSdkTimestamp } from './from-ai-sdk-timestamp.js';
import { fromAiSdkToolInput } from './from-ai-sdk-tool-input.js';
import { fromAiSdkUsage } from './from-ai-sdk-usage.js';
import { refuseDroppedFeatures } from './refuse-dropped-features.js';

/**
 * What `doGenerate` gave, of any version, in OpenAI's shape. Texts are joined as they are; thinking becomes
 * `reasoning_content`, and where it is signed or encrypted `reasoning_details` too; signatures of Gemini's stand beside
 * the call or the text they belong to.
 *
 * Left out, for OpenAI's shape has no place for them: files the model made, sources, tools that the provider itself
 * called and their results, requests for approval, warnings of features whose loss the answer bears, and kinds yet to come.
 *
 * @throws {@link ProviderError} of kind `bad_response` when it is no result, or one without the format or the tools that were
 * asked for ({@link refuseDroppedFeatures}), `server_error` when it ended in an error.
 */
export function fromAiSdkResult(value: unknown, call: ProviderCall): TranslatedAnswer {
  const result = objectOf(value);
  if (result === undefined || !Array.isArray(result.content)) {
    throw new ProviderError({ kind: 'bad_response', status: 200, providerCode: 'not_a_result' });
  }
  refuseDroppedFeatures(result.warnings, call);
  let text = '';
  let reasoning = '';
  let textSignature = {};
  const reasoningDetails: ReasoningDetail[] = [];
  const toolCalls: ExtendedToolCall[] = [];
  for (const [index, part] of (result.content as readonly unknown[]).entries()) {
    if (!isJsonObject(part)) continue;
    const signatures = signaturesOf(part.providerMetadata);
    if (part.type === 'text') {
      text += textOf(part.text) ?? '';
      textSignature = { ...textSignature, ...toExtraContent(signatures) };
    } else if (part.type === 'reasoning') {
      const thought = textOf(part.text) ?? '';
      reasoning += thought;
      const detail = toReasoningDetail(thought, signatures, index);
      if (detail !== undefined) reasoningDetails.push(detail);
    } else if (part.type === 'tool-call' && part.providerExecuted !== true) {
      toolCalls.push({
        id: nonEmptyTextOf(part.toolCallId) ?? makeToolCallId(),
        type: 'function',
        function: { name: textOf(part.toolName) ?? '', arguments: fromAiSdkToolInput(part.input) },
        ...toExtraContent(signatures),
      });
    }
  }
  // Version 4 says which of several texts is the JSON.
  const structured = textOf(result.structuredOutputText);
  if (structured !== undefined && requestedJson(call.request) !== undefined) text = structured;
  const hasToolCalls = toolCalls.length > 0;
  const finishReason = fromAiSdkFinishReason(result.finishReason, hasToolCalls);
  const message: ExtendedMessage = {
    role: 'assistant',
    content: text === '' && hasToolCalls ? null : text,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(reasoningDetails.length > 0 ? { reasoning_details: reasoningDetails } : {}),
    ...textSignature,
    ...(hasToolCalls ? { tool_calls: toolCalls } : {}),
  };
  const response = objectOf(result.response) ?? {};
  const usage = fromAiSdkUsage(result.usage);
  return {
    completion: {
      id: nonEmptyTextOf(response.id) ?? makeCompletionId(),
      object: 'chat.completion',
      created: fromAiSdkTimestamp(response.timestamp) ?? nowSeconds(),
      model: nonEmptyTextOf(response.modelId) ?? call.upstreamModel,
      choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason }],
      ...(usage === undefined ? {} : { usage: toCompletionUsage(usage) }),
    },
    usage,
  };
}
