import { givenHints, STRICT_TOOLS } from '../dropped-hints.js';
import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';

/**
 * The hints of a request that are not in the body made of it: the provider would refuse them. What changes the answer is
 * refused by the conversion itself.
 */
export function droppedOpenAiFields(call: ProviderCall, body: JsonObject): string[] {
  return givenHints(call.request).filter((name) => name !== STRICT_TOOLS && !(name in body));
}
