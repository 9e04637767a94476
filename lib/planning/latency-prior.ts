import type { ModelPrice } from '../catalog/catalog-model.js';

/** What is expected of a deployment that nothing is known of yet. */
export interface LatencyPrior {
  readonly firstTokenMs: number;
  readonly msPerOutputToken: number;
}

/** Thinking comes before the first token of the answer. */
const THINKING_MS = 5_000;

/**
 * By the price of a million output tokens, the cheapest first. No public table of speeds can be relied on; that small
 * models are cheap and quick, and large ones dear and slow, can. Two samples of its own weigh as much as this.
 */
const STEPS = [
  { upToPer1M: 1, firstTokenMs: 400, msPerOutputToken: 8 },
  { upToPer1M: 5, firstTokenMs: 500, msPerOutputToken: 10 },
  { upToPer1M: 20, firstTokenMs: 700, msPerOutputToken: 15 },
  { upToPer1M: Number.POSITIVE_INFINITY, firstTokenMs: 1_000, msPerOutputToken: 30 },
] as const;
const UNPRICED = { firstTokenMs: 600, msPerOutputToken: 15 };

/** Cold-start latency from the catalogue's facts: the price, and whether the model thinks before it answers. */
export function latencyPrior(
  price: ModelPrice | undefined,
  thinking: 'always' | 'on_request' | 'never',
): LatencyPrior {
  const step =
    price === undefined || price.outputPer1M === 0
      ? UNPRICED
      : (STEPS.find(({ upToPer1M }) => price.outputPer1M <= upToPer1M) ?? UNPRICED);
  return {
    firstTokenMs: step.firstTokenMs + (thinking === 'always' ? THINKING_MS : 0),
    msPerOutputToken: step.msPerOutputToken,
  };
}
