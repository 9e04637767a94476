import type { ModelPrice } from '../catalog/catalog-model.js';
import type { PromptToPay } from './affordable-output.js';
import { mostInputTokens } from './estimate-slack.js';
import { priceForPrompt } from './price-for-prompt.js';

/** What an answer is taken to have at most where nobody has said how long it may be not even the model's own limit is known. */
const UNKNOWN_OUTPUT_TOKENS = 8_192;

export interface OutputToPay {
  /** The limit sent along, in tokens; undefined: none. */
  readonly requested: number | undefined;
  readonly modelMaxOutputTokens: number | undefined;
  readonly contextWindow: number | undefined;
}

/** The most a request can cost, in US dollars: what a budget has to be ready for. */
export function mostCostUsd(price: ModelPrice, prompt: PromptToPay, output: OutputToPay): number {
  return costUsd(price, prompt, mostInputTokens(prompt.inputTokens), mostOutputTokens(output));
}

function mostOutputTokens({ requested, modelMaxOutputTokens, contextWindow }: OutputToPay): number {
  const most = Math.min(
    requested ?? Number.POSITIVE_INFINITY,
    modelMaxOutputTokens ?? Number.POSITIVE_INFINITY,
  );
  return Number.isFinite(most) ? most : Math.min(contextWindow ?? Infinity, UNKNOWN_OUTPUT_TOKENS);
}

function costUsd(
  price: ModelPrice,
  { choices, marksCache }: PromptToPay,
  inputTokens: number,
  outputTokens: number,
): number {
  const { inputPer1M, outputPer1M, cacheWritePer1M = inputPer1M } = priceForPrompt(price, inputTokens);
  const promptPer1M = marksCache ? Math.max(inputPer1M, cacheWritePer1M) : inputPer1M;
  return (inputTokens * promptPer1M + choices * outputTokens * outputPer1M) / 1_000_000;
}
