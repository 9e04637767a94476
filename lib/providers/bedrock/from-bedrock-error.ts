import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';
import { nonEmptyTextOf, objectOf, textOf } from '../json-reading.js';
import type { WireFailure } from '../provider-adapter.js';
import { identifierOf, kindOfStatus, saysContextLength } from '../provider-error-fields.js';
import { parseRetryAfter } from '../retry-after.js';

interface NamedError {
  readonly status: number;
  /** Undefined: what the status says. */
  readonly kind?: ProviderErrorKind;
}

const REFUSED_CREDENTIALS: NamedError = { status: 403, kind: 'authentication' };

/**
 * The errors of Bedrock Runtime's API reference (Converse, ConverseStream, common errors) by their names in lower case:
 * HTTP has them with a capital letter, an event in a stream without.
 */
const ERRORS: ReadonlyMap<string, NamedError> = new Map<string, NamedError>([
  ['validationexception', { status: 400 }],
  ['servicequotaexceededexception', { status: 400, kind: 'rate_limited' }],
  ['accessdeniedexception', { status: 403 }],
  ['resourcenotfoundexception', { status: 404 }],
  ['modeltimeoutexception', { status: 408 }],
  ['conflictexception', { status: 409 }],
  ['modelerrorexception', { status: 424, kind: 'server_error' }],
  ['modelstreamerrorexception', { status: 424, kind: 'server_error' }],
  ['throttlingexception', { status: 429 }],
  ['throttling', { status: 429 }],
  ['toomanyrequestsexception', { status: 429 }],
  // The model is being loaded: no fault of the rate.
  ['modelnotreadyexception', { status: 429, kind: 'overloaded' }],
  ['internalserverexception', { status: 500 }],
  ['internalfailure', { status: 500 }],
  ['serviceunavailableexception', { status: 503 }],
  ['serviceunavailable', { status: 503 }],
  ['unrecognizedclientexception', REFUSED_CREDENTIALS],
  ['invalidclienttokenid', REFUSED_CREDENTIALS],
  ['expiredtokenexception', REFUSED_CREDENTIALS],
  ['expiredtoken', REFUSED_CREDENTIALS],
  ['requestexpired', REFUSED_CREDENTIALS],
  ['invalidsignatureexception', REFUSED_CREDENTIALS],
  ['signaturedoesnotmatch', REFUSED_CREDENTIALS],
  ['incompletesignature', REFUSED_CREDENTIALS],
  ['incompletesignatureexception', REFUSED_CREDENTIALS],
  ['missingauthenticationtoken', REFUSED_CREDENTIALS],
  ['missingauthenticationtokenexception', REFUSED_CREDENTIALS],
  ['notauthorized', { status: 403 }],
  ['optinrequired', { status: 403 }],
]);

/**
 * Maps a failed answer: the error's name from the header `x-amzn-errortype` or `__type`, its sentence from `message`.
 * The status goes before the one the name stands for.
 */
export function fromBedrockFailure({ status, headers, body }: WireFailure): ProviderError {
  const retryAfterMs = parseRetryAfter(headers, Date.now());
  const name = nameOf(headers['x-amzn-errortype']) ?? nameOf(objectOf(body)?.__type);
  const named = status < 400 ? ERRORS.get((name ?? '').toLowerCase())?.status : undefined;
  return toProviderError(name, body, named ?? status, retryAfterMs);
}

/** Maps an exception in a stream: the status is the one its name stands for, 500 for a name yet to come. */
export function fromBedrockException(body: unknown): ProviderError {
  const name = nameOf(objectOf(body)?.__type);
  return toProviderError(name, body, ERRORS.get((name ?? '').toLowerCase())?.status ?? 500, undefined);
}

/** `ValidationException:http://…` in the header, `com.amazon.coral.service#ValidationException` in the body. */
function nameOf(value: unknown): string | undefined {
  const text = textOf(value)?.split(':')[0]?.split('#').at(-1);
  return identifierOf(text);
}

function toProviderError(
  name: string | undefined,
  body: unknown,
  status: number,
  retryAfterMs: number | undefined,
): ProviderError {
  const fields = objectOf(body);
  const message = nonEmptyTextOf(fields?.message) ?? nonEmptyTextOf(fields?.Message) ?? nonEmptyTextOf(body);
  return new ProviderError({
    kind: kindOf(name, status, message),
    status,
    providerCode: name,
    retryAfterMs,
    providerMessage: message,
  });
}

function kindOf(name: string | undefined, status: number, message = ''): ProviderErrorKind {
  const named = ERRORS.get((name ?? '').toLowerCase());
  if (named?.kind !== undefined) {
    return named.kind;
  }
  if (status === 400) {
    return kindOfValidation(message);
  }
  if (status === 403) {
    return kindOfRefusal(message);
  }
  return status === 424 ? 'server_error' : kindOfStatus(status);
}

/** Everything Bedrock or a model refuses is a `ValidationException`: the sentence alone tells what it is. */
function kindOfValidation(message: string): ProviderErrorKind {
  if (
    saysContextLength(message) ||
    /input is too long|input tokens exceed|exceed context limit/i.test(message)
  ) {
    return 'context_length';
  }
  if (/doesn.t support the toolConfig/i.test(message)) {
    // Of a model whose name does not tell what it takes: another deployment may.
    return 'not_found';
  }
  if (
    /model identifier is invalid|on-demand throughput isn.t supported|model .{0,80}end of its life/i.test(
      message,
    )
  ) {
    // A fault of the configuration, not of the request: another deployment may serve it.
    return 'not_found';
  }
  if (/operation not allowed/i.test(message)) {
    return 'permission';
  }
  return /content filtering policy/i.test(message) ? 'content_filter' : 'invalid_request';
}

function kindOfRefusal(message: string): ProviderErrorKind {
  if (/security token|signature|api key|authentication failed|bearer token/i.test(message)) {
    return 'authentication';
  }
  return /INVALID_PAYMENT_INSTRUMENT|payment/i.test(message) ? 'billing' : 'permission';
}
