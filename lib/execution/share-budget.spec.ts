import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShareBudget } from './share-budget.js';

function bench(reserve: number, refillMs = 1_000) {
  const clock = { now: 5_000 };
  const budget = new ShareBudget(reserve, refillMs, () => clock.now);
  return {
    budget,
    clock,
    drain: () => {
      let taken = 0;
      while (budget.take()) taken += 1;
      return taken;
    },
  };
}

describe('ShareBudget', () => {
  it('has its reserve from the start, and no more', () => {
    const { budget, drain } = bench(3);
    expect(budget.has).toBe(true);
    expect(drain()).toBe(3);
    expect(budget.has).toBe(false);
    expect(budget.take()).toBe(false);
  });

  it('takes nothing by being looked at', () => {
    const { budget } = bench(1);
    for (let index = 0; index < 5; index += 1) expect(budget.has).toBe(true);
    expect(budget.take()).toBe(true);
  });

  it('is paid for by the traffic, in its share', () => {
    const { budget, drain } = bench(0);
    for (let index = 0; index < 100; index += 1) budget.payIn(0.25);
    expect(drain()).toBe(25);
  });

  it('saves up no more than fifty, or its reserve where that is more', () => {
    const { budget, drain } = bench(10);
    for (let index = 0; index < 10_000; index += 1) budget.payIn(0.5);
    expect(drain()).toBe(50);
    const large = bench(80);
    large.budget.payIn(0.5);
    expect(large.drain()).toBe(80);
  });

  it('comes back with time up to its reserve', () => {
    const { clock, drain } = bench(3);
    drain();
    clock.now += 999;
    expect(drain()).toBe(0);
    clock.now += 1;
    expect(drain()).toBe(1);
    clock.now += 2_500;
    expect(drain()).toBe(2);
    // The half second is not lost.
    clock.now += 500;
    expect(drain()).toBe(1);
    clock.now += 3_600_000;
    expect(drain()).toBe(3);
  });

  it('does not lose by time what traffic has paid in over its reserve', () => {
    const { budget, clock, drain } = bench(2);
    for (let index = 0; index < 10; index += 1) budget.payIn(1);
    clock.now += 10_000;
    expect(drain()).toBe(12);
  });

  it('never gives more than the reserve, the share of the traffic and what time brought', () => {
    const step = fc.oneof(
      fc.constant({ kind: 'request' as const }),
      fc.constant({ kind: 'take' as const }),
      fc.nat(3_000).map((ms) => ({ kind: 'pass' as const, ms })),
    );
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 50, maxLength: 300 }),
        fc.nat(12),
        fc.integer({ min: 0, max: 20 }).map((value) => value / 20),
        (steps, reserve, share) => {
          const { budget, clock } = bench(reserve);
          const since = clock.now;
          let [requests, taken] = [0, 0];
          for (const one of steps) {
            if (one.kind === 'request') {
              requests += 1;
              budget.payIn(share);
            } else if (one.kind === 'pass') {
              clock.now += one.ms;
            } else {
              const { has } = budget;
              expect(budget.take()).toBe(has);
              if (has) taken += 1;
            }
            const most = reserve + share * requests + Math.floor((clock.now - since) / 1_000);
            expect(taken).toBeLessThanOrEqual(most + 1e-6);
          }
        },
      ),
    );
  });
});
