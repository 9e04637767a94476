import type { ChatCompletion, ChatCompletionChunk } from '../chat/chat-types.js';

/** What OpenAI-shaped answers of other makers carry beyond OpenAI's types. Clients that do not know them skip them. */

/** The place Google's own OpenAI endpoint uses for what belongs to one tool call alone. */
export interface ToolCallExtraContent {
  readonly google?: { readonly thought_signature?: string };
}

/** A tool call of an answer, with the provider's own extras. */
export type ExtendedToolCall = Extract<
  NonNullable<ChatCompletion.Choice['message']['tool_calls']>[number],
  { type: 'function' }
> & { extra_content?: ToolCallExtraContent };

/** An assistant message with the model's thinking, in the field DeepSeek introduced. */
export type ExtendedMessage = ChatCompletion.Choice['message'] & { reasoning_content?: string };

export type ExtendedToolCallDelta = ChatCompletionChunk.Choice.Delta.ToolCall & {
  extra_content?: ToolCallExtraContent;
};

export type ExtendedDelta = ChatCompletionChunk.Choice.Delta & { reasoning_content?: string };

export type FinishReason = ChatCompletion.Choice['finish_reason'];
