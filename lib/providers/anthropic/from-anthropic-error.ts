import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';
import { nonEmptyTextOf, objectOf, textOf } from '../json-reading.js';
import type { WireFailure } from '../provider-adapter.js';
import { identifierOf, kindOfStatus, saysContextLength } from '../provider-error-fields.js';
import { parseRetryAfter } from '../retry-after.js';

/** The HTTP statuses that Anthropic's error types go with: an error event in a stream has only its type. */
const STATUS_OF_TYPE: ReadonlyMap<string, number> = new Map([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529],
]);

/**
 * Maps a failed answer: `{ type: "error", error: { type, message } }`, or HTML from the edge (413).
 * Under a status that is no failure (200) an error in the body is mapped by what it says itself.
 */
export function fromAnthropicFailure(failure: WireFailure): ProviderError {
  if (failure.status < 400 && objectOf(objectOf(failure.body)?.error) !== undefined) {
    return fromAnthropicErrorEvent(failure.body);
  }
  return toProviderError(failure.body, failure.status, parseRetryAfter(failure.headers, Date.now()));
}

/** Maps an error event: the status is the one its type stands for, 500 for a type yet to come. */
export function fromAnthropicErrorEvent(body: unknown): ProviderError {
  const type = textOf(objectOf(objectOf(body)?.error)?.type);
  return toProviderError(body, STATUS_OF_TYPE.get(type ?? '') ?? 500, undefined);
}

function toProviderError(body: unknown, status: number, retryAfterMs: number | undefined): ProviderError {
  const error = objectOf(objectOf(body)?.error);
  const message = textOf(error?.message) ?? nonEmptyTextOf(body);
  return new ProviderError({
    kind: kindOf(status, message),
    status,
    providerCode: identifierOf(error?.type),
    retryAfterMs,
    providerMessage: message,
  });
}

/** A 400 is told apart by its sentence: there is no code beside `invalid_request_error`. */
function kindOf(status: number, message: string | undefined): ProviderErrorKind {
  if (status !== 400 || message === undefined) {
    return kindOfStatus(status);
  }
  if (saysContextLength(message) || /exceed context limit/i.test(message)) {
    return 'context_length';
  }
  if (/credit balance is too low|specified API usage limits/i.test(message)) {
    return 'billing';
  }
  return /content filtering policy/i.test(message) ? 'content_filter' : 'invalid_request';
}
