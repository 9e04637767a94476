import type { ChatCompletion } from '../../chat/chat-types.js';
import { isJsonObject, listOf, type JsonObject } from '../json-reading.js';

const SERVICE_TIERS: readonly unknown[] = ['auto', 'default', 'flex', 'scale', 'priority'];

/** Fields that are written anew, and one that is only telemetry of the provider's own. */
const REWRITTEN_FIELDS = new Set([
  'id',
  'object',
  'created',
  'model',
  'choices',
  'usage',
  'error',
  '__proto__',
]);

/**
 * What an answer or a chunk carries beyond the fields that are written anew: OpenAI's optional ones where their type
 * is right (`system_fingerprint` is null at most servers, `service_tier` is `on_demand` at Groq), and the provider's
 * extras such as `citations`.
 */
export function keptExtras(body: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(body).filter(([name, value]) => {
      if (REWRITTEN_FIELDS.has(name) || value === null) {
        return false;
      }
      if (name === 'system_fingerprint' || name === 'obfuscation') {
        return typeof value === 'string';
      }
      return name !== 'service_tier' || SERVICE_TIERS.includes(value);
    }),
  );
}

/** Log probabilities as they came, with both lists present; null where there are none. */
export function logprobsOf(value: unknown): ChatCompletion.Choice['logprobs'] {
  if (!isJsonObject(value) || (!Array.isArray(value.content) && !Array.isArray(value.refusal))) {
    return null;
  }
  type Logprobs = NonNullable<ChatCompletion.Choice['logprobs']>;
  const tokens = (list: unknown): Logprobs['content'] =>
    Array.isArray(list) ? (listOf(list) as NonNullable<Logprobs['content']>) : null;
  return { content: tokens(value.content), refusal: tokens(value.refusal) };
}
