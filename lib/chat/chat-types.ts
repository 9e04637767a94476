import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionCreateParamsBase,
  ChatCompletionMessageParam,
} from 'openai/resources/chat/completions';
import type { CompletionUsage } from 'openai/resources/completions';

/** The shape inside is OpenAI's: these are the types of the official `openai` package, under our names. */
export type { ChatCompletion, ChatCompletionChunk, ChatCompletionMessageParam, CompletionUsage };

/**
 * A chat completion request as OpenAI's endpoint takes it; `model` may be left out, which means `auto`.
 *
 * @publicApi
 */
export type ChatRequest = Omit<ChatCompletionCreateParamsBase, 'model'> & {
  model?: string;
};

/** A chat request that has passed the one validation: `model` is set and every field has the type OpenAI gives it. */
export type ValidatedChatRequest = ChatRequest & { readonly model: string };

/**
 * Token counts of one attempt, in OpenAI's accounting: `promptTokens` includes cached and cache-write tokens,
 * `completionTokens` includes reasoning tokens.
 *
 * @publicApi
 */
export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens read from the provider's cache; part of `promptTokens`. */
  readonly cachedTokens: number;
  /** Prompt tokens written to the provider's cache at its own price (Anthropic); part of `promptTokens`. */
  readonly cacheWriteTokens: number;
  /** Thinking tokens; part of `completionTokens`. */
  readonly reasoningTokens: number;
}
