import { ProviderError } from '../../errors/provider-error.js';
import { isJsonObject, objectOf, textOf } from '../json-reading.js';
import { identifierOf } from '../provider-error-fields.js';

/** An OAuth error (`invalid_grant`) or a code of Node's (`ECONNREFUSED`). */
const CODE = /^(?:[a-z]+(?:_[a-z]+)+|E[A-Z0-9_]{2,40}|ERR_[A-Z0-9_]{2,60})$/;

/**
 * Why Google's library gave no token, as an error of kind `authentication`. Its own words go: they may hold parts of
 * keys, file paths and answers of token servers. The code is OAuth's (`invalid_grant`), Node's (`ECONNREFUSED`), or
 * `no_credentials`.
 */
export function toCredentialsError(error: unknown): ProviderError {
  return new ProviderError({ kind: 'authentication', providerCode: codeOf(error) });
}

function codeOf(error: unknown): string {
  if (!isObject(error)) return 'no_credentials';
  const response = 'response' in error ? objectOf(error.response) : undefined;
  const causes = [
    // STS answers with a text, OAuth's JSON in it, or with an object.
    textOf(objectOf(response?.data)?.error),
    'code' in error ? error.code : undefined,
    'cause' in error && isJsonObject(error.cause) ? error.cause.code : undefined,
    error instanceof Error ? /^Error code ([a-z_]{3,40})\b/.exec(error.message)?.[1] : undefined,
  ];
  const known = causes.find((cause) => typeof cause === 'string' && CODE.test(cause));
  return identifierOf(known) ?? 'no_credentials';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
