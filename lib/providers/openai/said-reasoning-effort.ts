import type { ProviderQuirks } from '../../catalog/index.js';
import type { JsonObject } from '../json-reading.js';
import type { ProviderCall } from '../provider-adapter.js';

/**
 * The fields that say how hard to think: OpenAI's `reasoning_effort` in the provider's words, or none where the model
 * takes none. An effort is a wish: a model that cannot heed it still answers.
 */
export function saidReasoningEffort(call: ProviderCall, { reasoningEfforts }: ProviderQuirks): JsonObject {
  const effort: unknown = call.request.reasoning_effort;
  if (typeof effort !== 'string') return {};
  if (reasoningEfforts === undefined) return { reasoning_effort: effort };
  const rule = reasoningEfforts.find(({ models }) => models.test(call.upstreamModel));
  if (rule === undefined || (rule.thinkingOnly === true && !call.reasoning)) return {};
  const words = rule.words ?? {};
  const said = Object.hasOwn(words, effort) ? words[effort] : effort;
  if (said === null || said === undefined) return {};
  return typeof said === 'string' ? { reasoning_effort: said } : said;
}
