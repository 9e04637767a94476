import type { ModelPrice } from '../catalog/catalog-model.js';
import { mostInputTokens } from './estimate-slack.js';
import { priceForPrompt } from './price-for-prompt.js';

/** An answer shorter than this serves nobody: a candidate that cannot afford it is rejected. */
export const MIN_AFFORDABLE_OUTPUT_TOKENS = 16;

/** What a request costs before its answer begins. */
export interface PromptToPay {
  /** Estimated. */
  readonly inputTokens: number;
  /** Answers asked for. */
  readonly choices: number;
  /** The client asks for the prompt to be written to the provider's cache: each of its tokens may cost a write. */
  readonly marksCache: boolean;
}

/**
 * How many output tokens a dollar ceiling pays for after the prompt, over all choices. The prompt counts as long as the
 * estimate allows, at the price of a prompt of that length: an estimate just under a step must not pay twice the
 * ceiling.
 *
 * @returns Tokens per choice, `Infinity` where output is free.
 */
export function affordableOutputTokens(
  ceilingUsd: number,
  price: ModelPrice,
  { inputTokens, choices, marksCache }: PromptToPay,
): number {
  const mostTokens = mostInputTokens(inputTokens);
  const { inputPer1M, outputPer1M, cacheWritePer1M = inputPer1M } = priceForPrompt(price, mostTokens);
  const promptPer1M = marksCache ? Math.max(inputPer1M, cacheWritePer1M) : inputPer1M;
  const left = ceilingUsd - (mostTokens * promptPer1M) / 1_000_000;
  if (left < 0) return 0;
  if (outputPer1M === 0) return Number.POSITIVE_INFINITY;
  return Math.floor((left * 1_000_000) / outputPer1M / choices + 1e-9);
}
