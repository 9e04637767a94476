import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from './simulated-clock.js';

describe('SimulatedClock', () => {
  it('runs events by their time, and those of one moment in the order they were set', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 50 }), { maxLength: 200 }), (delays) => {
        const clock = new SimulatedClock(1_000);
        const seen: { atMs: number; index: number }[] = [];
        for (const [index, delayMs] of delays.entries()) {
          clock.after(delayMs, () => seen.push({ atMs: clock.now(), index }));
        }
        clock.run();
        const expected = delays
          .map((delayMs, index) => ({ atMs: 1_000 + delayMs, index }))
          .sort((first, second) => first.atMs - second.atMs || first.index - second.index);
        expect(seen).toEqual(expected);
      }),
    );
  });

  it('runs what events set, never goes back, and leaves out what was called off', () => {
    const clock = new SimulatedClock(0);
    const seen: string[] = [];
    const late = clock.after(30, () => seen.push('called off'));
    clock.after(10, () => {
      seen.push('first');
      late.cancel();
      clock.at(5, () => seen.push(`past, at ${clock.now()}`));
      clock.after(5, () => seen.push(`then, at ${clock.now()}`));
    });
    clock.run();
    expect(seen).toEqual(['first', 'past, at 10', 'then, at 15']);
    expect(clock.now()).toBe(15);
  });
});
