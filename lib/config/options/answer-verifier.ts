import type {
  ChatCompletion,
  ChatCompletionCreateParamsNonStreaming,
} from 'openai/resources/chat/completions';

/**
 * Says whether an answer is good enough; if not, the next harder rule is asked.
 *
 * @publicApi
 */
export type AnswerVerifier = (
  answer: ChatCompletion,
  request: ChatCompletionCreateParamsNonStreaming,
  call: { readonly signal: AbortSignal },
) => boolean | Promise<boolean>;
