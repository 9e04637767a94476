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

/**
 * A piece of thinking as its provider wants it back, in the field OpenRouter introduced: with its signature, or readable
 * to the provider alone. Clients that keep it and send it back let a model go on thinking between tool calls.
 */
export type ReasoningDetail =
  | {
      readonly type: 'reasoning.text';
      readonly text: string;
      readonly signature: string;
      /** Whose signature it is. */
      readonly format: string;
      /** The block's number in its message. */
      readonly index: number;
    }
  | {
      readonly type: 'reasoning.encrypted';
      readonly data: string;
      readonly format: string;
      readonly index: number;
    };

/** An assistant message with the model's thinking, in the field DeepSeek introduced. */
export type ExtendedMessage = ChatCompletion.Choice['message'] & {
  reasoning_content?: string;
  reasoning_details?: readonly ReasoningDetail[];
};

export type ExtendedToolCallDelta = ChatCompletionChunk.Choice.Delta.ToolCall & {
  extra_content?: ToolCallExtraContent;
};

export type ExtendedDelta = ChatCompletionChunk.Choice.Delta & {
  reasoning_content?: string;
  reasoning_details?: readonly ReasoningDetail[];
};

export type FinishReason = ChatCompletion.Choice['finish_reason'];
