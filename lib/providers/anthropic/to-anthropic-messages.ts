import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { requireTextParts } from '../require-text-parts.js';
import { spokenContentOf } from '../spoken-content.js';
import { parseToolCallArguments } from '../tool-call-arguments.js';
import { toThinkingBlocks, type PlacedThinking } from './anthropic-reasoning.js';
import type { AnthropicMessage, AssistantBlock, TextBlock, ToolResultBlock } from './anthropic-wire.js';
import { toAnthropicContent, toTextBlocks } from './to-anthropic-content.js';
import { ToolUseIds } from './tool-use-ids.js';

export interface AnthropicConversation {
  readonly system: readonly TextBlock[];
  readonly messages: readonly AnthropicMessage[];
}

type AssistantMessage = Extract<ChatCompletionMessageParam, { role: 'assistant' }>;

/**
 * The conversation as Anthropic wants it: system and developer messages apart, from wherever they stand; turns of the
 * same role in a row merged; the results of one assistant turn in one user turn, before anything else in it; no empty
 * texts; no white space at the end of a final assistant turn, which Anthropic would have to continue. Signed thinking
 * that the history brings (`reasoning_details`) stands where it stood, but only where the call thinks: a call that does
 * not is refused with it. Nor does it stand last in a turn, as in an answer that its limit cut while the model thought:
 * a turn of thinking alone is left out ("The final block in an assistant message cannot be `thinking`").
 *
 * A conversation of system messages alone becomes a user turn: OpenAI answers those too.
 *
 * @throws {@link InvalidRequestError} naming the place of what cannot be said.
 */
export function toAnthropicConversation(
  messages: readonly ChatCompletionMessageParam[],
  options: { readonly isThinking: boolean } = { isThinking: false },
): AnthropicConversation {
  const ids = new ToolUseIds(messages.flatMap(toolCallIdsOf));
  const system: TextBlock[] = [];
  const turns: AnthropicMessage[] = [];
  messages.forEach((message, index) => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case 'system':
      case 'developer':
        requireTextParts(message.content, path);
        for (const block of toTextBlocks(message.content)) system.push(block);
        break;
      case 'user':
        turns.push({ role: 'user', content: toAnthropicContent(message.content, `${path}.content`) });
        break;
      case 'assistant':
        requireTextParts(message.content, path);
        turns.push({
          role: 'assistant',
          content: withThinking(
            toAssistantBlocks(message, path, ids),
            options.isThinking ? toThinkingBlocks(message) : [],
          ),
        });
        break;
      case 'tool': {
        const result: ToolResultBlock = {
          type: 'tool_result',
          tool_use_id: ids.ofResult(message.tool_call_id),
          ...toolResultContent(message.content, `${path}.content`),
        };
        turns.push({ role: 'user', content: [result] });
        break;
      }
      case 'function':
        throw new InvalidRequestError('Function messages are not supported by this model.', path);
    }
  });
  const merged = mergeTurns(withoutFinalThinking(mergeTurns(turns)));
  trimFinalAssistantTurn(merged);
  const spoken = merged.filter((turn) => turn.content.length > 0);
  return spoken.length === 0 && system.length > 0
    ? { system: [], messages: [{ role: 'user', content: system }] }
    : { system, messages: spoken };
}

function toolCallIdsOf(message: ChatCompletionMessageParam): string[] {
  if (message.role === 'tool') {
    return [message.tool_call_id];
  }
  return message.role === 'assistant' ? (message.tool_calls ?? []).map((toolCall) => toolCall.id) : [];
}

function toAssistantBlocks(message: AssistantMessage, path: string, ids: ToolUseIds): AssistantBlock[] {
  const toolUses = (message.tool_calls ?? []).map((toolCall, index): AssistantBlock => {
    const callPath = `${path}.tool_calls[${index}]`;
    if (toolCall.type !== 'function') {
      throw new InvalidRequestError('Custom tool calls are not supported by this model.', callPath);
    }
    return {
      type: 'tool_use',
      id: ids.ofCall(toolCall.id),
      name: toolCall.function.name,
      input: parseToolCallArguments(toolCall.function.arguments, `${callPath}.function.arguments`),
    };
  });
  return [...toTextBlocks(spokenContentOf(message)), ...toolUses];
}

/** Puts thinking back to the places it had: before the texts and calls that came after it. */
function withThinking(
  said: readonly AssistantBlock[],
  thinking: readonly PlacedThinking[],
): AssistantBlock[] {
  const blocks: AssistantBlock[] = [];
  let next = 0;
  for (const { index, block } of thinking) {
    // Several texts have become one, so there may be less than there was.
    while (blocks.length < index && next < said.length) {
      const before = said[next];
      if (before !== undefined) blocks.push(before);
      next += 1;
    }
    blocks.push(block);
  }
  return [...blocks, ...said.slice(next)];
}

function toolResultContent(
  content: Extract<ChatCompletionMessageParam, { role: 'tool' }>['content'],
  path: string,
): Pick<ToolResultBlock, 'content'> {
  if (typeof content === 'string') {
    return content === '' ? {} : { content };
  }
  // OpenAI's types have text alone here; clients send pictures too, and Anthropic takes them.
  const blocks = toAnthropicContent(content, path);
  return blocks.length === 0 ? {} : { content: blocks };
}

function mergeTurns(turns: readonly AnthropicMessage[]): AnthropicMessage[] {
  const merged: AnthropicMessage[] = [];
  for (const turn of turns) {
    if (turn.content.length === 0) {
      continue;
    }
    const last = merged.at(-1);
    if (last?.role === 'user' && turn.role === 'user') {
      for (const block of turn.content) last.content.push(block);
    } else if (last?.role === 'assistant' && turn.role === 'assistant') {
      for (const block of turn.content) last.content.push(block);
    } else {
      merged.push(turn);
    }
  }
  for (const turn of merged) {
    if (turn.role === 'user') {
      turn.content.sort((one, other) => rankInUserTurn(one.type) - rankInUserTurn(other.type));
    } else if (!turn.content.some(isThinking)) {
      // The order of an answer with thinking is Anthropic's own, and may not be changed.
      turn.content.sort((one, other) => rankInAssistantTurn(one.type) - rankInAssistantTurn(other.type));
    }
  }
  return merged;
}

const isThinking = ({ type }: AssistantBlock): boolean => type === 'thinking' || type === 'redacted_thinking';
const isNoThinking = (block: AssistantBlock): boolean => !isThinking(block);
const rankInUserTurn = (type: string): number => (type === 'tool_result' ? 0 : 1);
/** Tool results must follow the calls at once: nothing may stand after them in their turn. */
const rankInAssistantTurn = (type: string): number => (type === 'tool_use' ? 1 : 0);

function withoutFinalThinking(turns: readonly AnthropicMessage[]): readonly AnthropicMessage[] {
  return turns.map((turn) =>
    turn.role === 'user'
      ? turn
      : { ...turn, content: turn.content.slice(0, turn.content.findLastIndex(isNoThinking) + 1) },
  );
}

function trimFinalAssistantTurn(turns: readonly AnthropicMessage[]): void {
  const last = turns.at(-1);
  const lastBlock = last?.role === 'assistant' ? last.content.at(-1) : undefined;
  if (last?.role !== 'assistant' || lastBlock?.type !== 'text') {
    return;
  }
  const text = lastBlock.text.trimEnd();
  last.content.splice(-1, 1, ...(text === '' ? [] : [{ ...lastBlock, text }]));
}
