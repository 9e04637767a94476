import { InternalError } from '../errors/internal-error.js';
import { LlmRouterError } from '../errors/llm-router-error.js';

export interface ErrorAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: Readonly<Record<string, string | null>> };
}

/** OpenAI's error body. */
export function errorBody(error: LlmRouterError): ErrorAnswer['body'] {
  return {
    error: {
      message: error.message,
      type: error.type,
      param: error.param ?? null,
      code: error.code,
    },
  };
}

/** Whatever was thrown, as an answer in OpenAI's shape, with the headers by which SDKs decide on a retry. */
export function errorAnswer(thrown: unknown): ErrorAnswer {
  const error = LlmRouterError.isInstance(thrown) ? thrown : new InternalError();
  const headers: Record<string, string> = {};
  if (error.retryAfterMs !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000)));
    headers['retry-after-ms'] = String(Math.ceil(error.retryAfterMs));
  }
  if (error.shouldRetry !== undefined) headers['x-should-retry'] = String(error.shouldRetry);
  if (error.decisionId !== undefined) {
    headers['x-llm-decision-id'] = error.decisionId;
    headers['x-request-id'] = error.decisionId;
  }
  if (error.status === 401) headers['www-authenticate'] = 'Bearer';
  return { status: error.status, headers, body: errorBody(error) };
}
