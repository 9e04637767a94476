import { ProviderError } from '../../errors/provider-error.js';
import type { ProviderErrorKind } from '../../errors/provider-error-kind.js';
import {
  isJsonObject,
  nonEmptyTextOf,
  objectOf,
  parseJson,
  textOf,
  type JsonObject,
} from '../json-reading.js';
import { fromOpenAiErrorObject, fromOpenAiFailure } from '../openai/from-openai-error.js';
import { identifierOf } from '../provider-error-fields.js';
import { toProviderError } from '../to-provider-error.js';

/** The longest body of an error that is looked into; providers' own are a few hundred characters. */
const MAX_BODY_CHARACTERS = 256 * 1024;
/** `RetryError` holds the last of several, which may be another. */
const MAX_NESTING = 5;

interface Meaning {
  readonly kind: ProviderErrorKind;
  readonly providerCode: string;
  /** An answer had begun: it was generated, and will be billed. */
  readonly status?: number;
}

const BAD_ANSWER = { kind: 'bad_response', status: 200 } as const;

/**
 * The AI SDK's errors by their names, which are the same in every copy and version of `@ai-sdk/provider`
 * (https://ai-sdk.dev/docs/reference/ai-sdk-errors). Those of a call are told by their status instead.
 */
const MEANING_OF_NAME: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['AI_LoadAPIKeyError', { kind: 'authentication', providerCode: 'load_api_key' }],
  ['AI_LoadSettingError', { kind: 'authentication', providerCode: 'load_setting' }],
  ['AI_NoSuchModelError', { kind: 'not_found', providerCode: 'no_such_model' }],
  ['AI_NoSuchProviderError', { kind: 'not_found', providerCode: 'no_such_provider' }],
  ['AI_UnsupportedModelVersionError', { kind: 'bad_response', providerCode: 'unsupported_model_version' }],
  // Thrown while the request is made: this model cannot say it, another may.
  ['AI_UnsupportedFunctionalityError', { kind: 'bad_response', providerCode: 'unsupported_functionality' }],
  ['AI_InvalidPromptError', { kind: 'invalid_request', providerCode: 'invalid_prompt' }],
  ['AI_InvalidArgumentError', { kind: 'invalid_request', providerCode: 'invalid_argument' }],
  ['AI_InvalidResponseDataError', { ...BAD_ANSWER, providerCode: 'invalid_response_data' }],
  ['AI_EmptyResponseBodyError', { ...BAD_ANSWER, providerCode: 'empty_body' }],
  ['AI_NoContentGeneratedError', { ...BAD_ANSWER, providerCode: 'no_content_generated' }],
  ['AI_JSONParseError', { ...BAD_ANSWER, providerCode: 'not_json' }],
  ['AI_TypeValidationError', { ...BAD_ANSWER, providerCode: 'type_validation' }],
]);

/**
 * Turns whatever a model of the AI SDK threw, or put into its stream as an `error` part, into a {@link ProviderError}.
 * The original is not kept, not even as `cause`: an `APICallError` carries the address, the headers and the prompt. Of
 * its texts only the provider's own sentence goes along, where `ProviderError` keeps it from being printed.
 *
 * - `APICallError`, and any other error with a status: by the status, the body and `retry-after`, as an OpenAI-shaped
 *   failure is. Without a status no connection came about. Where the provider says that it `isRetryable`, it is no
 *   fault of the caller's.
 * - the rest by their names: a missing key is `authentication`, an unknown model `not_found`, an answer that is not what
 *   the provider expects `bad_response`, and so is a request that this model has no words for;
 * - a text or an object in the stream: by what it says itself, else `server_error`;
 * - any other error: `timeout` for an abort that is not ours, `connection` where it has the code of a lost connection, else
 *   `server_error`.
 *
 * An abort of ours is not looked for here: ask the signal first.
 */
export function fromAiSdkError(error: unknown): ProviderError {
  try {
    return translate(error, 0);
  } catch {
    // An object may throw at being looked at.
    return new ProviderError({ kind: 'server_error', providerCode: 'unreadable_error' });
  }
}

function translate(error: unknown, nesting: number): ProviderError {
  if (error instanceof ProviderError) return error;
  const fields = objectOf(error);
  if (fields === undefined) {
    return fromOpenAiErrorObject(error);
  }
  const name = textOf(fields.name) ?? '';
  if (fields.lastError !== undefined && nesting < MAX_NESTING)
    return translate(fields.lastError, nesting + 1);
  const status =
    statusOf(fields.statusCode) ?? (error instanceof Error ? statusOf(fields.status) : undefined);
  if (status !== undefined) return fromFailure(fields, status);
  if (name === 'AI_APICallError') return toProviderError(fields.cause);
  const meaning = MEANING_OF_NAME.get(name);
  if (meaning !== undefined) {
    return new ProviderError({ ...meaning, providerMessage: messageOf(fields, meaning.kind) });
  }
  // What stood in the stream as it was sent: `{ type, message, code }`, with `error` around it or without.
  if (!(error instanceof Error)) return fromOpenAiErrorObject(error);
  if (name === 'AbortError' || name === 'TimeoutError') {
    return new ProviderError({ kind: 'timeout', providerCode: 'aborted_by_provider' });
  }
  const lost = toProviderError(error);
  return lost.providerCode === undefined
    ? new ProviderError({ kind: 'server_error', providerCode: identifierOf(name) })
    : lost;
}

/** Only where the caller is to be told: elsewhere nobody reads it. */
function messageOf(fields: JsonObject, kind: ProviderErrorKind): string | undefined {
  return kind === 'invalid_request' ? nonEmptyTextOf(fields.message) : undefined;
}

function statusOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 100 && value < 600
    ? value
    : undefined;
}

function fromFailure(fields: JsonObject, status: number): ProviderError {
  const failure = fromOpenAiFailure({
    status,
    headers: headersOf(fields.responseHeaders),
    body: bodyOf(fields),
  });
  const isMisjudged = fields.isRetryable === true && failure.kind === 'invalid_request';
  return isMisjudged
    ? new ProviderError({
        kind: 'server_error',
        status,
        providerCode: failure.providerCode,
        retryAfterMs: failure.retryAfterMs,
      })
    : failure;
}

/** The body as it came, or what the AI SDK has read out of it, or the sentence it made of it. */
function bodyOf({ responseBody, data, message }: JsonObject): unknown {
  const text = nonEmptyTextOf(responseBody);
  const parsed = text === undefined || text.length > MAX_BODY_CHARACTERS ? undefined : parseJson(text);
  // Google's may come as a list of one.
  const body: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  if (isJsonObject(body)) return body;
  return isJsonObject(data) ? data : nonEmptyTextOf(message);
}

function headersOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(objectOf(value) ?? {}).flatMap(([name, header]) =>
      typeof header === 'string' ? [[name.toLowerCase(), header]] : [],
    ),
  );
}
