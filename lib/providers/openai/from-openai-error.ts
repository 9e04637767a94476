import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';
import { isJsonObject, listOf, nonEmptyTextOf, objectOf, textOf, type JsonObject } from '../json-reading.js';
import type { WireFailure } from '../provider-adapter.js';
import { fieldPathOf, identifierOf, kindOfStatus, saysContextLength } from '../provider-error-fields.js';
import { parseRetryAfter } from '../retry-after.js';
import { retryInfoInTextMs, retryInfoMs } from '../retry-info.js';

/** Codes and types that say more than the status they come with. In lower case. */
const KIND_OF_CODE: ReadonlyMap<string, ProviderErrorKind> = new Map<string, ProviderErrorKind>([
  ['context_length_exceeded', 'context_length'],
  ['content_filter', 'content_filter'],
  ['content_policy_violation', 'content_filter'],
  ['responsibleaipolicyviolation', 'content_filter'],
  ['insufficient_quota', 'billing'],
  ['billing_not_active', 'billing'],
  ['billing_hard_limit_reached', 'billing'],
  ['invalid_api_key', 'authentication'],
  ['model_not_found', 'not_found'],
  ['rate_limit_exceeded', 'rate_limited'],
  ['request_too_large', 'request_too_large'],
  // Groq's, under 400: the model wrote a call or JSON that is none. Another may do better with the same request.
  ['tool_use_failed', 'bad_response'],
  ['json_validate_failed', 'bad_response'],
]);

/** The statuses that error types stand for where an error comes without one: inside a stream or a 200. */
const STATUS_OF_TYPE: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['context_length_exceeded', 400],
  ['content_filter', 400],
  ['authentication_error', 401],
  ['invalid_api_key', 401],
  ['permission_error', 403],
  ['permission_denied', 403],
  ['not_found_error', 404],
  ['model_not_found', 404],
  ['insufficient_quota', 429],
  ['rate_limit_error', 429],
  ['rate_limit_exceeded', 429],
  ['overloaded_error', 503],
  ['overloaded', 503],
]);

/**
 * Maps a failed answer of OpenAI or an imitator. Bodies come as `{ error: { message, type, param, code } }`
 * (OpenAI), `{ error: "text", code }` (xAI), `{ detail }` (Mistral), `{ message }`, `[{ error }]` with the wait in
 * `details` (Google's compatible endpoint), or as HTML from an edge.
 * A code that names the trouble goes before the status: `insufficient_quota` is a 429 that waiting does not cure.
 * Under a status that is no failure (200) an error in the body is mapped by what it says itself.
 */
export function fromOpenAiFailure(failure: WireFailure): ProviderError {
  const error = failure.status < 400 ? findOpenAiError(objectOf(failure.body) ?? {}) : undefined;
  if (error !== undefined) {
    return fromOpenAiErrorObject(error);
  }
  return toProviderError(
    readErrorFields(failure.body),
    failure.status,
    parseRetryAfter(failure.headers, Date.now()),
  );
}

/**
 * Maps an error that came with status 200, in the body or in the middle of a stream. The status is the one the error
 * names (OpenRouter: `code`, Groq: `status_code`) or its type stands for, else 500.
 */
export function fromOpenAiErrorObject(body: unknown): ProviderError {
  const fields = readErrorFields(body);
  const status = [fields.code, fields.statusCode]
    // Number() throws for objects that have no text.
    .map((value) => (typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN))
    .find((value) => value >= 400 && value < 600);
  const known = [fields.code, fields.type]
    .map((name) => (typeof name === 'string' ? STATUS_OF_TYPE.get(name.toLowerCase()) : undefined))
    .find((value) => value !== undefined);
  return toProviderError(fields, status ?? known ?? 500, undefined);
}

/**
 * The error inside a body with status 200 or a stream's chunk; undefined where there is none. Besides `error`: vLLM's
 * `object: "error"`, Groq's own field, and the `error` of a choice (OpenRouter).
 */
export function findOpenAiError(body: JsonObject): unknown {
  const groqError = objectOf(body.x_groq)?.error;
  if (body.error !== undefined && body.error !== null) {
    return body;
  }
  if (body.object === 'error') {
    return body;
  }
  if (groqError !== undefined && groqError !== null) {
    return { error: groqError };
  }
  const choiceError = listOf(body.choices)
    .map((choice) => objectOf(objectOf(choice)?.error))
    .find((error) => error !== undefined);
  return choiceError === undefined ? undefined : { error: choiceError };
}

interface ErrorFields {
  readonly message: string | undefined;
  readonly code: unknown;
  readonly type: unknown;
  readonly param: unknown;
  readonly innerCode: unknown;
  readonly statusCode: unknown;
  /** The wait named in the body (Google). */
  readonly retryInfoMs: number | undefined;
}

function readErrorFields(body: unknown): ErrorFields {
  const outer = objectOf(Array.isArray(body) ? listOf(body)[0] : body) ?? {};
  const error: JsonObject = isJsonObject(outer.error) ? outer.error : outer;
  const message =
    textOf(error.message) ??
    nonEmptyTextOf(outer.error) ??
    nonEmptyTextOf(outer.detail) ??
    nonEmptyTextOf(body);
  return {
    message,
    retryInfoMs: retryInfoMs(error.details) ?? retryInfoInTextMs(message),
    code: error.code,
    type: error.type,
    param: error.param,
    innerCode: objectOf(error.innererror)?.code,
    statusCode: error.status_code ?? error.status,
  };
}

function toProviderError(
  fields: ErrorFields,
  status: number,
  retryAfterMs: number | undefined,
): ProviderError {
  return new ProviderError({
    kind: kindOf(fields, status),
    status,
    providerCode: identifierOf(fields.code) ?? identifierOf(fields.type),
    param: fieldPathOf(fields.param),
    retryAfterMs: retryAfterMs ?? fields.retryInfoMs,
    providerMessage: fields.message,
  });
}

function kindOf(fields: ErrorFields, status: number): ProviderErrorKind {
  const isClientFault = status >= 400 && status < 500;
  if (!isClientFault) {
    return kindOfStatus(status);
  }
  for (const code of [fields.code, fields.type, fields.innerCode]) {
    const kind = typeof code === 'string' ? KIND_OF_CODE.get(code.toLowerCase()) : undefined;
    if (kind !== undefined) {
      return kind;
    }
  }
  if ((status === 400 || status === 413 || status === 422) && saysContextLength(fields.message)) {
    return 'context_length';
  }
  // xAI and Google answer a wrong key with 400.
  if (status === 400 && /(?:incorrect|invalid) api key|api key not valid/i.test(fields.message ?? '')) {
    return 'authentication';
  }
  return kindOfStatus(status);
}
