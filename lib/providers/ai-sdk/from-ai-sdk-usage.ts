import type { TokenUsage } from '../../chat/chat-types.js';
import { countOf, isJsonObject, objectOf, type JsonObject } from '../json-reading.js';

/**
 * Usage in OpenAI's accounting, out of either version: version 2 is flat (`inputTokens`, `outputTokens`), version 3
 * nested (`inputTokens: { total, noCache, cacheRead, cacheWrite }`, `outputTokens: { total, text, reasoning }`). Where
 * a total is missing, it is the sum of its parts. Undefined where neither input nor output is reported.
 *
 * Version 2 does not say whether its totals hold their parts, and providers differ. Cached tokens that are more than all
 * input stand beside it (Claude), and so does thinking that `totalTokens` counts on top of the rest (Gemini).
 */
export function fromAiSdkUsage(value: unknown): TokenUsage | undefined {
  const usage = objectOf(value);
  if (usage === undefined) return undefined;
  const isNested = isJsonObject(usage.inputTokens) || isJsonObject(usage.outputTokens);
  return isNested ? fromNested(usage) : fromFlat(usage);
}

function fromNested(usage: JsonObject): TokenUsage | undefined {
  const input = objectOf(usage.inputTokens) ?? {};
  const output = objectOf(usage.outputTokens) ?? {};
  const cacheRead = countOf(input.cacheRead);
  const cacheWrite = countOf(input.cacheWrite);
  const reasoning = countOf(output.reasoning);
  const prompt = countOf(input.total) ?? sumOf(countOf(input.noCache), cacheRead, cacheWrite);
  const completion = countOf(output.total) ?? sumOf(countOf(output.text), reasoning);
  return toUsage(prompt, completion, cacheRead, cacheWrite, reasoning);
}

function fromFlat(usage: JsonObject): TokenUsage | undefined {
  const input = countOf(usage.inputTokens);
  const output = countOf(usage.outputTokens);
  const cached = countOf(usage.cachedInputTokens) ?? 0;
  const reasoning = countOf(usage.reasoningTokens) ?? 0;
  const total = countOf(usage.totalTokens) ?? 0;
  if (input === undefined && output === undefined) return undefined;
  const isCacheBeside = cached > (input ?? 0);
  const isThinkingBeside = reasoning > 0 && total >= (input ?? 0) + (output ?? 0) + reasoning;
  return toUsage(
    (input ?? 0) + (isCacheBeside ? cached : 0),
    (output ?? 0) + (isThinkingBeside || reasoning > (output ?? 0) ? reasoning : 0),
    cached,
    0,
    reasoning,
  );
}

function sumOf(...counts: readonly (number | undefined)[]): number | undefined {
  const known = counts.filter((count) => count !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0);
}

/** Parts are never more than their whole: the ledger subtracts them from it. */
function toUsage(
  prompt: number | undefined,
  completion: number | undefined,
  cacheRead = 0,
  cacheWrite = 0,
  reasoning = 0,
): TokenUsage | undefined {
  if (prompt === undefined && completion === undefined) return undefined;
  const promptTokens = prompt ?? 0;
  const completionTokens = completion ?? 0;
  const cachedTokens = Math.min(cacheRead, promptTokens);
  return {
    promptTokens,
    completionTokens,
    cachedTokens,
    cacheWriteTokens: Math.min(cacheWrite, promptTokens - cachedTokens),
    reasoningTokens: Math.min(reasoning, completionTokens),
  };
}
