import type { ChatCompletion, ChatCompletionChunk } from '../chat/chat-types.js';

/** What OpenAI-shaped answers of other makers carry beyond OpenAI's types. Clients that do not know them skip them. */

/** The place Google's own OpenAI endpoint uses for the signature of one tool call, or of the text. */
export interface ToolCallExtraContent {
  readonly google?: { readonly thought_signature?: string };
}

/** A tool call of an answer, with the provider's own extras. */
export type ExtendedToolCall = Extract<
  NonNullable<ChatCompletion.Choice['message']['tool_calls']>[number],
  { type: 'function' }
> & { extra_content?: ToolCallExtraContent };

/**
 * One piece of a model's thinking in the form in which it can be given back to its maker, as OpenRouter has it
 * (https://openrouter.ai/docs/use-cases/reasoning-tokens, `reasoning_details`): text with its signature, or what is
 * encrypted. `format` says whose it is; only that maker can read it.
 */
export interface ReasoningDetail {
  readonly type: 'reasoning.text' | 'reasoning.encrypted';
  readonly format: string;
  /** Its place among the blocks of the answer, texts and tool calls counted. */
  readonly index: number;
  readonly text?: string;
  readonly signature?: string;
  readonly data?: string;
}

/** What providers add to an assistant message. */
interface MessageExtensions {
  /** The model's thinking, in the field DeepSeek introduced. */
  reasoning_content?: string;
  /** The same with signatures: give it back, and the model goes on thinking where it was. */
  reasoning_details?: readonly ReasoningDetail[];
  /** The signature of the text. */
  extra_content?: ToolCallExtraContent;
}

export type ExtendedMessage = ChatCompletion.Choice['message'] & MessageExtensions;

/**
 * A piece of a tool call. Calls of custom tools are streamed too, which OpenAI's types leave out: the first piece has
 * id, type and name, the later ones a piece of `input`.
 */
export type ExtendedToolCallDelta = Omit<ChatCompletionChunk.Choice.Delta.ToolCall, 'type'> & {
  type?: 'function' | 'custom';
  custom?: { name?: string; input?: string };
  extra_content?: ToolCallExtraContent;
};

export type ExtendedDelta = Omit<ChatCompletionChunk.Choice.Delta, 'tool_calls'> &
  MessageExtensions & { tool_calls?: ExtendedToolCallDelta[] };

export type FinishReason = ChatCompletion.Choice['finish_reason'];
