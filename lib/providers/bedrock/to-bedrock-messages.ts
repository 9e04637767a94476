import type { ChatCompletionMessageParam } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import { ToolUseIds } from '../anthropic/tool-use-ids.js';
import { spokenContentOf } from '../spoken-content.js';
import { requireTextParts } from '../require-text-parts.js';
import { parseToolCallArguments } from '../tool-call-arguments.js';
import type { AssistantBlock, BedrockMessage, SystemBlock, ToolResultBlock } from './bedrock-wire.js';
import { DocumentNames } from './document-names.js';
import { toReasoningBlocks } from './reasoning-details.js';
import { toBedrockContent, toTextBlocks, type ContentContext } from './to-bedrock-content.js';

export interface BedrockConversation {
  readonly system: readonly SystemBlock[];
  readonly messages: readonly BedrockMessage[];
}

export interface ConversationOptions {
  readonly takesCachePoints: boolean;
  /** Signed thinking of earlier turns goes along: only a model that is to think now takes it. */
  readonly keepsReasoning: boolean;
}

type AssistantMessage = Extract<ChatCompletionMessageParam, { role: 'assistant' }>;

const MAX_TOOL_USE_ID_LENGTH = 64;
/** What stands where Bedrock wants words and the client has none. */
const NOTHING_SAID = { text: '.' };
const NO_OUTPUT = { text: '(no output)' };
const SEE_DOCUMENT = { text: 'See the attached document.' };

/**
 * The conversation as Converse wants it: system and developer messages apart, from wherever they stand; roles in turn,
 * the user's first; all results of one assistant turn in one user turn, before anything else in it; tool calls last in
 * theirs; no blank texts; no thinking at the end of a turn; text beside every document; no white space at the end of a final assistant turn.
 *
 * Results of tools stay text, JSON too: Bedrock's `json` would write its numbers anew. A conversation of system messages
 * alone becomes a user turn, and one that begins with the assistant gets a user turn of a full stop before it: OpenAI
 * answers those too.
 *
 * @throws {@link InvalidRequestError} naming the place of what cannot be said.
 */
export function toBedrockConversation(
  messages: readonly ChatCompletionMessageParam[],
  { takesCachePoints, keepsReasoning }: ConversationOptions,
): BedrockConversation {
  const ids = new ToolUseIds(messages.flatMap(toolCallIdsOf), MAX_TOOL_USE_ID_LENGTH);
  const context: ContentContext = { documentNames: new DocumentNames(), takesCachePoints };
  const system: SystemBlock[] = [];
  const turns: BedrockMessage[] = [];
  messages.forEach((message, index) => {
    const path = `messages[${index}]`;
    switch (message.role) {
      case 'system':
      case 'developer':
        requireTextParts(message.content, path);
        for (const block of toTextBlocks(message.content, context)) system.push(block);
        break;
      case 'user':
        turns.push({ role: 'user', content: toBedrockContent(message.content, `${path}.content`, context) });
        break;
      case 'assistant':
        requireTextParts(message.content, path);
        turns.push({
          role: 'assistant',
          content: [
            ...(keepsReasoning ? toReasoningBlocks(message) : []),
            ...toTextBlocks(spokenContentOf(message), context),
            ...toToolUses(message, path, ids),
          ],
        });
        break;
      case 'tool':
        turns.push({
          role: 'user',
          content: [
            {
              toolResult: {
                toolUseId: ids.ofResult(message.tool_call_id),
                content: toResultContent(message.content, `${path}.content`, context),
              },
            },
          ],
        });
        break;
      case 'function':
        throw new InvalidRequestError('Function messages are not supported by this model.', path);
    }
  });
  const spoken = inTurn(turns);
  if (spoken.length === 0 && system.length > 0) {
    return { system: [], messages: [{ role: 'user', content: system }] };
  }
  return { system, messages: spoken };
}

function toolCallIdsOf(message: ChatCompletionMessageParam): string[] {
  if (message.role === 'tool') {
    return [message.tool_call_id];
  }
  return message.role === 'assistant' ? (message.tool_calls ?? []).map((toolCall) => toolCall.id) : [];
}

function toToolUses(message: AssistantMessage, path: string, ids: ToolUseIds): AssistantBlock[] {
  return (message.tool_calls ?? []).map((toolCall, index): AssistantBlock => {
    const callPath = `${path}.tool_calls[${index}]`;
    if (toolCall.type !== 'function') {
      throw new InvalidRequestError('Custom tool calls are not supported by this model.', callPath);
    }
    const { name, arguments: json } = toolCall.function;
    const input = parseToolCallArguments(json, `${callPath}.function.arguments`);
    return { toolUse: { toolUseId: ids.ofCall(toolCall.id), name, input } };
  });
}

/** OpenAI's types have text alone here; clients send pictures too, and Bedrock takes them. */
function toResultContent(
  content: Extract<ChatCompletionMessageParam, { role: 'tool' }>['content'],
  path: string,
  context: ContentContext,
): ToolResultBlock['toolResult']['content'] {
  // A cache mark may not stand inside of a result.
  const blocks = toBedrockContent(content, path, { ...context, takesCachePoints: false }).flatMap((block) =>
    'cachePoint' in block ? [] : [block],
  );
  return blocks.length === 0 ? [NO_OUTPUT] : blocks;
}

function inTurn(turns: readonly BedrockMessage[]): BedrockMessage[] {
  const merged = mergeTurns(mergeTurns(turns).map(withoutFinalReasoning));
  for (const turn of merged) arrange(turn);
  trimFinalAssistantTurn(merged);
  const spoken = merged.filter((turn) => turn.content.length > 0);
  if (spoken[0]?.role === 'assistant') spoken.unshift({ role: 'user', content: [NOTHING_SAID] });
  return spoken;
}

function mergeTurns(turns: readonly BedrockMessage[]): BedrockMessage[] {
  const merged: BedrockMessage[] = [];
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
  return merged;
}

/** Claude refuses thinking at the end of a turn; it stands there where a limit cut the answer within it. */
function withoutFinalReasoning(turn: BedrockMessage): BedrockMessage {
  if (turn.role === 'user') return turn;
  const end = turn.content.findLastIndex((block) => !('reasoningContent' in block)) + 1;
  return { ...turn, content: turn.content.slice(0, end) };
}

function arrange(turn: BedrockMessage): void {
  if (turn.role === 'assistant') {
    // Results must follow the calls at once: nothing may stand after them in their turn.
    turn.content.sort((one, other) => Number('toolUse' in one) - Number('toolUse' in other));
    return;
  }
  turn.content.sort((one, other) => Number('toolResult' in other) - Number('toolResult' in one));
  const hasDocument = turn.content.some((block) => 'document' in block);
  if (hasDocument && !turn.content.some((block) => 'text' in block)) turn.content.push(SEE_DOCUMENT);
}

function trimFinalAssistantTurn(turns: readonly BedrockMessage[]): void {
  const last = turns.at(-1);
  const lastBlock = last?.role === 'assistant' ? last.content.at(-1) : undefined;
  if (last?.role !== 'assistant' || lastBlock === undefined || !('text' in lastBlock)) {
    return;
  }
  const text = lastBlock.text.trimEnd();
  last.content.splice(-1, 1, ...(text === '' ? [] : [{ text }]));
}
