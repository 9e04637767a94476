import { periodAt } from '../calendar/index.js';
import { BudgetExceededError } from '../errors/budget-exceeded-error.js';
import { type Awaitable, MemoryQuotaStore, type Quota, type QuotaStore } from '../storage/index.js';
import type { BudgetEvent, TelemetryBus } from '../telemetry/index.js';
import { BudgetAccount } from './budget-account.js';
import type { Budget, BudgetPolicy } from './budget.js';
import type { BudgetReport, BudgetState } from './budget-report.js';
import { BudgetQueue } from './budget-queue.js';
import type { BudgetPatience, BudgetReservation, BudgetSpending, RequestBudget } from './request-budget.js';

/** Whole billionths of a dollar: sums of them lose nothing, and what is given back leaves nothing behind. */
const UNITS_PER_USD = 1_000_000_000;
/** More than this no estimate was ever off by. */
const MAX_UNDERESTIMATE = 1_000;
/** Of what an estimate was off by, so much is still believed after one that was not. */
const UNDERESTIMATE_DECAY = 0.9;
const MIN_SWEEP_INTERVAL_MS = 60_000;
const MAX_SUBJECT_LENGTH = 256;

/** Who asks, as far as there are budgets for it. */
export interface BudgetSubject {
  readonly surface: string;
  readonly tenant: string | undefined;
  readonly keyId: string | undefined;
}

/** What is kept for a request, in units. */
interface Amount {
  /** Without what estimates were off by before: what is learned from must not depend on what was learned meanwhile. */
  readonly estimated: number;
  readonly held: number;
}

const NONE: readonly RequestBudget[] = [];
const NOTHING_HELD: ReadonlyMap<string, number> = new Map<string, number>();
const NO_RESERVATION: BudgetReservation = {
  held: NOTHING_HELD,
  settle: () => undefined,
  extend: () => true,
};

/**
 * Keeps what the requests under way may cost, and counts what those that have ended did cost. Each counts in the day and
 * the month it began in. In memory: a restart begins at nothing. Memory is bounded by the configuration.
 */
export class BudgetLedger {
  readonly #accounts = new Map<string, BudgetAccount>();
  readonly #queue: BudgetQueue;
  /** Accounts of tenants that the configuration does not name. */
  #unnamed = 0;
  #sweptAtMs = 0;

  constructor(
    private readonly bus: TelemetryBus,
    private readonly store: QuotaStore = new MemoryQuotaStore(),
    private readonly now: () => number = Date.now,
  ) {
    this.#queue = new BudgetQueue((budgets, usd) => this.tryReserve(budgets, usd));
  }

  /** The budgets a request is paid from: it has to have room in each of them. */
  budgetsOf(policy: BudgetPolicy, { surface, tenant, keyId }: BudgetSubject): readonly RequestBudget[] {
    const { surfaces, tenants, keys, defaultTenant } = policy;
    if (surfaces.size === 0 && tenants.size === 0 && keys.size === 0 && defaultTenant.length === 0)
      return NONE;
    const found: RequestBudget[] = [];
    const add = (budget: Budget, isConfigured: boolean): void => {
      found.push({ budget, account: this.account(budget, isConfigured, policy) });
    };
    for (const budget of surfaces.get(surface) ?? []) add(budget, true);
    for (const budget of (keyId === undefined ? undefined : keys.get(keyId)) ?? []) add(budget, true);
    if (tenant === undefined) return found;
    const named = tenants.get(tenant);
    for (const budget of named ?? []) add(budget, true);
    if (named === undefined) {
      const subject = tenant.slice(0, MAX_SUBJECT_LENGTH);
      for (const budget of defaultTenant) add({ ...budget, subject, name: subject }, false);
    }
    return found;
  }

  /** The first budget that has nothing left for a request, now; of those alone that do not refuse it. */
  findDowngrade(budgets: readonly RequestBudget[]): Budget | undefined {
    return this.findFull(budgets, 'downgrade');
  }

  /** The first budget that would refuse a request now. */
  findRefusal(budgets: readonly RequestBudget[]): Budget | undefined {
    return this.findFull(budgets, 'reject');
  }

  /** Before anything is called for a request. @throws {@link BudgetExceededError} when all of a budget is spent. */
  refuseSpent(budgets: readonly RequestBudget[]): void {
    for (const spent of budgets) {
      if (spent.budget.onExceeded === 'reject' && this.isSpent(spent)) throw exceeded(spent);
    }
  }

  /**
   * Keeps the most that a request may cost. Where nothing is left but what is kept for others it waits, for they seldom need
   * all of it; so a budget is exceeded by the last request that begins, and by no other.
   *
   * @param before - What was kept for calls of the same request before this. It does not stand in its own way; unless the
   * request is refused it is settled here.
   * @returns Undefined after a wait in which nothing came free, or whose caller has left.
   * @throws {@link BudgetExceededError} when all of a budget is spent.
   */
  reserve(
    budgets: readonly RequestBudget[],
    usd: number,
    patience: BudgetPatience,
    before?: BudgetSpending,
  ): BudgetReservation | Promise<BudgetReservation | undefined> {
    if (budgets.length === 0) return NO_RESERVATION;
    const conclude = (
      result: BudgetReservation | RequestBudget,
    ): BudgetReservation | Promise<BudgetReservation | undefined> => {
      // Who waits keeps nothing: two that wait for what the other keeps would wait for ever.
      before?.reservation.settle(before.spentUsd);
      return 'settle' in result ? result : this.#queue.wait(budgets, usd, result, patience);
    };
    const result = this.tryReserve(budgets, usd, before?.reservation.held);
    return result instanceof Promise ? result.then(conclude) : conclude(result);
  }

  /** Keeps so much where there is something left now; undefined: there is not. */
  reserveNow(
    budgets: readonly RequestBudget[],
    usd: number,
  ): BudgetReservation | undefined | Promise<BudgetReservation | undefined> {
    if (budgets.length === 0) return NO_RESERVATION;
    const conclude = (result: BudgetReservation | RequestBudget): BudgetReservation | undefined =>
      'settle' in result ? result : undefined;
    const refuse = (error: unknown): void => {
      if (!(error instanceof BudgetExceededError)) throw error;
    };
    try {
      const result = this.tryReserve(budgets, usd);
      if (!(result instanceof Promise)) return conclude(result);
      return result.then(conclude, (error: unknown) => {
        refuse(error);
        return undefined;
      });
    } catch (error) {
      refuse(error);
      return undefined;
    }
  }

  /** Those that wait for money. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** What the configuration does not know any more is forgotten; what it still knows stays as it was spent. */
  follow(policy: BudgetPolicy): void {
    const known = new Set<string>();
    for (const budget of configuredBudgets(policy)) known.add(idOf(budget));
    for (const [id, account] of this.#accounts) {
      const { scope, subject, per } = account.budget;
      const isUnnamed = scope === 'tenant' && !policy.tenants.has(subject);
      if (known.has(id) || (isUnnamed && policy.defaultTenant.some((budget) => budget.per === per))) continue;
      this.drop(account);
    }
  }

  report(policy: BudgetPolicy): BudgetReport {
    const nowMs = this.now();
    const reported = new Set<string>();
    const budgets = configuredBudgets(policy).map((budget) => {
      reported.add(idOf(budget));
      return this.stateOf(budget, policy, nowMs);
    });
    const others = [...this.#accounts.values()].flatMap(({ id, budget: { scope, per, subject, name } }) => {
      const terms = policy.defaultTenant.find((budget) => budget.per === per);
      if (reported.has(id) || scope !== 'tenant' || terms === undefined) return [];
      return [this.stateOf({ ...terms, subject, name }, policy, nowMs, id)];
    });
    return { timezone: policy.timezone, budgets: [...budgets, ...others] };
  }

  /** Nobody waits any more. */
  close(): void {
    this.#queue.close();
  }

  private tryReserve(
    budgets: readonly RequestBudget[],
    usd: number,
    own: ReadonlyMap<string, number> = NOTHING_HELD,
  ): BudgetReservation | RequestBudget | Promise<BudgetReservation | RequestBudget> {
    // Who has waited may find a new day.
    for (const { account } of budgets) this.current(account);
    const underestimate = Math.max(...budgets.map(({ account }) => account.underestimate));
    const amount: Amount = { estimated: toUnits(usd), held: toUnits(usd * underestimate) };
    const quotas = budgets.map(({ budget, account }): Quota => ({
      key: account.key,
      limit:
        budget.onExceeded === 'reject'
          ? toUnits(budget.limitUsd) + (own.get(account.key) ?? 0)
          : Number.POSITIVE_INFINITY,
      endsAtMs: account.period.endsAtMs,
    }));
    const full = this.store.hold(quotas, amount.held);
    const conclude = (position: number | undefined): BudgetReservation | RequestBudget => {
      const lacking = position === undefined ? undefined : budgets[position];
      if (lacking === undefined) return this.reservation(budgets, quotas, amount);
      if (!this.isSpent(lacking)) return lacking;
      throw exceeded(lacking);
    };
    return full instanceof Promise ? full.then(conclude) : conclude(full);
  }

  private reservation(
    budgets: readonly RequestBudget[],
    quotas: readonly Quota[],
    { estimated, held }: Amount,
  ): BudgetReservation {
    let isSettled = false;
    const extensions: number[] = [];
    return {
      get held() {
        const all = extensions.reduce((sum, more) => sum + more, held);
        return new Map(isSettled ? [] : quotas.map(({ key }) => [key, all]));
      },
      extend: (usd) => {
        const more = toUnits(usd);
        const conclude = (full: number | undefined): boolean => {
          if (full !== undefined) return false;
          // Its end may have come while the store was asked.
          if (isSettled) void this.settle(budgets, quotas, more, 0);
          else extensions.push(more);
          return true;
        };
        const full = this.store.hold(quotas, more);
        return full instanceof Promise ? full.then(conclude) : conclude(full);
      },
      settle: (usd) => {
        if (isSettled) return;
        isSettled = true;
        const used = toUnits(usd);
        let estimatedInAll = estimated;
        for (const more of extensions) {
          estimatedInAll += more;
          void this.store.settle(quotas, more, 0);
        }
        const after = (): void => {
          budgets.forEach(({ budget, account }, position) => {
            learn(account, estimatedInAll, used);
            // What began yesterday counts there, and tells nothing of today.
            if (quotas[position]?.key === account.key) this.tell(budget, account);
          });
          this.#queue.serve(budgets);
        };
        const settled = this.settle(budgets, quotas, held, used);
        if (settled instanceof Promise) void settled.then(after, after);
        else after();
      },
    };
  }

  private settle(
    budgets: readonly RequestBudget[],
    quotas: readonly Quota[],
    held: number,
    used: number,
  ): Awaitable<void> {
    const forget = (): void => {
      // Another call of a request that began yesterday has brought yesterday back.
      budgets.forEach(({ account }, position) => {
        const key = quotas[position]?.key;
        if (key !== undefined && this.#accounts.get(account.id)?.key !== key) this.store.forget(key);
      });
    };
    const settled = this.store.settle(quotas, held, used);
    if (settled instanceof Promise) return settled.finally(forget);
    forget();
  }

  private tell(budget: Budget, account: BudgetAccount): void {
    const spentUsd = toUsd(this.store.peek(account.key).used);
    const news = account.tell(spentUsd / budget.limitUsd, budget.limitUsd);
    if (news === undefined) return;
    const event: BudgetEvent = {
      scope: budget.scope,
      name: account.budget.name,
      isConfigured: account.isConfigured,
      per: budget.per,
      onExceeded: budget.onExceeded,
      limitUsd: budget.limitUsd,
      spentUsd,
      resetsAtMs: account.period.endsAtMs,
    };
    this.bus.emit(news === 'spent' ? 'budget-spent' : 'budget-nearly-spent', event);
  }

  private isSpent({ budget, account }: RequestBudget): boolean {
    return this.store.peek(account.key).used >= toUnits(budget.limitUsd);
  }

  private findFull(budgets: readonly RequestBudget[], onExceeded: Budget['onExceeded']): Budget | undefined {
    return budgets.find(({ budget, account }) => {
      if (budget.onExceeded !== onExceeded) return false;
      const { used, held } = this.store.peek(account.key);
      // Who waits for what is held is not refused.
      return (onExceeded === 'reject' ? used : used + held) >= toUnits(budget.limitUsd);
    })?.budget;
  }

  private account(
    budget: Budget,
    isConfigured: boolean,
    { timezone, maxTenants }: BudgetPolicy,
  ): BudgetAccount {
    const id = idOf(budget);
    const known = this.#accounts.get(id);
    if (known !== undefined) return this.current(known, timezone);
    if (isConfigured) return this.open(id, budget, isConfigured, timezone);
    if (this.#unnamed >= maxTenants) this.sweep();
    if (this.#unnamed < maxTenants) {
      this.#unnamed += 1;
      return this.open(id, budget, isConfigured, timezone);
    }
    const shared = `others:${budget.per}`;
    const account = this.#accounts.get(shared);
    if (account !== undefined) return this.current(account, timezone);
    return this.open(shared, { ...budget, subject: '', name: 'all others' }, isConfigured, timezone);
  }

  private open(id: string, budget: Budget, isConfigured: boolean, timezone: string): BudgetAccount {
    const { scope, subject, name, per } = budget;
    const account = new BudgetAccount(id, { scope, subject, name, per }, isConfigured, timezone, this.now());
    this.#accounts.set(id, account);
    return account;
  }

  private current(account: BudgetAccount, timezone = account.timezone): BudgetAccount {
    const ended = account.follow(timezone, this.now());
    if (ended !== undefined) this.store.forget(ended);
    return account;
  }

  /** Tenants that have spent nothing in the present period make room for others. */
  private sweep(): void {
    const nowMs = this.now();
    if (nowMs - this.#sweptAtMs < MIN_SWEEP_INTERVAL_MS) return;
    this.#sweptAtMs = nowMs;
    for (const account of this.#accounts.values()) {
      if (!account.isConfigured && account.period.endsAtMs <= nowMs) this.drop(account);
    }
  }

  private drop(account: BudgetAccount): void {
    if (!this.#accounts.delete(account.id)) return;
    if (!account.isConfigured && !account.id.startsWith('others:')) this.#unnamed -= 1;
    this.store.forget(account.key);
  }

  private stateOf(budget: Budget, { timezone }: BudgetPolicy, nowMs: number, id = idOf(budget)): BudgetState {
    const known = this.#accounts.get(id);
    const account = known === undefined ? undefined : this.current(known, timezone);
    const { startsAtMs, endsAtMs } = account?.period ?? periodAt(timezone, budget.per, nowMs);
    const { used, held } = account === undefined ? { used: 0, held: 0 } : this.store.peek(account.key);
    const { scope, name, per, onExceeded, limitUsd } = budget;
    return {
      scope,
      name,
      per,
      onExceeded,
      limitUsd,
      spentUsd: toUsd(used),
      reservedUsd: toUsd(held),
      availableUsd: toUsd(Math.max(0, toUnits(limitUsd) - used - held)),
      since: new Date(startsAtMs).toISOString(),
      resetsAt: new Date(endsAtMs).toISOString(),
    };
  }
}

function configuredBudgets({ surfaces, tenants, keys }: BudgetPolicy): Budget[] {
  return [surfaces, tenants, keys].flatMap((budgets) => [...budgets.values()].flat());
}

/** Neither scope nor length has a colon in it, so no two are alike. */
function idOf({ scope, per, subject }: Budget): string {
  return `${scope}:${per}:${subject}`;
}

function exceeded({ budget: { scope, per }, account }: RequestBudget): BudgetExceededError {
  return new BudgetExceededError({ scope, per, resetsAtMs: account.period.endsAtMs });
}

function learn(account: BudgetAccount, estimated: number, used: number): void {
  const off = estimated > 0 ? Math.min(used / estimated, MAX_UNDERESTIMATE) : 1;
  account.underestimate = Math.max(1, off, account.underestimate * UNDERESTIMATE_DECAY);
}

function toUnits(usd: number): number {
  return usd > 0 ? Math.round(usd * UNITS_PER_USD) : 0;
}

function toUsd(units: number): number {
  return units / UNITS_PER_USD;
}
