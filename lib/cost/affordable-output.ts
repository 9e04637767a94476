import type { ModelPrice } from '../catalog/catalog-model.js';

/** An answer shorter than this serves nobody: a candidate that cannot afford it is rejected. */
export const MIN_AFFORDABLE_OUTPUT_TOKENS = 16;

/**
 * How many output tokens a dollar ceiling pays for after the prompt, over all choices.
 *
 * @returns Tokens per choice, `Infinity` where output is free.
 */
export function affordableOutputTokens(
  ceilingUsd: number,
  price: ModelPrice,
  inputTokens: number,
  choices: number,
): number {
  const left = ceilingUsd - (inputTokens * price.inputPer1M) / 1_000_000;
  if (left < 0) return 0;
  if (price.outputPer1M === 0) return Number.POSITIVE_INFINITY;
  return Math.floor((left * 1_000_000) / price.outputPer1M / choices + 1e-9);
}
