import type { BudgetPatience, BudgetReservation, RequestBudget } from './request-budget.js';

type Attempt = BudgetReservation | RequestBudget;

interface Waiter {
  readonly budgets: readonly RequestBudget[];
  readonly usd: number;
  readonly resolve: (reservation: BudgetReservation | undefined) => void;
  readonly reject: (error: unknown) => void;
  /** The account that has no room for it. */
  at: string;
}

/**
 * Who waits for money that is kept for others: by the budget that lacks it, in the order they came. As many as there are
 * requests under way.
 */
export class BudgetQueue {
  readonly #waiters = new Map<string, Set<Waiter>>();
  /** Being served, and whether something came free meanwhile. */
  readonly #serving = new Map<string, boolean>();

  constructor(
    /** Gives the budget that has no room. @throws where one is spent. */
    private readonly tryReserve: (
      budgets: readonly RequestBudget[],
      usd: number,
    ) => Attempt | Promise<Attempt>,
  ) {}

  get size(): number {
    let size = 0;
    for (const waiters of this.#waiters.values()) size += waiters.size;
    return size;
  }

  async wait(
    budgets: readonly RequestBudget[],
    usd: number,
    lacking: RequestBudget,
    { maxWaitMs, signal }: BudgetPatience,
  ): Promise<BudgetReservation | undefined> {
    if (signal.aborted) return undefined;
    let waiter!: Waiter;
    const reservation = new Promise<BudgetReservation | undefined>((resolve, reject) => {
      waiter = { budgets, usd, resolve, reject, at: lacking.account.id };
    });
    this.join(waiter);
    const leave = (): void => {
      if (this.remove(waiter)) waiter.resolve(undefined);
    };
    const timer = setTimeout(leave, Math.max(0, maxWaitMs));
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await reservation;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
    }
  }

  /** Something was given back to these. */
  serve(budgets: readonly RequestBudget[]): void {
    for (const { account } of budgets) void this.serveAt(account.id);
  }

  close(): void {
    for (const waiter of [...this.#waiters.values()].flatMap((waiters) => [...waiters])) {
      if (this.remove(waiter)) waiter.resolve(undefined);
    }
  }

  private async serveAt(id: string): Promise<void> {
    if (this.#serving.has(id)) {
      this.#serving.set(id, true);
      return;
    }
    do {
      this.#serving.set(id, false);
      for (;;) {
        const [waiter] = this.#waiters.get(id) ?? [];
        if (waiter === undefined || !(await this.serveOne(waiter))) break;
      }
    } while (this.#serving.get(id) === true);
    this.#serving.delete(id);
  }

  /** False: the money it waits for is still lacking. */
  private async serveOne(waiter: Waiter): Promise<boolean> {
    let attempt: Attempt;
    try {
      const trying = this.tryReserve(waiter.budgets, waiter.usd);
      attempt = trying instanceof Promise ? await trying : trying;
    } catch (error) {
      if (this.remove(waiter)) waiter.reject(error);
      return true;
    }
    if ('settle' in attempt) {
      if (this.remove(waiter)) waiter.resolve(attempt);
      // It has left meanwhile.
      else attempt.settle(0);
      return true;
    }
    const { id } = attempt.account;
    if (id === waiter.at) return false;
    if (this.remove(waiter)) {
      waiter.at = id;
      this.join(waiter);
    }
    return true;
  }

  private join(waiter: Waiter): void {
    const waiters = this.#waiters.get(waiter.at) ?? new Set();
    waiters.add(waiter);
    this.#waiters.set(waiter.at, waiters);
  }

  private remove(waiter: Waiter): boolean {
    const waiters = this.#waiters.get(waiter.at);
    if (waiters?.delete(waiter) !== true) return false;
    if (waiters.size === 0) this.#waiters.delete(waiter.at);
    return true;
  }
}
