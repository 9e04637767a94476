import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import {
  FIRST_OUT_MS,
  type KeyChange,
  type KeyLease,
  KeyRing,
  LONGEST_OUT_MS,
  LONGEST_REST_MS,
} from './key-ring.js';

function windows(remaining: number, limit: number, resetAfterMs?: number) {
  return [{ unit: 'requests' as const, remaining, limit, resetAfterMs }];
}

describe('KeyRing', () => {
  let nowMs: number;
  let changes: KeyChange[];
  let ring: KeyRing;

  beforeEach(() => {
    nowMs = 1_000_000;
    changes = [];
    ring = new KeyRing({ nowMs: () => nowMs, onChange: (change) => changes.push(change) });
    ring.setKeys(['a', 'b', 'c']);
  });

  function take(): KeyLease {
    const taken = ring.take();
    if (taken.key === undefined) throw new Error('no key');
    return taken;
  }

  /** One call from beginning to end. */
  function call(kind?: ProviderErrorKind, retryAfterMs?: number): string {
    const lease = take();
    if (kind === undefined) ring.accepted(lease);
    else ring.failed(lease, kind, retryAfterMs);
    ring.release(lease);
    return lease.key;
  }

  describe('which key is taken', () => {
    it('is each in turn, while nothing tells them apart', () => {
      expect([call(), call(), call(), call()]).toEqual(['a', 'b', 'c', 'a']);
    });

    it('is the one with the fewest calls under way', () => {
      const [first] = [take(), take(), take()];
      ring.release(first);
      expect(take().key).toBe('a');
    });

    it('is the one with the most left of its limits, one that nothing is known of before all', () => {
      for (const share of [10, 90, 50]) {
        const lease = take();
        ring.noteLimits(lease, windows(share, 100));
        ring.release(lease);
      }
      expect(call()).toBe('b');
      ring.setKeys(['a', 'b', 'c', 'd']);
      expect(call()).toBe('d');
    });

    it('is by the tightest of several limits', () => {
      const lease = take();
      ring.noteLimits(lease, [
        ...windows(99, 100),
        { unit: 'tokens', remaining: 1, limit: 100, resetAfterMs: undefined },
      ]);
      ring.release(lease);
      expect([call(), call(), call()]).toEqual(['b', 'c', 'b']);
    });

    it('takes off what was begun since the limits were read', () => {
      ring.setKeys(['a', 'b']);
      for (const remaining of [10, 8]) ring.noteLimits(take(), windows(remaining, 10));
      // 10 and 8 of 10: with two calls more the first has 8 left too, and more under way.
      expect([take(), take(), take(), take()].map(({ key }) => key)).toEqual(['a', 'a', 'b', 'a']);
    });

    it('forgets a reading at its reset, and after a minute', () => {
      ring.setKeys(['a', 'b']);
      const [first, second] = [take(), take()];
      ring.noteLimits(first, windows(0, 100, 500));
      ring.noteLimits(second, windows(1, 100, 3_600_000));
      [first, second].forEach((lease) => {
        ring.release(lease);
      });
      expect(call()).toBe('b');
      nowMs += 500;
      expect([call(), call()]).toEqual(['a', 'a']);
      nowMs += 60_000;
      expect([call(), call()]).toEqual(['b', 'a']);
    });
  });

  describe('after a 429', () => {
    it('is not the one that rests, for as long as the provider asked', () => {
      expect(call('rate_limited', 5_000)).toBe('a');
      expect(ring.health()).toEqual({ total: 3, usable: 3, refused: [], resting: [1] });
      expect([call(), call(), call()]).toEqual(['b', 'c', 'b']);
      nowMs += 5_000;
      expect(ring.health().resting).toEqual([]);
      expect(call()).toBe('a');
    });

    it.each([
      ['none named: two seconds', undefined, 2_000],
      ['an hour: a minute', 3_600_000, LONGEST_REST_MS],
      ['zero: long enough for another key to be tried', 0, 100],
    ])('rests within bounds: %s', (_name, retryAfterMs, restMs) => {
      ring.setKeys(['a']);
      call('rate_limited', retryAfterMs);
      nowMs += restMs - 1;
      expect(ring.health().resting).toEqual([1]);
      nowMs += 1;
      expect(ring.health().resting).toEqual([]);
    });

    it('lets the longest wait win', () => {
      ring.setKeys(['a']);
      const [first, second] = [take(), take()];
      ring.failed(first, 'rate_limited', 30_000);
      ring.failed(second, 'rate_limited', 1_000);
      nowMs += 29_999;
      expect(ring.health().resting).toEqual([1]);
    });

    it('takes the one that rests the shortest where all do', () => {
      for (const waitMs of [9_000, 3_000, 6_000]) call('rate_limited', waitMs);
      expect(call()).toBe('b');
      expect(ring.headroom()).toBe(0);
    });
  });

  describe('after a refusal', () => {
    it.each(['authentication', 'billing'] as const)('takes the key out, told once: %s', (kind) => {
      const [first, second] = [take(), take()];
      ring.setKeys(['a', 'b']);
      expect(ring.failed(first, kind, undefined)).toBe(true);
      expect(ring.failed(first, kind, undefined)).toBe(true);
      ring.release(first);
      ring.release(second);
      expect(changes).toEqual([
        { change: 'refused', kind, outMs: FIRST_OUT_MS, position: 1, total: 2, usable: 1 },
      ]);
      expect(ring.health()).toEqual({ total: 2, usable: 1, refused: [1], resting: [] });
      expect([call(), call()]).toEqual(['b', 'b']);
    });

    it('has one call try it again after a minute, then after two, up to ten', () => {
      ring.setKeys(['a', 'b']);
      call('authentication');
      for (const outMs of [60_000, 120_000, 240_000, 480_000, LONGEST_OUT_MS, LONGEST_OUT_MS]) {
        nowMs += outMs - 1;
        expect([call(), call()]).toEqual(['b', 'b']);
        nowMs += 1;
        const trial = take();
        expect(trial.key).toBe('a');
        // One alone.
        expect(call()).toBe('b');
        ring.failed(trial, 'authentication', undefined);
        ring.release(trial);
      }
      expect(changes).toHaveLength(1);
    });

    it('puts it back at once when the trial succeeds, and begins anew with the next refusal', () => {
      ring.setKeys(['a']);
      call('billing');
      nowMs += FIRST_OUT_MS;
      expect(call()).toBe('a');
      expect(changes.at(-1)).toEqual({
        change: 'restored',
        how: 'accepted',
        position: 1,
        total: 1,
        usable: 1,
      });
      call('authentication');
      expect(changes.at(-1)).toMatchObject({ change: 'refused', outMs: FIRST_OUT_MS });
    });

    it.each([
      ['a 429', 'rate_limited', true],
      ['a 403', 'permission', true],
      ['a 500', 'server_error', false],
      ['a timeout', 'timeout', false],
    ] as const)('reads %s of the trial', (_name, kind, isBack) => {
      ring.setKeys(['a']);
      call('authentication');
      nowMs += FIRST_OUT_MS;
      call(kind);
      expect(ring.usable).toBe(isBack ? 1 : 0);
      // Whatever proved nothing leaves the trial to the next call.
      expect(take().key).toBe('a');
    });

    it('fails fast while none is usable, and tells when the first is tried', () => {
      ring.setKeys(['a', 'b']);
      call('billing');
      nowMs += 20_000;
      call('authentication');
      nowMs += 10_000;
      expect(ring.take()).toEqual({ key: undefined, kind: 'authentication', retryAfterMs: 30_000 });
      nowMs += 30_000;
      const trial = take();
      expect(ring.take()).toEqual({ key: undefined, kind: 'authentication', retryAfterMs: 1_000 });
      ring.release(trial);
      expect(take().key).toBe('a');
    });

    it('says that money is what lacks where that is all', () => {
      ring.setKeys(['a']);
      call('billing');
      expect(ring.take()).toMatchObject({ kind: 'billing' });
    });

    it('believes a call that was let in before only where there is no other key', () => {
      ring.setKeys(['a', 'b']);
      const [first, , third] = [take(), take(), take()];
      expect(third.key).toBe('a');
      ring.failed(third, 'authentication', undefined);
      ring.accepted(first);
      expect(ring.health().refused).toEqual([1]);
      ring.setKeys(['a']);
      ring.accepted(first);
      expect(ring.health().refused).toEqual([]);
    });
  });

  it('puts a key behind the others after a 403, and takes it out for none', () => {
    ring.setKeys(['a', 'b']);
    const lease = take();
    expect(ring.failed(lease, 'permission', undefined)).toBe(true);
    ring.release(lease);
    expect(ring.hasOther(lease)).toBe(true);
    const second = take();
    expect(second.key).toBe('b');
    ring.failed(second, 'permission', undefined);
    expect(ring.hasOther(second)).toBe(false);
    expect(ring.health()).toEqual({ total: 2, usable: 2, refused: [], resting: [] });
    nowMs += 30_000;
    expect(ring.hasOther(second)).toBe(true);
  });

  describe('other keys', () => {
    it('keep what is known of those that stay', () => {
      call('authentication');
      ring.setKeys(['x', 'a', 'y']);
      expect(ring.health()).toMatchObject({ total: 3, usable: 2, refused: [2] });
      ring.setKeys(['x']);
      expect(changes.at(-1)).toMatchObject({ change: 'restored', how: 'replaced', position: 2 });
    });

    it('leave calls under way with a key that is gone in peace', () => {
      const lease = take();
      ring.setKeys(['x']);
      ring.failed(lease, 'authentication', undefined);
      ring.release(lease);
      expect(changes).toEqual([]);
      expect(call()).toBe('x');
    });

    it('are secrets, and the last sixteen that were replaced still are', () => {
      for (let round = 0; round < 100; round += 1) ring.setKeys([`k${round}`, `l${round}`]);
      const secrets = ring.readSecrets();
      expect(secrets).toHaveLength(18);
      expect(secrets).toEqual(expect.arrayContaining(['k99', 'l99', 'k98', 'l91']));
      ring.setKeys(['l91']);
      expect(ring.readSecrets().filter((key) => key === 'l91')).toHaveLength(1);
    });
  });

  it('tells the headroom of the best key that is known, and nothing where one is unknown', () => {
    expect(new KeyRing({ nowMs: () => nowMs }).headroom()).toBeUndefined();
    ring.setKeys(['a', 'b']);
    expect(ring.headroom()).toBeUndefined();
    const [first, second] = [take(), take()];
    ring.noteLimits(first, windows(20, 100));
    expect(ring.headroom()).toBeUndefined();
    ring.noteLimits(second, windows(70, 100));
    expect(ring.headroom()).toBe(0.7);
    ring.failed(second, 'authentication', undefined);
    expect(ring.headroom()).toBe(0.2);
    ring.failed(first, 'authentication', undefined);
    expect(ring.headroom()).toBeUndefined();
  });

  describe('whatever happens', () => {
    type Step =
      | { readonly step: 'take' | 'probe' }
      | {
          readonly step: 'end';
          readonly which: number;
          readonly kind: ProviderErrorKind | 'ok' | 'left';
          readonly waitMs: number | undefined;
          readonly twice: boolean;
        }
      | {
          readonly step: 'limits';
          readonly which: number;
          readonly remaining: number;
          readonly limit: number;
          readonly resetAfterMs: number | undefined;
        }
      | { readonly step: 'pass'; readonly ms: number }
      | { readonly step: 'keys'; readonly keys: readonly string[] };

    const step: fc.Arbitrary<Step> = fc.oneof(
      { weight: 4, arbitrary: fc.constant({ step: 'take' as const }) },
      fc.constant({ step: 'probe' as const }),
      {
        weight: 4,
        arbitrary: fc.record({
          step: fc.constant('end' as const),
          which: fc.nat(20),
          kind: fc.constantFrom(
            'ok' as const,
            'left' as const,
            'rate_limited' as const,
            'authentication' as const,
            'billing' as const,
            'permission' as const,
            'server_error' as const,
          ),
          waitMs: fc.option(fc.nat(100_000), { nil: undefined }),
          twice: fc.boolean(),
        }),
      },
      fc.record({
        step: fc.constant('limits' as const),
        which: fc.nat(20),
        remaining: fc.nat(10),
        limit: fc.integer({ min: 10, max: 20 }),
        resetAfterMs: fc.option(fc.nat(100_000), { nil: undefined }),
      }),
      fc.record({ step: fc.constant('pass' as const), ms: fc.nat(200_000) }),
      fc.record({
        step: fc.constant('keys' as const),
        keys: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1 }),
      }),
    );

    it('takes no refused key while it is out, no resting one while another is not, and leaves no count behind', () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
          let timeMs = 0;
          const told: KeyChange[] = [];
          const tested = new KeyRing({ nowMs: () => timeMs, onChange: (change) => told.push(change) });
          let keys: readonly string[] = ['a', 'b', 'c'];
          tested.setKeys(keys);
          const open: KeyLease[] = [];
          /** When a refused key was last refused, and for how long it has to be out at least. */
          const refusedAtMs = new Map<string, number>();
          for (const one of steps) {
            switch (one.step) {
              case 'take': {
                const { refused, resting, usable, total } = tested.health();
                const taken = tested.take();
                if (taken.key === undefined) {
                  expect(usable).toBe(0);
                  expect(taken.retryAfterMs).toBeGreaterThan(0);
                  break;
                }
                const position = keys.indexOf(taken.key) + 1;
                expect(position).toBeGreaterThan(0);
                if (refused.includes(position)) {
                  // A trial, and not before its time.
                  expect(timeMs - refusedAtMs.get(taken.key)!).toBeGreaterThanOrEqual(FIRST_OUT_MS);
                } else if (resting.includes(position)) {
                  expect(refused.length + resting.length).toBe(total);
                }
                open.push(taken);
                break;
              }
              case 'probe': {
                const taken = tested.takeForProbe();
                if (taken.key !== undefined) open.push(taken);
                break;
              }
              case 'end': {
                const lease = open.splice(one.which % Math.max(1, open.length), 1)[0];
                if (lease === undefined) break;
                const wasOut = tested.health().refused.includes(keys.indexOf(lease.key) + 1);
                if (one.kind === 'ok') tested.accepted(lease);
                else if (one.kind !== 'left') tested.failed(lease, one.kind, one.waitMs);
                if (!wasOut && (one.kind === 'authentication' || one.kind === 'billing')) {
                  refusedAtMs.set(lease.key, timeMs);
                }
                tested.release(lease);
                if (one.twice) tested.release(lease);
                break;
              }
              case 'limits': {
                const lease = open[one.which % Math.max(1, open.length)];
                if (lease !== undefined)
                  tested.noteLimits(lease, windows(one.remaining, one.limit, one.resetAfterMs));
                break;
              }
              case 'pass':
                timeMs += one.ms;
                break;
              case 'keys':
                ({ keys } = one);
                tested.setKeys(keys);
            }
            const headroom = tested.headroom() ?? 0;
            expect(headroom >= 0 && headroom <= 1).toBe(true);
            const { total, usable, refused } = tested.health();
            expect(usable + refused.length).toBe(total);
            expect(tested.callsUnderWay).toBeGreaterThanOrEqual(0);
          }
          for (const lease of open) tested.release(lease);
          expect(tested.callsUnderWay).toBe(0);
          // Told as often in as out: those that are out still are the difference.
          const out = told.filter(({ change }) => change === 'refused').length;
          const back = told.filter(({ change }) => change === 'restored').length;
          expect(out - back).toBe(tested.health().refused.length);
        }),
        { numRuns: 500 },
      );
    });

    it('always comes back to a key: after ten minutes a call goes out, whatever was before', () => {
      fc.assert(
        fc.property(
          fc.array(fc.constantFrom<ProviderErrorKind>('authentication', 'billing', 'rate_limited'), {
            maxLength: 40,
          }),
          (kinds) => {
            let timeMs = 0;
            const tested = new KeyRing({ nowMs: () => timeMs });
            tested.setKeys(['a', 'b']);
            for (const kind of kinds) {
              const lease = tested.take();
              if (lease.key !== undefined) {
                tested.failed(lease, kind, undefined);
                tested.release(lease);
              }
              timeMs += 7_000;
            }
            timeMs += LONGEST_OUT_MS;
            expect(tested.take().key).toBeDefined();
          },
        ),
      );
    });
  });
});
