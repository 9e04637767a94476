import type { LongContextPrice, ModelPrice } from '../catalog/catalog-model.js';

/** From here on two prices of one model cannot both be right; a price per 1,000 tokens is 1,000 times off. */
const TIMES_OFF = 10;
/** No model that writes is this cheap; dearer ones are, with their price per 1,000 tokens. US dollars. */
const LEAST_INPUT_PER_1M = 0.01;
const COMPARED = ['inputPer1M', 'outputPer1M', 'cachedInputPer1M', 'cacheWritePer1M'] as const;

/** What is known of the model beside its price. */
export interface PriceContext {
  /** The catalogue's price of the same model, where it is asked at the same place. */
  readonly listPrice?: ModelPrice | undefined;
  /** The provider charges money, so that a price of 0 is a slip. */
  readonly isPaid?: boolean;
  /** It writes no answers: output costs nothing. */
  readonly isEmbedding?: boolean;
}

/**
 * What of a price looks like a slip, a sentence each; nothing where it is plausible. An odd price is reported and
 * counted as it stands: some are true.
 *
 * Imports nothing at run time: `tools/catalog-update.mjs` looks at the catalogue's sources with it.
 */
export function findOddPrices(price: ModelPrice, context: PriceContext = {}): string[] {
  const odd = findOddRates(price, context.isEmbedding === true);
  let below: ModelPrice | LongContextPrice = price;
  for (const step of price.longContext ?? []) {
    const over = `over ${step.aboveInputTokens} tokens: `;
    odd.push(...findOddRates(step, context.isEmbedding === true).map((words) => over + words));
    if (step.inputPer1M < below.inputPer1M || step.outputPer1M < below.outputPer1M) {
      odd.push(`${over}cheaper than below`);
    }
    below = step;
  }
  if (context.isPaid === true && price.inputPer1M === 0 && price.outputPer1M === 0) {
    odd.push('is 0, at a provider that charges');
  }
  const { listPrice } = context;
  if (listPrice !== undefined) {
    odd.push(...findFarOff(price, listPrice));
  } else if (price.inputPer1M > 0 && price.inputPer1M < LEAST_INPUT_PER_1M && context.isEmbedding !== true) {
    odd.push(
      `inputPer1M ${price.inputPer1M} is under $${LEAST_INPUT_PER_1M} per million tokens: is it per 1,000 tokens?`,
    );
  }
  return odd;
}

function findFarOff(price: ModelPrice, listPrice: ModelPrice): string[] {
  return COMPARED.flatMap((key) => {
    const [ours, theirs] = [price[key], listPrice[key]];
    if (ours === undefined || theirs === undefined) return [];
    const times = timesOff(ours, theirs);
    if (times < TIMES_OFF) return [];
    return `${key} ${ours} is ${Math.round(times)} times off the catalogue's ${theirs}: is it per 1,000 tokens?`;
  });
}

function findOddRates(price: ModelPrice | LongContextPrice, isEmbedding: boolean): string[] {
  const { inputPer1M, outputPer1M, cachedInputPer1M, cacheWritePer1M } = price;
  const odd: string[] = [];
  if (outputPer1M < inputPer1M && !isEmbedding) {
    odd.push(`output (${outputPer1M}) is cheaper than input (${inputPer1M})`);
  }
  if (cachedInputPer1M !== undefined && cachedInputPer1M > inputPer1M) {
    odd.push(`cached input (${cachedInputPer1M}) is dearer than input (${inputPer1M})`);
  }
  if (cachedInputPer1M === 0 && inputPer1M > 0) odd.push('cached input is free, input is not');
  if (cacheWritePer1M !== undefined && cacheWritePer1M < inputPer1M) {
    odd.push(`a cache write (${cacheWritePer1M}) is cheaper than input (${inputPer1M})`);
  }
  return odd;
}

/** How many times the greater is the lesser; 1 where one of them is 0, which is no slip of units. */
function timesOff(first: number, second: number): number {
  const least = Math.min(first, second);
  return least === 0 ? 1 : Math.max(first, second) / least;
}
