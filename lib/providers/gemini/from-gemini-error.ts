import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';
import {
  countOf,
  isJsonObject,
  listOf,
  nonEmptyTextOf,
  objectOf,
  textOf,
  type JsonObject,
} from '../json-reading.js';
import type { WireFailure } from '../provider-adapter.js';
import { fieldPathOf, identifierOf, kindOfStatus, saysContextLength } from '../provider-error-fields.js';
import { parseRetryAfter } from '../retry-after.js';
import { retryInfoMs } from '../retry-info.js';

/** HTTP statuses of google.rpc codes, for an error without a numeric code. */
const STATUS_OF_CODE: ReadonlyMap<string, number> = new Map([
  ['INVALID_ARGUMENT', 400],
  ['FAILED_PRECONDITION', 400],
  ['OUT_OF_RANGE', 400],
  ['UNAUTHENTICATED', 401],
  ['PERMISSION_DENIED', 403],
  ['NOT_FOUND', 404],
  ['ABORTED', 409],
  ['RESOURCE_EXHAUSTED', 429],
  ['UNAVAILABLE', 503],
  ['DEADLINE_EXCEEDED', 504],
]);

/** Reasons in `google.rpc.ErrorInfo` that say more than the status. */
const KIND_OF_REASON: ReadonlyMap<string, ProviderErrorKind> = new Map<string, ProviderErrorKind>([
  ['API_KEY_INVALID', 'authentication'],
  ['API_KEY_SERVICE_BLOCKED', 'permission'],
  ['SERVICE_DISABLED', 'permission'],
  ['BILLING_DISABLED', 'billing'],
]);

/**
 * Maps a failed answer: `{ error: { code, message, status, details } }`, from a stream also as `[{ error }]`.
 *
 * A wrong key is a 400 with the reason `API_KEY_INVALID`. `FAILED_PRECONDITION` (the country is not served, no
 * billing for it) is `permission`: the request is right, our account may not send it. The wait of a 429 stands in
 * `google.rpc.RetryInfo`.
 * Under a status that is no failure (200) an error in the body is mapped by what it says itself.
 */
export function fromGeminiFailure(failure: WireFailure): ProviderError {
  if (failure.status < 400 && Object.keys(errorOf(failure.body)).length > 0) {
    return fromGeminiErrorObject(failure.body);
  }
  return toProviderError(failure.body, failure.status, parseRetryAfter(failure.headers, Date.now()));
}

/** Maps an error object inside a stream; 500 where it names no code. */
export function fromGeminiErrorObject(body: unknown): ProviderError {
  const error = errorOf(body);
  const code = countOf(error.code);
  const status =
    code !== undefined && code >= 400 && code < 600 ? code : STATUS_OF_CODE.get(textOf(error.status) ?? '');
  return toProviderError(body, status ?? 500, undefined);
}

function errorOf(body: unknown): JsonObject {
  const outer = objectOf(Array.isArray(body) ? listOf(body)[0] : body);
  return objectOf(outer?.error) ?? {};
}

function toProviderError(body: unknown, status: number, retryAfterMs: number | undefined): ProviderError {
  const error = errorOf(body);
  const details = listOf(error.details).filter(isJsonObject);
  const reason = details.map((detail) => textOf(detail.reason)).find((value) => value !== undefined);
  const message = textOf(error.message) ?? nonEmptyTextOf(body);
  const code = textOf(error.status);
  return new ProviderError({
    kind: kindOf(status, code, reason, message),
    status,
    providerCode: identifierOf(reason) ?? identifierOf(code),
    param: fieldOf(details),
    retryAfterMs: retryAfterMs ?? retryInfoMs(details),
    providerMessage: message,
  });
}

function kindOf(
  status: number,
  code: string | undefined,
  reason: string | undefined,
  message: string | undefined,
): ProviderErrorKind {
  const known = KIND_OF_REASON.get(reason ?? '');
  if (known !== undefined) {
    return known;
  }
  if (status !== 400) {
    return kindOfStatus(status);
  }
  if (code === 'FAILED_PRECONDITION') {
    return 'permission';
  }
  return saysContextLength(message) ? 'context_length' : 'invalid_request';
}

/** The first field `google.rpc.BadRequest` names. */
function fieldOf(details: readonly JsonObject[]): string | undefined {
  const violations = details.flatMap((detail) => listOf(detail.fieldViolations).filter(isJsonObject));
  return fieldPathOf(violations[0]?.field);
}
