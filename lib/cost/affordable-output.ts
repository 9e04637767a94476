import type { ModelPrice } from '../catalog/catalog-model.js';
import { priceForPrompt } from './price-for-prompt.js';

/** An answer shorter than this serves nobody: a candidate that cannot afford it is rejected. */
export const MIN_AFFORDABLE_OUTPUT_TOKENS = 16;

/**
 * How many output tokens a dollar ceiling pays for after the prompt, over all choices; at the price of a prompt of that
 * length.
 *
 * @returns Tokens per choice, `Infinity` where output is free.
 */
export function affordableOutputTokens(
  ceilingUsd: number,
  price: ModelPrice,
  inputTokens: number,
  choices: number,
): number {
  const { inputPer1M, outputPer1M } = priceForPrompt(price, inputTokens);
  const left = ceilingUsd - (inputTokens * inputPer1M) / 1_000_000;
  if (left < 0) return 0;
  if (outputPer1M === 0) return Number.POSITIVE_INFINITY;
  return Math.floor((left * 1_000_000) / outputPer1M / choices + 1e-9);
}
