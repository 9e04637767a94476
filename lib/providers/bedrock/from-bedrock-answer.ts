import { ProviderError } from '../../errors/provider-error.js';
import { answerToolName } from '../anthropic/structured-output.js';
import type { ExtendedMessage, ExtendedToolCall, ReasoningDetail } from '../chat-extensions.js';
import { toCompletionUsage } from '../completion-usage.js';
import { isJsonObject, listOf, nonEmptyTextOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import { makeCompletionId, makeToolCallId, nowSeconds } from '../made-up-ids.js';
import type { ProviderCall, TranslatedAnswer } from '../provider-adapter.js';
import { fromBedrockStopReason } from './from-bedrock-stop-reason.js';
import { fromBedrockUsage } from './from-bedrock-usage.js';
import { toEncryptedDetail, toSignedDetail } from './reasoning-details.js';

/**
 * An answer of Converse in OpenAI's shape. Text blocks are joined as they are; thinking becomes `reasoning_content`, and
 * where it is signed or encrypted also `reasoning_details`; calls of Bedrock's own tools and blocks of kinds yet to come
 * are left out. The input of the tool that stands for a JSON schema is the content.
 *
 * Lost: `metrics`, `trace` of guardrails, citations. The body has neither id nor model: the id is made up, the model is
 * the one that was asked.
 *
 * @throws {@link ProviderError} of kind `bad_response` when the body is no message.
 */
export function fromBedrockAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
  const content = objectOf(objectOf(objectOf(body)?.output)?.message)?.content;
  if (!isJsonObject(body) || !Array.isArray(content)) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  const answerTool = answerToolName(call);
  let text = '';
  let reasoning = '';
  let structured = '';
  const toolCalls: ExtendedToolCall[] = [];
  const details: ReasoningDetail[] = [];
  for (const [index, block] of listOf(content).entries()) {
    if (!isJsonObject(block)) continue;
    text += textOf(block.text) ?? citedText(block);
    const thought = readReasoning(block, index);
    reasoning += thought.text;
    details.push(...thought.details);
    const toolUse = objectOf(block.toolUse);
    if (toolUse === undefined || toolUse.type === 'server_tool_use') continue;
    const name = textOf(toolUse.name) ?? '';
    const input = JSON.stringify(objectOf(toolUse.input) ?? {});
    if (name === answerTool) {
      structured ||= input;
    } else {
      const id = nonEmptyTextOf(toolUse.toolUseId) ?? makeToolCallId();
      toolCalls.push({ id, type: 'function', function: { name, arguments: input } });
    }
  }
  const hasToolCalls = toolCalls.length > 0;
  const answer = structured === '' ? text : structured;
  const message: ExtendedMessage = {
    role: 'assistant',
    content: answer === '' && hasToolCalls ? null : answer,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(hasToolCalls ? { tool_calls: toolCalls } : {}),
  };
  const usage = fromBedrockUsage(body.usage);
  return {
    completion: {
      id: makeCompletionId(),
      object: 'chat.completion',
      created: nowSeconds(),
      model: call.upstreamModel,
      choices: [
        {
          index: 0,
          message,
          logprobs: null,
          finish_reason: fromBedrockStopReason(body.stopReason, hasToolCalls),
        },
      ],
      ...(usage === undefined ? {} : { usage: toCompletionUsage(usage) }),
    },
    usage,
  };
}

/** Text that carries citations stands one level deeper. */
function citedText(block: JsonObject): string {
  return listOf(objectOf(block.citationsContent)?.content)
    .map((part) => textOf(objectOf(part)?.text) ?? '')
    .join('');
}

function readReasoning(block: JsonObject, index: number): { text: string; details: ReasoningDetail[] } {
  const content = objectOf(block.reasoningContent);
  const text = textOf(objectOf(content?.reasoningText)?.text) ?? '';
  const signature = nonEmptyTextOf(objectOf(content?.reasoningText)?.signature);
  const encrypted = nonEmptyTextOf(content?.redactedContent);
  return {
    text,
    details: [
      ...(signature === undefined ? [] : [toSignedDetail(text, signature, index)]),
      ...(encrypted === undefined ? [] : [toEncryptedDetail(encrypted, index)]),
    ],
  };
}
