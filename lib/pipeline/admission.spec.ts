import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OverloadedError } from '../errors/overloaded-error.js';
import { Admission } from './admission.js';

const LIMITS = { requestsInFlight: 3, requestsInFlightPerKey: 2 };

describe('Admission', () => {
  it('refuses what is over the limit, with a wait, and takes again what was given back', () => {
    const admission = new Admission();
    const leave = [1, 2, 3].map(() => admission.enter(LIMITS, undefined));
    expect(() => admission.enter(LIMITS, undefined)).toThrow(OverloadedError);
    try {
      admission.enter(LIMITS, undefined);
    } catch (error) {
      expect((error as OverloadedError).retryAfterMs).toBeGreaterThan(0);
    }
    leave[0]?.();
    leave[0]?.();
    expect(admission.inFlight).toBe(2);
    admission.enter(LIMITS, undefined);
    expect(admission.inFlight).toBe(3);
  });

  it('counts each key by itself', () => {
    const admission = new Admission();
    const limits = { requestsInFlight: 10, requestsInFlightPerKey: 1 };
    const leave = admission.enter(limits, 'a');
    expect(() => admission.enter(limits, 'a')).toThrow(/key/);
    admission.enter(limits, 'b');
    admission.enter(limits, undefined);
    leave();
    admission.enter(limits, 'a');
  });

  it('takes nobody once closed, and tells when the last has left', async () => {
    const admission = new Admission();
    await admission.whenIdle();
    const leave = [admission.enter(LIMITS, 'a'), admission.enter(LIMITS, 'b')];
    admission.close();
    expect(() => admission.enter(LIMITS, undefined)).toThrow(OverloadedError);
    let isIdle = false;
    const idle = Promise.all([admission.whenIdle(), admission.whenIdle()]).then(() => (isIdle = true));
    leave[0]?.();
    await Promise.resolve();
    expect(isIdle).toBe(false);
    leave[1]?.();
    await idle;
  });

  it('never drifts: any order of entering and leaving', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom('a', 'b', undefined), fc.nat(20)), { maxLength: 100 }),
        (steps) => {
          const admission = new Admission();
          const inside: { key: string | undefined; leave: () => void; isIn: boolean }[] = [];
          for (const step of steps) {
            const present = inside.filter(({ isIn }) => isIn);
            if (typeof step === 'number') {
              // Any of all that ever entered, so that some leave twice.
              const one = inside[step % Math.max(1, inside.length)];
              if (one !== undefined) {
                one.leave();
                one.isIn = false;
              }
            } else {
              const isFull =
                present.length >= LIMITS.requestsInFlight ||
                (step !== undefined &&
                  present.filter(({ key }) => key === step).length >= LIMITS.requestsInFlightPerKey);
              if (isFull) expect(() => admission.enter(LIMITS, step)).toThrow(OverloadedError);
              else inside.push({ key: step, leave: admission.enter(LIMITS, step), isIn: true });
            }
            expect(admission.inFlight).toBe(inside.filter(({ isIn }) => isIn).length);
          }
        },
      ),
    );
  });
});
