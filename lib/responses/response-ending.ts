import type { Response } from 'openai/resources/responses/responses';

/** How a response, or an item of it, ended. */
export interface ResponseEnding {
  readonly status: 'completed' | 'incomplete';
  readonly incomplete_details: Response['incomplete_details'];
}

/**
 * A chat completion's finish reason as the end of a response.
 *
 * Source: OpenAI API reference, Responses, `status` and `incomplete_details.reason`.
 */
export function toResponseEnding(finishReason: string | null | undefined): ResponseEnding {
  if (finishReason === 'length') {
    return { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
  }
  if (finishReason === 'content_filter') {
    return { status: 'incomplete', incomplete_details: { reason: 'content_filter' } };
  }
  return { status: 'completed', incomplete_details: null };
}
