import type { ChatCompletionMessageParam } from '../chat/chat-types.js';

type AssistantMessage = Extract<ChatCompletionMessageParam, { role: 'assistant' }>;

/**
 * What an assistant turn of the history said. A refusal is something that was said: OpenAI's answers have it in
 * `refusal` beside `content: null`, and clients send both back. Other wires know words alone.
 */
export function spokenContentOf({ content, refusal }: AssistantMessage): AssistantMessage['content'] {
  if (!refusal) {
    return content;
  }
  const said = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : (content ?? []);
  return [...said, { type: 'refusal', refusal }];
}
