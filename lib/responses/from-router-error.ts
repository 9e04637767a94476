import type { ResponseError } from 'openai/resources/responses/responses';
import type { LlmRouterError, LlmRouterErrorCode } from '../errors/llm-router-error.js';

/** The codes of a failed response are a closed list of OpenAI's; ours stand in the `error` event before it. */
const CODES: Partial<Record<LlmRouterErrorCode, ResponseError['code']>> = {
  rate_limit_exceeded: 'rate_limit_exceeded',
  content_filter: 'invalid_prompt',
  context_length_exceeded: 'invalid_prompt',
  upstream_rejected: 'invalid_prompt',
};

/**
 * What ended a response after it had begun.
 *
 * Source: OpenAI API reference, Responses, `error.code`.
 */
export function fromRouterError(error: LlmRouterError): ResponseError {
  return { code: CODES[error.code] ?? 'server_error', message: error.message };
}
