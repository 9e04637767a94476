import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';

/** Whether a value asks for anything; OpenAI's defaults do not. */
const ASKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  metadata: (value) => typeof value === 'object' && value !== null && Object.keys(value).length > 0,
  prediction: Boolean,
  prompt_cache_key: Boolean,
  reasoning_effort: (value) => typeof value === 'string' && value !== 'none',
  safety_identifier: Boolean,
  service_tier: (value) => typeof value === 'string' && !['auto', 'default'].includes(value),
  store: (value) => value === true,
  user: Boolean,
};

/**
 * The fields of a request that change little, by OpenAI's names, that are not in the body made of it: the provider
 * would refuse them. What changes much is refused by the conversion itself.
 */
export function droppedOpenAiFields(call: ProviderCall, body: JsonObject): string[] {
  const request: JsonObject = { ...call.request };
  return Object.entries(ASKS)
    .filter(([name, asks]) => asks(request[name]) && !(name in body))
    .map(([name]) => name);
}
