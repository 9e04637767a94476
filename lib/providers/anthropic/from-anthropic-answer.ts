import { ProviderError } from '../../errors/provider-error.js';
import type { ExtendedMessage, ExtendedToolCall, ReasoningDetail } from '../chat-extensions.js';
import { toCompletionUsage } from '../completion-usage.js';
import { isJsonObject, listOf, nonEmptyTextOf, textOf } from '../json-reading.js';
import { makeCompletionId, makeToolCallId, nowSeconds } from '../made-up-ids.js';
import type { ProviderCall, TranslatedAnswer } from '../provider-adapter.js';
import { fromThinkingBlock } from './anthropic-reasoning.js';
import { fromAnthropicErrorEvent } from './from-anthropic-error.js';
import { fromAnthropicStopReason } from './from-anthropic-stop-reason.js';
import { AnthropicUsage } from './from-anthropic-usage.js';
import { answerToolName } from './structured-output.js';

/**
 * An answer of the Messages API in OpenAI's shape. Text blocks are joined as they are; thinking becomes
 * `reasoning_content`, and where it is signed or encrypted `reasoning_details` too; blocks of Anthropic's own tools and of kinds yet to come are left out. The input of the tool
 * that stands for a JSON schema is the content.
 *
 * @throws {@link ProviderError} of kind `bad_response` when the body is no message.
 */
export function fromAnthropicAnswer(body: unknown, call: ProviderCall): TranslatedAnswer {
  if (!isJsonObject(body)) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  if (body.type === 'error') {
    throw fromAnthropicErrorEvent(body);
  }
  if (!Array.isArray(body.content)) {
    throw new ProviderError({ kind: 'bad_response' });
  }
  const answerTool = answerToolName(call);
  let text = '';
  let reasoning = '';
  let structured = '';
  const reasoningDetails: ReasoningDetail[] = [];
  const toolCalls: ExtendedToolCall[] = [];
  for (const [index, block] of listOf(body.content).entries()) {
    if (!isJsonObject(block)) continue;
    const detail = fromThinkingBlock(block, index);
    if (detail !== undefined) reasoningDetails.push(detail);
    if (block.type === 'text') {
      text += textOf(block.text) ?? '';
    } else if (block.type === 'thinking') {
      reasoning += textOf(block.thinking) ?? '';
    } else if (block.type === 'tool_use') {
      const name = textOf(block.name) ?? '';
      const input = JSON.stringify(isJsonObject(block.input) ? block.input : {});
      if (name === answerTool) {
        structured ||= input;
      } else {
        const id = nonEmptyTextOf(block.id) ?? makeToolCallId();
        toolCalls.push({ id, type: 'function', function: { name, arguments: input } });
      }
    }
  }
  const hasToolCalls = toolCalls.length > 0;
  const content = structured === '' ? text : structured;
  const message: ExtendedMessage = {
    role: 'assistant',
    content: content === '' && hasToolCalls ? null : content,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(reasoningDetails.length > 0 ? { reasoning_details: reasoningDetails } : {}),
    ...(hasToolCalls ? { tool_calls: toolCalls } : {}),
  };
  const usage = new AnthropicUsage();
  usage.take(body.usage);
  const { tokens } = usage;
  return {
    completion: {
      id: nonEmptyTextOf(body.id) ?? makeCompletionId(),
      object: 'chat.completion',
      created: nowSeconds(),
      model: nonEmptyTextOf(body.model) ?? call.upstreamModel,
      choices: [
        {
          index: 0,
          message,
          logprobs: null,
          finish_reason: fromAnthropicStopReason(body.stop_reason, hasToolCalls),
        },
      ],
      ...(tokens === undefined ? {} : { usage: toCompletionUsage(tokens) }),
    },
    usage: tokens,
  };
}
