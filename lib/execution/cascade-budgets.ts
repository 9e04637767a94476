import type { PolicyExecution } from '../planning/index.js';
import { ShareBudget } from './share-budget.js';

/** Re-sends that rare traffic has without having paid for them. */
const RESEND_RESERVE = 10;
const RESEND_REFILL_MS = 1_000;
/** Attempts that may be given up on for slowness before there is traffic to judge by. */
const GIVE_UP_RESERVE = 10;
const GIVE_UP_REFILL_MS = 1_000;
/** A second copy has always been paid for. */
const HEDGE_RESERVE = 1;
const HEDGE_REFILL_MS = 60_000;
/** Share of the traffic that may be given up on: more would only move the load around. */
const GIVE_UP_SHARE = 0.2;

/** What all requests share of what costs more than it should. */
export interface CascadeBudgets {
  /** Of re-sends to a deployment that has failed the request already. */
  readonly resends: ShareBudget;
  /** Of attempts given up on for slowness while they might still answer. */
  readonly giveUps: ShareBudget;
  readonly hedges: ShareBudget;
}

export function createCascadeBudgets(now: () => number = () => performance.now()): CascadeBudgets {
  return {
    resends: new ShareBudget(RESEND_RESERVE, RESEND_REFILL_MS, now),
    giveUps: new ShareBudget(GIVE_UP_RESERVE, GIVE_UP_REFILL_MS, now),
    hedges: new ShareBudget(HEDGE_RESERVE, HEDGE_REFILL_MS, now),
  };
}

/** A request has come. */
export function payIntoBudgets(
  { resends, giveUps, hedges }: CascadeBudgets,
  { retries, hedge }: Pick<PolicyExecution, 'retries' | 'hedge'>,
): void {
  resends.payIn(retries.budget);
  giveUps.payIn(GIVE_UP_SHARE);
  if (hedge.enabled) hedges.payIn(hedge.maxShare);
}
