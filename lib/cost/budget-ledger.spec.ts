import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BudgetExceededError } from '../errors/budget-exceeded-error.js';
import { MemoryQuotaStore, type Quota, type QuotaStore } from '../storage/index.js';
import { type BudgetEvent, TelemetryBus } from '../telemetry/index.js';
import { type Budget, BudgetLedger, type BudgetPolicy, type BudgetReservation, NO_BUDGETS } from './index.js';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-11-30T12:00:00Z');
const patient = () => ({ maxWaitMs: 60_000, signal: new AbortController().signal });

type Terms = Pick<Budget, 'per' | 'limitUsd' | 'onExceeded'>;
const REJECT: Terms = { per: 'day', limitUsd: 1, onExceeded: 'reject' };

function policyOf(
  {
    surfaces = {},
    tenants = {},
    keys = {},
    defaultTenant = [],
  }: {
    surfaces?: Record<string, Terms[]>;
    tenants?: Record<string, Terms[]>;
    keys?: Record<string, Terms[]>;
    defaultTenant?: Terms[];
  },
  extra: Partial<BudgetPolicy> = {},
): BudgetPolicy {
  const mapOf = (scope: Budget['scope'], given: Record<string, Terms[]>): Map<string, Budget[]> =>
    new Map(
      Object.entries(given).map(([name, terms]) => [
        name,
        terms.map((each) => ({ scope, subject: name, name, ...each })),
      ]),
    );
  return {
    ...NO_BUDGETS,
    maxTenants: 100,
    surfaces: mapOf('surface', surfaces),
    tenants: mapOf('tenant', tenants),
    keys: mapOf('key', keys),
    defaultTenant: defaultTenant.map((terms) => ({ scope: 'tenant', subject: '', name: '', ...terms })),
    ...extra,
  };
}

class Desk {
  nowMs = START;
  readonly bus = new TelemetryBus();
  readonly store = new MemoryQuotaStore();
  readonly ledger: BudgetLedger;
  readonly events: (BudgetEvent & { readonly event: string })[] = [];

  constructor(store?: QuotaStore) {
    this.ledger = new BudgetLedger(this.bus, store ?? this.store, () => this.nowMs);
    for (const event of ['budget-nearly-spent', 'budget-spent'] as const) {
      this.bus.on(event, (told) => this.events.push({ event, ...told }));
    }
  }

  reserve(
    policy: BudgetPolicy,
    usd: number,
    who: { surface?: string; tenant?: string; keyId?: string } = { surface: 'a' },
    patience = patient(),
  ): BudgetReservation | Promise<BudgetReservation | undefined> {
    const budgets = this.ledger.budgetsOf(policy, {
      surface: who.surface ?? 'none',
      tenant: who.tenant,
      keyId: who.keyId,
    });
    return this.ledger.reserve(budgets, usd, patience);
  }

  /** A request that costs so much, from beginning to end. */
  spend(
    policy: BudgetPolicy,
    usd: number,
    who?: { surface?: string; tenant?: string; keyId?: string },
  ): void {
    const reservation = this.reserve(policy, usd, who);
    if (reservation instanceof Promise) throw new Error('It waits.');
    reservation.settle(usd);
  }
}

describe('BudgetLedger', () => {
  it('asks nothing of who has no budget', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    desk.spend(policy, 100, { surface: 'b' });
    desk.spend(NO_BUDGETS, 100);
    expect(desk.store.size).toBe(0);
    expect(desk.ledger.report(policy).budgets).toEqual([
      {
        scope: 'surface',
        name: 'a',
        per: 'day',
        onExceeded: 'reject',
        limitUsd: 1,
        spentUsd: 0,
        reservedUsd: 0,
        availableUsd: 1,
        since: '2026-11-30T00:00:00.000Z',
        resetsAt: '2026-12-01T00:00:00.000Z',
      },
    ]);
  });

  it('begins anew with the next day, and counts a request in the day it began in', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    desk.spend(policy, 0.5);
    const over = desk.reserve(policy, 0.7) as BudgetReservation;
    desk.nowMs += DAY_MS;
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({
      spentUsd: 0,
      reservedUsd: 0,
      since: '2026-12-01T00:00:00.000Z',
    });
    over.settle(0.7);
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({ spentUsd: 0 });
    // It was over yesterday's, and nobody needs to know today.
    expect(desk.events.map(({ event }) => event)).toEqual([]);
    desk.spend(policy, 0.25);
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({ spentUsd: 0.25 });
    expect(desk.store.size).toBe(1);
  });

  it('serves who has waited out of the day that has come meanwhile', async () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    const first = desk.reserve(policy, 1) as BudgetReservation;
    const waiting = desk.reserve(policy, 0.5);
    desk.nowMs += DAY_MS;
    first.settle(1);
    (await waiting)?.settle(0.25);
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({
      spentUsd: 0.25,
      since: '2026-12-01T00:00:00.000Z',
    });
  });

  it('does not begin a day again where the clock is set back a little', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    desk.nowMs = Date.parse('2026-12-01T00:00:01Z');
    desk.spend(policy, 0.5);
    desk.nowMs -= 2_000;
    desk.spend(policy, 0.25);
    desk.nowMs += 2_000;
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({ spentUsd: 0.75 });
  });

  it('tells once at 80 % and once when all is spent, and again under another limit', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [{ ...REJECT, per: 'month' }] } });
    for (let call = 0; call < 9; call += 1) desk.spend(policy, 0.1);
    expect(desk.events).toEqual([
      {
        event: 'budget-nearly-spent',
        scope: 'surface',
        name: 'a',
        isConfigured: true,
        per: 'month',
        onExceeded: 'reject',
        limitUsd: 1,
        spentUsd: 0.8,
        resetsAtMs: Date.parse('2026-12-01T00:00:00Z'),
      },
    ]);
    desk.spend(policy, 0.1);
    expect(() => desk.reserve(policy, 0)).toThrow(BudgetExceededError);
    expect(desk.events.map(({ event }) => event)).toEqual(['budget-nearly-spent', 'budget-spent']);
    const raised = policyOf({ surfaces: { a: [{ ...REJECT, per: 'month', limitUsd: 2 }] } });
    desk.ledger.follow(raised);
    for (let call = 0; call < 10; call += 1) desk.spend(raised, 0.1);
    expect(desk.events.map(({ event }) => event).slice(2)).toEqual(['budget-nearly-spent', 'budget-spent']);
  });

  it('lets who comes wait for what is kept for others, in their order, and refuses them when it is spent', async () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    const first = desk.reserve(policy, 1) as BudgetReservation;
    const order: string[] = [];
    const waiting = ['two', 'three', 'four'].map((name) =>
      Promise.resolve(desk.reserve(policy, 1)).then(
        (reservation) => {
          order.push(name);
          reservation?.settle(0.4);
        },
        (error: unknown) => {
          order.push(`${name} ${(error as BudgetExceededError).code}`);
        },
      ),
    );
    expect(desk.ledger.waiting).toBe(3);
    first.settle(0.3);
    await Promise.all(waiting);
    // 0.3, 0.7, 1.1: the last that begins may exceed it.
    expect(order).toEqual(['two', 'three', 'four budget_exceeded']);
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({
      spentUsd: 1.1,
      reservedUsd: 0,
      availableUsd: 0,
    });
    expect(desk.ledger.waiting).toBe(0);
  });

  it('lets who waits go after a time, on a word of its caller, and at the end', async () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    const first = desk.reserve(policy, 1) as BudgetReservation;
    const leaving = new AbortController();
    const impatient = desk.reserve(policy, 1, undefined, { ...patient(), maxWaitMs: 1 });
    const left = desk.reserve(policy, 1, undefined, { ...patient(), signal: leaving.signal });
    const last = desk.reserve(policy, 1);
    leaving.abort();
    expect(await left).toBeUndefined();
    expect(await impatient).toBeUndefined();
    desk.ledger.close();
    expect(await last).toBeUndefined();
    expect(desk.ledger.waiting).toBe(0);
    first.settle(0);
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({ spentUsd: 0, reservedUsd: 0 });
  });

  it('keeps more for another call of a request, while there is something left', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [{ ...REJECT, limitUsd: 1 }] } });
    const one = desk.reserve(policy, 0.3) as BudgetReservation;
    const two = desk.reserve(policy, 0.3) as BudgetReservation;
    expect(one.extend(0.5)).toBe(true);
    expect(two.extend(0.5)).toBe(false);
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({ reservedUsd: 1.1, availableUsd: 0 });
    two.settle(0.1);
    one.settle(0.6);
    expect(desk.ledger.report(policy).budgets[0]).toMatchObject({ reservedUsd: 0, spentUsd: 0.7 });
    const budgets = desk.ledger.budgetsOf(policy, { surface: 'a', tenant: undefined, keyId: undefined });
    expect(() => {
      desk.ledger.refuseSpent(budgets);
    }).not.toThrow();
    desk.spend(policy, 0.3);
    expect(() => {
      desk.ledger.refuseSpent(budgets);
    }).toThrow(BudgetExceededError);
  });

  it('keeps more after a request that cost more than was kept for it, and less again later', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [{ ...REJECT, limitUsd: 100 }] } });
    const reserved = (): number => {
      const reservation = desk.reserve(policy, 0.1) as BudgetReservation;
      const { reservedUsd = 0 } = desk.ledger.report(policy).budgets[0] ?? {};
      reservation.settle(0.05);
      return reservedUsd;
    };
    expect(reserved()).toBe(0.1);
    (desk.reserve(policy, 0.1) as BudgetReservation).settle(0.4);
    expect(reserved()).toBeCloseTo(0.4, 9);
    for (let call = 0; call < 50; call += 1) reserved();
    expect(reserved()).toBe(0.1);
  });

  it('learns of requests side by side what it learns of them one by one', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [{ ...REJECT, limitUsd: 100 }] } });
    const open = Array.from({ length: 20 }, () => desk.reserve(policy, 0.1) as BudgetReservation);
    for (const reservation of open) reservation.settle(0.15);
    const next = desk.reserve(policy, 0.1) as BudgetReservation;
    expect(desk.ledger.report(policy).budgets[0]?.reservedUsd).toBeCloseTo(0.15, 9);
    next.settle(0.1);
  });

  it('learns for each budget by the estimate, whatever another budget has made of it', () => {
    const desk = new Desk();
    const policy = policyOf({
      surfaces: { a: [{ ...REJECT, limitUsd: 100 }] },
      tenants: { t: [{ ...REJECT, limitUsd: 100 }] },
    });
    (desk.reserve(policy, 0.1) as BudgetReservation).settle(0.4);
    (desk.reserve(policy, 0.1, { surface: 'a', tenant: 't' }) as BudgetReservation).settle(0.2);
    const ofTenant = desk.reserve(policy, 0.1, { tenant: 't' }) as BudgetReservation;
    expect(desk.ledger.report(policy).budgets.find(({ name }) => name === 't')?.reservedUsd).toBeCloseTo(
      0.2,
      9,
    );
    ofTenant.settle(0.1);
  });

  it('forgets yesterday with the last that began in it, though that was extended today', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    const over = desk.reserve(policy, 0.3) as BudgetReservation;
    const other = desk.reserve(policy, 0.3) as BudgetReservation;
    desk.nowMs += DAY_MS;
    desk.ledger.report(policy);
    expect(over.extend(0.1)).toBe(true);
    over.settle(0.2);
    expect(desk.store.size).toBe(1);
    other.settle(0.2);
    expect(desk.store.size).toBe(0);
  });

  it('forgets what is configured no more, though a request of it was extended', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    const over = desk.reserve(policy, 0.3) as BudgetReservation;
    desk.ledger.follow(NO_BUDGETS);
    expect(over.extend(0.1)).toBe(true);
    over.settle(0.2);
    expect(desk.store.size).toBe(0);
  });

  it('holds every budget of a request: surface, key and tenant, day and month', () => {
    const desk = new Desk();
    const policy = policyOf({
      surfaces: { a: [{ ...REJECT, limitUsd: 5 }] },
      keys: { k: [{ ...REJECT, limitUsd: 4 }] },
      tenants: {
        t: [
          { ...REJECT, limitUsd: 3, per: 'month' },
          { ...REJECT, limitUsd: 2 },
        ],
      },
    });
    const who = { surface: 'a', tenant: 't', keyId: 'k' };
    desk.spend(policy, 2, who);
    expect(
      desk.ledger.report(policy).budgets.map(({ scope, per, spentUsd }) => [scope, per, spentUsd]),
    ).toEqual([
      ['surface', 'day', 2],
      ['tenant', 'month', 2],
      ['tenant', 'day', 2],
      ['key', 'day', 2],
    ]);
    expect(() => desk.reserve(policy, 1, who)).toThrow(/tenant for this day/);
    // In none of them anything is left of the refused one.
    expect(desk.ledger.report(policy).budgets.every(({ reservedUsd }) => reservedUsd === 0)).toBe(true);
    desk.nowMs += DAY_MS;
    desk.spend(policy, 1, { ...who, surface: 'b', keyId: 'other' });
  });

  it('tells which budgets make requests cheaper, before they are over', () => {
    const desk = new Desk();
    const policy = policyOf({ surfaces: { a: [{ ...REJECT, onExceeded: 'downgrade' }] } });
    const budgets = desk.ledger.budgetsOf(policy, { surface: 'a', tenant: undefined, keyId: undefined });
    expect(desk.ledger.findDowngrade(budgets)).toBeUndefined();
    const reservation = desk.reserve(policy, 1.5) as BudgetReservation;
    expect(desk.ledger.findDowngrade(budgets)).toMatchObject({ name: 'a' });
    // Never refused, never kept waiting.
    (desk.reserve(policy, 2) as BudgetReservation).settle(0.1);
    reservation.settle(0.2);
    expect(desk.ledger.findDowngrade(budgets)).toBeUndefined();
    expect(desk.ledger.findRefusal(budgets)).toBeUndefined();
  });

  it('keeps as many tenants as it may, and counts all others as one', () => {
    const desk = new Desk();
    const policy = policyOf({ defaultTenant: [REJECT] }, { maxTenants: 3 });
    for (let tenant = 0; tenant < 1_000; tenant += 1) {
      if (tenant < 4) desk.spend(policy, 1, { tenant: `t${tenant}` });
      else expect(() => desk.reserve(policy, 1, { tenant: `t${tenant}` })).toThrow(BudgetExceededError);
    }
    expect(desk.store.size).toBe(4);
    expect(desk.ledger.report(policy).budgets.map(({ name }) => name)).toEqual([
      't0',
      't1',
      't2',
      'all others',
    ]);
    expect(desk.events.every(({ isConfigured }) => !isConfigured)).toBe(true);
    // The next day there is room for others.
    desk.nowMs += DAY_MS;
    for (const tenant of ['u0', 'u1', 'u2', 'u3']) desk.spend(policy, 1, { tenant });
    expect(desk.store.size).toBeLessThanOrEqual(5);
  });

  it('forgets what is configured no more, and keeps the rest through another zone and limit', () => {
    const desk = new Desk();
    const before = policyOf({ surfaces: { a: [REJECT], b: [REJECT] }, tenants: { t: [REJECT] } });
    desk.spend(before, 0.5);
    desk.spend(before, 0.25, { surface: 'b', tenant: 't' });
    const open = desk.reserve(before, 0.3, { surface: 'b' }) as BudgetReservation;
    const after = policyOf(
      { surfaces: { a: [{ ...REJECT, limitUsd: 3 }] }, defaultTenant: [REJECT] },
      { timezone: 'Europe/Berlin' },
    );
    desk.ledger.follow(after);
    expect(desk.ledger.report(after).budgets).toEqual([
      expect.objectContaining({
        name: 'a',
        limitUsd: 3,
        spentUsd: 0.5,
        resetsAt: '2026-11-30T23:00:00.000Z',
      }),
      expect.objectContaining({ name: 't', spentUsd: 0.25 }),
    ]);
    open.settle(0.3);
    expect(desk.store.size).toBe(2);
  });

  it('waits for a store that answers later', async () => {
    const memory = new MemoryQuotaStore();
    const remote: QuotaStore = {
      hold: async (quotas: readonly Quota[], amount: number) => {
        await Promise.resolve();
        return memory.hold(quotas, amount);
      },
      settle: async (quotas, held, used) => {
        await Promise.resolve();
        memory.settle(quotas, held, used);
      },
      peek: (key) => memory.peek(key),
      forget: (key) => {
        memory.forget(key);
      },
    };
    const desk = new Desk(remote);
    const policy = policyOf({ surfaces: { a: [REJECT] } });
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async () => {
        try {
          const reservation = await desk.reserve(policy, 0.9);
          await Promise.resolve();
          reservation?.settle(0.3);
          return 'served';
        } catch {
          return 'refused';
        }
      }),
    );
    expect(outcomes.filter((outcome) => outcome === 'served')).toHaveLength(4);
    expect(memory.peek('surface:day:a:2026-11-30')).toMatchObject({ used: 1_200_000_000, held: 0 });
  });

  it('is never negative, loses nothing, and is over by one request at most, whatever comes in whatever order', async () => {
    const cents = fc.integer({ min: 0, max: 60 });
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('begin' as const),
        surface: fc.constantFrom('a', 'b', 'soft'),
        tenant: fc.constantFrom('t', undefined),
        mostCents: cents,
        // Some cost up to three times as much as is estimated. As whole numbers: doubles are next to nothing mostly.
        percent: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 300 })),
      }),
      fc.record({ kind: fc.constant('end' as const), which: fc.nat(), isFailed: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
        const desk = new Desk();
        const policy = policyOf({
          surfaces: {
            a: [REJECT],
            b: [{ ...REJECT, limitUsd: 0.5 }],
            soft: [{ ...REJECT, onExceeded: 'downgrade' }],
          },
          tenants: { t: [{ ...REJECT, per: 'month', limitUsd: 2 }] },
        });
        const open: {
          reservation: BudgetReservation;
          usd: number;
          surface: string;
          tenant: string | undefined;
        }[] = [];
        const spent = new Map<string, number>();
        const biggest = new Map<string, number>();
        let mostOff = 1;
        const check = (): void => {
          for (const { name, spentUsd, reservedUsd, availableUsd, limitUsd } of desk.ledger.report(policy)
            .budgets) {
            expect(reservedUsd).toBeGreaterThanOrEqual(0);
            expect(availableUsd).toBeGreaterThanOrEqual(0);
            expect(spentUsd).toBeCloseTo(spent.get(name) ?? 0, 7);
            if (name !== 'soft')
              expect(spentUsd).toBeLessThanOrEqual(limitUsd * mostOff + (biggest.get(name) ?? 0) + 1e-9);
          }
          for (const surface of ['a', 'b', 'soft']) {
            const who = { surface, tenant: 't', keyId: undefined };
            for (const { account } of desk.ledger.budgetsOf(policy, who)) {
              expect(account.underestimate).toBeLessThanOrEqual(mostOff + 1e-6);
            }
          }
        };
        const begun: Promise<void>[] = [];
        const refuse = (error: unknown): void => {
          expect(error).toBeInstanceOf(BudgetExceededError);
        };
        for (const each of steps) {
          if (each.kind === 'begin') {
            const { surface, tenant, mostCents, percent } = each;
            const usd = (mostCents * percent) / 10_000;
            mostOff = Math.max(mostOff, percent / 100);
            const take = (reservation: BudgetReservation | undefined): void => {
              if (reservation !== undefined) open.push({ reservation, usd, surface, tenant });
            };
            try {
              const reserved = desk.reserve(policy, mostCents / 100, {
                surface,
                ...(tenant === undefined ? {} : { tenant }),
              });
              if (reserved instanceof Promise) begun.push(reserved.then(take, refuse));
              else take(reserved);
            } catch (error) {
              refuse(error);
            }
          } else if (open.length > 0) {
            const [ended] = open.splice(each.which % open.length, 1);
            if (ended === undefined) continue;
            const usd = each.isFailed ? 0 : ended.usd;
            for (const name of [ended.surface, ended.tenant ?? '']) {
              spent.set(name, (spent.get(name) ?? 0) + usd);
              biggest.set(name, Math.max(biggest.get(name) ?? 0, usd));
            }
            ended.reservation.settle(usd);
            ended.reservation.settle(usd);
            await new Promise(setImmediate);
          }
          check();
        }
        desk.ledger.close();
        await Promise.all(begun);
        for (const { reservation } of open.splice(0)) reservation.settle(0);
        expect(desk.ledger.report(policy).budgets.every(({ reservedUsd }) => reservedUsd === 0)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
