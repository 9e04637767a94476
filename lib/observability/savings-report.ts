import type { ModelPrice } from '../catalog/catalog-model.js';
import type { ObservedSavings } from './observed-savings.js';

/**
 * Calls of deployments without a price. What they cost is not known, so they are in no dollar figure, on either side:
 * a missing price must not look like savings.
 *
 * @publicApi
 */
export interface UnpricedCalls {
  readonly calls: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/**
 * What was spent, and what the baseline would have cost.
 *
 * @publicApi
 */
export interface Savings {
  /** Calls with a known price, failed and fallback ones included. */
  readonly calls: number;
  /** Those of them that answered: one a request. They alone have a baseline, which would have been called once. */
  readonly answered: number;
  /** Calls counted here whose tokens are an estimate, because the provider reported none. */
  readonly estimatedCalls: number;
  /** US dollars for all of `calls`. */
  readonly spentUsd: number;
  /** US dollars the baseline's list price makes of the tokens of the answers; null: there is no baseline. */
  readonly baselineUsd: number | null;
  /** `baselineUsd` less `spentUsd`; negative where routing cost more. */
  readonly savedUsd: number | null;
  /** `savedUsd` over `baselineUsd`; null: there is no baseline, or it would have cost nothing. */
  readonly savedShare: number | null;
  readonly unpriced: UnpricedCalls;
}

/**
 * Savings of all requests, or of one surface.
 *
 * @publicApi
 */
export interface RequestSavings extends Savings {
  /** Requests that ended, whatever became of them. */
  readonly requests: number;
}

/**
 * What routing has saved since the process started: a calculation over the tokens of real answers, not a measurement.
 * Another model would have cut the same text into other tokens, and written an answer of another length.
 *
 * @publicApi
 */
export interface SavingsReport extends RequestSavings {
  /** ISO time from which is counted. */
  readonly since: string;
  /** The model named by `baseline`; null: none is. */
  readonly baseline: string | null;
  /** Its list price, by which all tokens were counted. */
  readonly baselinePrice: ModelPrice | null;
  readonly surfaces: Readonly<Record<string, RequestSavings>>;
  /** By the model called: a failed call counts at the model that failed, an answer at the one that gave it. */
  readonly models: Readonly<Record<string, Savings>>;
  /** What routing would have done and saved, while it was only observed; null: it was not. */
  readonly observed: ObservedSavings | null;
  /** What to set to learn more, for people. */
  readonly notes: readonly string[];
}
