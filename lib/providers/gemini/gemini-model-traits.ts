import { GEMINI_API, type GeminiHost } from './gemini-host.js';
import type { GeminiThinkingConfig } from './gemini-wire.js';

/** What differs on the wire between generations of Gemini. */
export interface GeminiModelTraits {
  /**
   * Gemini 3 and later: replayed function calls need a thought signature, calls have ids, thinking has levels, and
   * JSON output goes together with functions.
   */
  readonly isGemini3OrLater: boolean;
  /** Calls and responses are replayed with the call's id. Older models know none. */
  readonly hasCallIds: boolean;
  /** Google fetches public https addresses for it: every Gemini after 2.0, at Vertex AI all. */
  readonly fetchesUrls: boolean;
  /** Google reads `gs://` addresses for it. */
  readonly readsBuckets: boolean;
  /** Gemma has no system instruction. */
  readonly hasSystemInstruction: boolean;
}

/**
 * Reads the generation out of the name (`gemini-2.5-flash`, `models/gemini-3-pro-preview`). An alias without a number
 * (`gemini-flash-latest`) is taken for the newest generation, since that is where aliases go.
 */
export function geminiModelTraits(model: string, host: GeminiHost = GEMINI_API): GeminiModelTraits {
  const isGemini = /gemini/i.test(model);
  const isGemini3OrLater = isGemini && !/gemini-[12](?:\D|$)/i.test(model);
  return {
    isGemini3OrLater,
    hasCallIds: isGemini3OrLater && host.takesCallIds,
    fetchesUrls: isGemini && (host.alwaysFetchesUrls || !/gemini-(?:1|2\.0)(?:\D|$)/i.test(model)),
    readsBuckets: host.readsBuckets,
    hasSystemInstruction: !/gemma/i.test(model),
  };
}

const BUDGET_TOKENS: ReadonlyMap<string, number> = new Map([
  ['none', 0],
  ['minimal', 512],
  ['low', 1024],
  ['medium', 8192],
  ['high', 24_576],
  ['xhigh', 24_576],
  ['max', 24_576],
]);

const FLASH_LEVELS: ReadonlyMap<string, GeminiThinkingConfig['thinkingLevel']> = new Map([
  ['none', 'MINIMAL'],
  ['minimal', 'MINIMAL'],
  ['low', 'LOW'],
  ['medium', 'MEDIUM'],
]);

const PRO_LEVELS: ReadonlyMap<string, GeminiThinkingConfig['thinkingLevel']> = new Map([
  ['none', 'LOW'],
  ['minimal', 'LOW'],
  ['low', 'LOW'],
]);

/** The least Gemini 2.5 Pro thinks: it cannot be switched off. */
const MIN_PRO_BUDGET_TOKENS = 128;

/**
 * OpenAI's `reasoning_effort` as Gemini has it: a budget in tokens up to 2.5, a level from 3 on. Pro models cannot
 * be told not to think and know only two levels: what they lack becomes the nearest they have.
 */
export function toThinkingConfig(model: string, effort: string): GeminiThinkingConfig {
  const isPro = /pro/i.test(model);
  if (geminiModelTraits(model).isGemini3OrLater) {
    return { thinkingLevel: (isPro ? PRO_LEVELS : FLASH_LEVELS).get(effort) ?? 'HIGH' };
  }
  const budgetTokens = BUDGET_TOKENS.get(effort) ?? 0;
  return { thinkingBudget: isPro ? Math.max(budgetTokens, MIN_PRO_BUDGET_TOKENS) : budgetTokens };
}
