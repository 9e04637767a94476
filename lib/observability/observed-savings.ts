import type { RequestRecord } from '../telemetry/index.js';
import { CompensatedSum } from './compensated-sum.js';
import { dollars } from './rounding.js';

/**
 * What routing would have done while it was only observed (`mode: 'observe'`): the baseline answered, and its tokens are
 * reckoned at the price of the model that routing would have asked first. Another model would have written an answer of
 * another length.
 *
 * @publicApi
 */
export interface ObservedSavings {
  /** Requests that the baseline answered, and that would have had a model. */
  readonly requests: number;
  /** Of these, those that would have gone to another model than the baseline. */
  readonly moved: number;
  /** Requests that no model would have been allowed to serve. */
  readonly unserved: number;
  /** US dollars of the calls that answered those of `requests` whose would-be model has a price. */
  readonly spentUsd: number;
  /** US dollars that they would have cost. */
  readonly wouldHaveSpentUsd: number;
  /** `spentUsd` less `wouldHaveSpentUsd`. */
  readonly wouldHaveSavedUsd: number;
  /** Requests by the model that would have been asked first. */
  readonly models: Readonly<Record<string, number>>;
}

/** Sums up what was observed. Models come from the configuration, so its memory is bounded. */
export class ObservedSavingsAggregate {
  readonly #spentUsd = new CompensatedSum();
  readonly #wouldHaveSpentUsd = new CompensatedSum();
  readonly #models = new Map<string, number>();
  #requests = 0;
  #moved = 0;
  #unserved = 0;

  add({ observed, servedBy }: RequestRecord): void {
    if (observed === undefined) return;
    const { choice } = observed;
    if (choice === undefined) {
      this.#unserved += 1;
      return;
    }
    this.#requests += 1;
    if (choice.model !== servedBy?.model) this.#moved += 1;
    this.#models.set(choice.model, (this.#models.get(choice.model) ?? 0) + 1);
    if (observed.costUsd === undefined) return;
    this.#spentUsd.add(observed.answerCostUsd);
    this.#wouldHaveSpentUsd.add(observed.costUsd);
  }

  /** Null: nothing was observed. */
  read(): ObservedSavings | null {
    if (this.#requests + this.#unserved === 0) return null;
    return {
      requests: this.#requests,
      moved: this.#moved,
      unserved: this.#unserved,
      spentUsd: dollars(this.#spentUsd.value),
      wouldHaveSpentUsd: dollars(this.#wouldHaveSpentUsd.value),
      wouldHaveSavedUsd: dollars(this.#spentUsd.value - this.#wouldHaveSpentUsd.value),
      models: Object.fromEntries(this.#models),
    };
  }
}
