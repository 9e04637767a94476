import { ProviderError } from '../../errors/provider-error.js';
import { fromOpenAiFailure } from '../openai/from-openai-error.js';
import type { WireFailure } from '../provider-adapter.js';

/** Codes that blame the resource, not the request, though they come as a 400. In lower case. */
const CONFIGURATION_CODES: ReadonlySet<string> = new Set([
  'deploymentnotfound',
  'operationnotsupported',
  'unsupportedapiversion',
  'invalidapiversionparameter',
  'noregisteredproviderfound',
]);

/**
 * Maps a failed answer of Azure. Besides OpenAI's shape: the status as a text in `code` (`"401"`), `param` and `type`
 * left out, `innererror` with the filter's verdict, and `{ statusCode, message }` from API Management.
 *
 * A deployment that does not exist (404), cannot chat, or does not know the `api-version` (400) is a fault of the
 * configuration: `not_found`, so that another deployment is tried and the caller is not blamed. The wait of a 429
 * stands in `retry-after-ms`.
 */
export function fromAzureFailure(failure: WireFailure): ProviderError {
  const error = fromOpenAiFailure(failure);
  if (error.kind !== 'invalid_request' || !isConfigurationFault(error)) {
    return error;
  }
  return new ProviderError({
    kind: 'not_found',
    status: error.status,
    providerCode: error.providerCode,
    param: error.param,
    retryAfterMs: error.retryAfterMs,
    providerMessage: error.readProviderMessage(),
  });
}

function isConfigurationFault(error: ProviderError): boolean {
  return (
    CONFIGURATION_CODES.has(error.providerCode?.toLowerCase() ?? '') ||
    /\bapi[ -]?version\b.{0,40}\b(?:not supported|unsupported|invalid|missing|required)\b|\bunsupported api[ -]?version\b/i.test(
      error.readProviderMessage() ?? '',
    )
  );
}
