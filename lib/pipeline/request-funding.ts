import type { BudgetLedger, BudgetReservation, RequestBudget } from '../cost/index.js';
import { OverloadedError } from '../errors/overloaded-error.js';
import { type Journey, totalCost } from './journey.js';
import type { Planned } from './journey-stages.js';
import { mostCostOf } from './most-cost.js';

/** So long, and half of its deadline at most, a request waits for money that is kept for others. */
const MAX_MONEY_WAIT_MS = 30_000;

/** Keeps money for requests, of the budgets they are paid from. */
export class RequestFunding {
  /** @param isOpen - Whether a request is still under way. */
  constructor(
    private readonly budgets: BudgetLedger,
    private readonly isOpen: (journey: Journey) => boolean,
  ) {}

  /**
   * Keeps what the request may cost of the budgets it is paid from. Gives something to wait for only where nothing is left
   * but what is kept for others.
   *
   * @throws {@link BudgetExceededError} where one is spent.
   */
  fund(
    journey: Journey,
    { plan, features, mayOverlap, budgets }: Pick<Planned, 'plan' | 'features' | 'mayOverlap' | 'budgets'>,
    outputTokens?: number,
  ): Promise<void> | undefined {
    if (budgets.length === 0) return undefined;
    const { signal } = journey.controller;
    const most = this.mostCost(journey, { plan, features, mayOverlap }, outputTokens);
    const { reservation: before } = journey;
    // Of calls that were made to find out its class.
    const spentUsd = before === undefined ? 0 : totalCost(journey);
    const reserved = this.budgets.reserve(
      budgets,
      most,
      { maxWaitMs: Math.min(plan.deadlineMs / 2, MAX_MONEY_WAIT_MS), signal },
      before && { reservation: before, spentUsd },
    );
    const take = (reservation: BudgetReservation): void => {
      journey.reservation = reservation;
      journey.countedUsd = spentUsd;
    };
    if (!(reserved instanceof Promise)) {
      take(reserved);
      return undefined;
    }
    return reserved.then((reservation) => {
      if (reservation !== undefined) take(reservation);
      // Who has left is told so by the execution.
      if (reservation !== undefined || signal.aborted) return;
      throw new OverloadedError('What is left of a budget is kept for requests under way.', 1_000);
    });
  }

  /** Keeps so much for a call beside the request's own. Nobody waits for that: it does without. */
  keep(journey: Journey, budgets: readonly RequestBudget[], usd: number): boolean | Promise<boolean> {
    if (budgets.length === 0) return true;
    if (journey.reservation !== undefined) return journey.reservation.extend(usd);
    const conclude = (reservation: BudgetReservation | undefined): boolean => {
      if (reservation === undefined) return false;
      // It did not wait for that.
      if (journey.reservation !== undefined || !this.isOpen(journey)) {
        reservation.settle(0);
        return false;
      }
      journey.reservation = reservation;
      return true;
    };
    const kept = this.budgets.reserveNow(budgets, usd);
    return kept instanceof Promise ? kept.then(conclude) : conclude(kept);
  }

  /** What the calls of a plan may cost at the most. */
  mostCost(
    { runtime }: Journey,
    { plan, features, mayOverlap }: Pick<Planned, 'plan' | 'features' | 'mayOverlap'>,
    outputTokens?: number,
  ): number {
    const { hedge } = runtime.policy.execution;
    const copies =
      1 + Number(mayOverlap && hedge.enabled) + Number(plan.surface.onStreamFailure === 'continue');
    return mostCostOf(plan, features, copies, outputTokens);
  }
}
