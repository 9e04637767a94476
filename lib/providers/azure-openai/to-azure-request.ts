import type { ValidatedChatRequest } from '../../chat/chat-types.js';
import { InvalidRequestError } from '../../errors/invalid-request-error.js';
import type { JsonObject } from '../json-reading.js';
import { toOpenAiRequest } from '../openai/to-openai-request.js';
import type { ProviderCall } from '../provider-adapter.js';
import { isDatedVersion } from './to-azure-path.js';

/**
 * Since when Azure's dated versions have what hardly touches the answer (Microsoft's list of API changes). Before, the
 * field is refused as unrecognized, so it is left out; a stream without `stream_options` reports no usage, which is
 * then estimated.
 */
const SINCE: Readonly<Record<string, string>> = {
  stream_options: '2024-09-01',
  store: '2024-12-01',
  metadata: '2024-12-01',
  prediction: '2025-01-01',
};
/** Hints of OpenAI's own platform that no dated version has. */
const NEVER_DATED = ['service_tier', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention'];
const MAX_COMPLETION_TOKENS_SINCE = '2024-09-01';
const JSON_SCHEMA_SINCE = '2024-08-01';

/**
 * The body of a chat completion: OpenAI's, with the deployment's name in `model`, which the v1 API reads and the
 * classic one ignores.
 *
 * A dated version gets only the fields it knows, as far as the answer stays the same without them; others are sent,
 * and Azure decides: newer models take newer fields under older versions. Its output limit stands
 * in `max_completion_tokens` for reasoning models, which refuse `max_tokens`, and where the client chose it and the
 * version has it: nobody else may know that the deployment reasons. Otherwise in `max_tokens`, which some deployments
 * know alone.
 *
 * @throws {@link InvalidRequestError} for a JSON schema under a version before structured outputs.
 */
export function toAzureRequest(call: ProviderCall, apiVersion: string | undefined): JsonObject {
  const body = toOpenAiRequest(call, { isCompatible: false });
  if (!isDatedVersion(apiVersion)) {
    return body;
  }
  if (wantsSchema(call.request) && apiVersion < JSON_SCHEMA_SINCE) {
    throw new InvalidRequestError(
      'A JSON schema is not supported by the API version that is configured for this model.',
      'response_format',
    );
  }
  const known = Object.fromEntries(
    Object.entries(body).filter(([name]) => apiVersion >= (SINCE[name] ?? '') && !NEVER_DATED.includes(name)),
  );
  const { max_completion_tokens: limit, ...rest } = known;
  const isChosen = typeof call.request.max_completion_tokens === 'number';
  const isNewField = call.reasoning || (isChosen && apiVersion >= MAX_COMPLETION_TOKENS_SINCE);
  return limit === undefined || limit === null || isNewField ? known : { ...rest, max_tokens: limit };
}

function wantsSchema(request: ValidatedChatRequest): boolean {
  return request.response_format?.type === 'json_schema';
}
