import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BreakerOutcome,
  type BreakerSettings,
  CircuitBreaker,
  DEFAULT_BREAKER,
} from './circuit-breaker.js';

const START = 1_000_000;

/** A breaker, a clock, and calls that start and end at once. */
function bench(settings: Partial<BreakerSettings> = {}) {
  const clock = { nowMs: START };
  const breaker = new CircuitBreaker(() => ({ ...DEFAULT_BREAKER, ...settings }));
  let calls = 0;
  const call = (outcome: BreakerOutcome): void => {
    const id = `call ${(calls += 1)}`;
    breaker.started(id, clock.nowMs);
    breaker.ended(id, outcome, { startedAtMs: clock.nowMs, streamed: true }, clock.nowMs);
  };
  return {
    breaker,
    clock,
    start: (id: string) => {
      breaker.started(id, clock.nowMs);
    },
    end: (id: string, outcome: BreakerOutcome, startedAtMs = clock.nowMs) => {
      breaker.ended(id, outcome, { startedAtMs, streamed: true }, clock.nowMs);
    },
    call,
    calls: (...outcomes: BreakerOutcome[]) => {
      for (const outcome of outcomes) call(outcome);
    },
    read: () => breaker.read(clock.nowMs),
    state: () => breaker.read(clock.nowMs).state,
  };
}

function times(count: number, outcome: BreakerOutcome): BreakerOutcome[] {
  return Array.from({ length: count }, () => outcome);
}

/** One whose pause is just over. */
function halfOpen(settings: Partial<BreakerSettings> = {}) {
  const made = bench(settings);
  made.calls(...times(5, 'fault'));
  made.clock.nowMs = made.read().openUntilMs;
  expect(made.read()).toEqual({ state: 'half_open', share: 1, openUntilMs: 0 });
  return made;
}

describe('a closed breaker', () => {
  it('opens at the share of faults, once there are as many calls as it takes', () => {
    const { calls, state, read } = bench();
    calls(...times(7, 'success'), 'fault', 'success');
    expect(state()).toBe('closed');
    // Two of ten are 20 %, and no pattern yet; nor are three of eleven, where chance alone could make them of one in ten.
    calls('fault');
    expect(state()).toBe('closed');
    calls('fault');
    expect(state()).toBe('closed');
    calls('fault');
    expect(read()).toEqual({ state: 'open', share: 0, openUntilMs: START + 5_000 });
  });

  it('stays closed one fault under the share', () => {
    const { calls, state } = bench({ errorRate: 0.5, minRequests: 10 });
    for (let round = 0; round < 20; round += 1) calls('success', 'success', 'fault');
    expect(state()).toBe('closed');
  });

  it('needs the minimum volume for a share', () => {
    const { calls, state } = bench();
    calls('fault', 'fault', 'success', 'fault', 'fault', 'success', 'fault', 'fault', 'success');
    expect(state()).toBe('closed');
    calls('success');
    // A success is no news that would open it; the fault after it is.
    expect(state()).toBe('closed');
    calls('fault');
    expect(state()).toBe('open');
  });

  it('opens at five faults in a row, however few calls there were, and not at four', () => {
    const { calls, call, state } = bench({ minRequests: 1_000 });
    calls(...times(4, 'fault'), 'success', ...times(4, 'fault'));
    expect(state()).toBe('closed');
    // Who leaves breaks no row.
    call('none');
    call('fault');
    expect(state()).toBe('open');
  });

  it('never opens for fewer than three faults, whatever the options say', () => {
    const { calls, state } = bench({ errorRate: 0, minRequests: 1 });
    calls('fault', 'fault');
    expect(state()).toBe('closed');
    calls('fault');
    expect(state()).toBe('open');
  });

  it('forgets the faults that have left its window', () => {
    const { calls, clock, state } = bench();
    calls('fault', 'success', 'fault');
    clock.nowMs += 30_000;
    calls(...times(9, 'success'), 'fault');
    expect(state()).toBe('closed');
  });

  it('remembers those that have not', () => {
    const { calls, clock, state } = bench();
    calls('fault', 'success', 'fault', 'fault');
    clock.nowMs += 26_000;
    calls(...times(9, 'success'), 'fault');
    expect(state()).toBe('open');
  });
});

describe('an open breaker', () => {
  it('counts nothing that ends: it was sent before', () => {
    const { breaker, calls, clock, end, read } = bench();
    for (let index = 0; index < 20; index += 1) breaker.started(`old ${index}`, START);
    calls(...times(5, 'fault'));
    const { openUntilMs } = read();
    for (let index = 0; index < 10; index += 1) end(`old ${index}`, 'fault', START);
    for (let index = 10; index < 20; index += 1) end(`old ${index}`, 'success', START);
    expect(read()).toEqual({ state: 'open', share: 0, openUntilMs });
    clock.nowMs = openUntilMs - 1;
    expect(read().state).toBe('open');
    clock.nowMs = openUntilMs;
    expect(read().state).toBe('half_open');
  });

  it('is held for the longest wait', () => {
    const { breaker, clock, read } = bench();
    breaker.hold(START + 30_000, START);
    expect(read()).toEqual({ state: 'open', share: 0, openUntilMs: START + 30_000 });
    breaker.hold(START + 10_000, START);
    expect(read().openUntilMs).toBe(START + 30_000);
    breaker.hold(START + 40_000, START);
    expect(read().openUntilMs).toBe(START + 40_000);
    clock.nowMs = START + 39_999;
    expect(read().state).toBe('open');
    clock.nowMs += 1;
    expect(read().state).toBe('half_open');
  });

  it('is not held into the past', () => {
    const { breaker, state } = bench();
    breaker.hold(START, START);
    breaker.hold(START - 1, START);
    expect(state()).toBe('closed');
  });

  it('is held beyond its own pause, and its own pause beyond a shorter hold', () => {
    const { breaker, calls, read } = bench();
    calls(...times(5, 'fault'));
    breaker.hold(START + 1_000, START);
    expect(read().openUntilMs).toBe(START + 5_000);
    breaker.hold(START + 9_000, START);
    expect(read().openUntilMs).toBe(START + 9_000);
  });

  it('takes a probe that is under way when it is held for an old call', () => {
    const { breaker, clock, start, end, read } = halfOpen();
    start('probe');
    breaker.hold(clock.nowMs + 7_000, clock.nowMs);
    end('probe', 'success');
    expect(read()).toMatchObject({ state: 'open', openUntilMs: clock.nowMs + 7_000 });
  });
});

describe('a half-open breaker', () => {
  it('lets one call through alone', () => {
    const { start, read } = halfOpen();
    start('probe');
    expect(read()).toEqual({ state: 'half_open', share: 0, openUntilMs: 0 });
    start('second');
    expect(read()).toEqual({ state: 'half_open', share: 0, openUntilMs: 0 });
  });

  it('learns from its probe alone: what else was sent meanwhile teaches nothing', () => {
    const { start, end, state } = halfOpen();
    start('probe');
    start('last resort');
    end('last resort', 'fault');
    expect(state()).toBe('half_open');
    end('last resort 2', 'success');
    expect(state()).toBe('half_open');
    end('probe', 'success');
    expect(state()).toBe('ramping');
  });

  it('gives the probe to the next where its caller leaves', () => {
    const { start, end, read } = halfOpen();
    start('probe');
    end('probe', 'none');
    expect(read()).toEqual({ state: 'half_open', share: 1, openUntilMs: 0 });
    start('next');
    expect(read().share).toBe(0);
    end('next', 'success');
    expect(read().state).toBe('ramping');
  });

  it.each(['answered', 'success'] as const)('lets its traffic back in steps after a probe (%s)', (how) => {
    const { breaker, clock, start, end, read } = halfOpen();
    start('probe');
    if (how === 'answered') breaker.answered('probe', clock.nowMs);
    else end('probe', 'success');
    const seen = [];
    for (let half = 0; half < 10; half += 1) {
      seen.push(read());
      clock.nowMs += 1_000;
    }
    expect(seen.map(({ share }) => share)).toEqual([0.1, 0.1, 0.25, 0.25, 0.5, 0.5, 1, 1, 1, 1]);
    expect(seen.map(({ state }) => state)).toEqual([
      ...Array.from({ length: 8 }, () => 'ramping'),
      'closed',
      'closed',
    ]);
  });

  it('is not called well by the first token of another call', () => {
    const { breaker, clock, start, state } = halfOpen();
    start('probe');
    breaker.answered('other', clock.nowMs);
    expect(state()).toBe('half_open');
  });

  it('doubles its pause with each probe that fails, up to the longest', () => {
    const { clock, start, end, read } = halfOpen({ openMs: 1_000, maxOpenMs: 5_000 });
    const pauses: number[] = [];
    for (let probe = 0; probe < 5; probe += 1) {
      start(`probe ${probe}`);
      clock.nowMs += 10;
      end(`probe ${probe}`, 'fault', clock.nowMs - 10);
      pauses.push(read().openUntilMs - clock.nowMs);
      clock.nowMs = read().openUntilMs;
    }
    expect(pauses).toEqual([2_000, 4_000, 5_000, 5_000, 5_000]);
  });

  it('starts again with the first pause once it was closed', () => {
    const { clock, start, end, call, calls, read } = halfOpen({ openMs: 1_000 });
    start('probe');
    end('probe', 'fault');
    clock.nowMs = read().openUntilMs;
    start('probe 2');
    end('probe 2', 'success');
    clock.nowMs += 8_000;
    call('success');
    calls(...times(5, 'fault'));
    expect(read().openUntilMs - clock.nowMs).toBe(1_000);
  });
});

describe('a ramping breaker', () => {
  function ramping() {
    const made = halfOpen();
    made.start('probe');
    made.clock.nowMs += 100;
    made.end('probe', 'success', made.clock.nowMs - 100);
    return made;
  }

  it('opens again at three faults in a row, and bears two', () => {
    const { calls, clock, read, state } = ramping();
    calls('fault', 'fault', 'success', 'fault', 'success');
    expect(state()).toBe('ramping');
    calls('fault', 'fault', 'fault');
    // The second pause in a row.
    expect(read()).toMatchObject({ state: 'open', openUntilMs: clock.nowMs + 10_000 });
  });

  it('learns nothing from calls sent before the probe was answered', () => {
    const { clock, end, state } = ramping();
    for (let index = 0; index < 30; index += 1) end(`old ${index}`, 'fault', clock.nowMs - 1);
    expect(state()).toBe('ramping');
    end('new 1', 'fault', clock.nowMs);
    end('new 2', 'slow', clock.nowMs);
    expect(state()).toBe('ramping');
    end('new 3', 'fault', clock.nowMs);
    expect(state()).toBe('open');
  });

  it('is not brought back to the start by the end of its probe, which had begun to answer', () => {
    const { breaker, clock, start, end, read } = halfOpen();
    start('probe');
    breaker.answered('probe', clock.nowMs);
    clock.nowMs += 4_500;
    end('probe', 'success', clock.nowMs - 4_500);
    expect(read().share).toBe(0.5);
  });
});

// ---- whatever happens ------------------------------------------------------------------------------------------

type Step =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'answered'; readonly which: number }
  | { readonly kind: 'ended'; readonly which: number; readonly outcome: BreakerOutcome }
  | { readonly kind: 'hold'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.nat(6_000).map((ms) => ({ kind: 'pass' as const, ms })) },
  { weight: 4, arbitrary: fc.constant({ kind: 'start' as const }) },
  { weight: 1, arbitrary: fc.nat(1_000).map((which) => ({ kind: 'answered' as const, which })) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('ended' as const),
      which: fc.nat(1_000),
      outcome: fc.constantFrom<BreakerOutcome>('success', 'fault', 'fault', 'fault', 'none'),
    }),
  },
  { weight: 1, arbitrary: fc.nat(20_000).map((ms) => ({ kind: 'hold' as const, ms })) },
);

describe('any breaker', () => {
  it('keeps its share in bounds, has one probe at most, and learns nothing while open', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120, size: 'max' }), (steps) => {
        const { breaker, clock, read } = bench();
        const open = new Map<string, number>();
        /** Told from outside: a call that starts while half open, with none before it, is the probe. */
        let probe: string | undefined;
        let probeSinceMs = 0;
        let started = 0;
        const pick = (which: number): [string, number] | undefined =>
          [...open][which % Math.max(open.size, 1)];
        for (const taken of steps) {
          const before = read();
          seen.set(before.state, (seen.get(before.state) ?? 0) + 1);
          switch (taken.kind) {
            case 'pass':
              clock.nowMs += taken.ms;
              break;
            case 'hold':
              breaker.hold(clock.nowMs + taken.ms, clock.nowMs);
              if (taken.ms > 0) {
                probe = undefined;
                expect(read()).toMatchObject({ state: 'open', share: 0 });
                expect(read().openUntilMs).toBeGreaterThanOrEqual(
                  Math.max(before.openUntilMs, clock.nowMs + taken.ms),
                );
              }
              break;
            case 'start': {
              const id = `call ${(started += 1)}`;
              open.set(id, clock.nowMs);
              breaker.started(id, clock.nowMs);
              if (before.state === 'half_open') {
                // One that has shown nothing for as long as the pause gives way.
                const isFree = probe === undefined || clock.nowMs - probeSinceMs >= DEFAULT_BREAKER.openMs;
                expect(before.share).toBe(isFree ? 1 : 0);
                if (isFree) [probe, probeSinceMs] = [id, clock.nowMs];
                expect(read()).toEqual({ state: 'half_open', share: 0, openUntilMs: 0 });
              } else {
                expect(read()).toEqual(before);
              }
              break;
            }
            case 'answered': {
              const [id] = pick(taken.which) ?? [];
              if (id === undefined) break;
              breaker.answered(id, clock.nowMs);
              if (id === probe) {
                expect(read()).toMatchObject({ state: 'ramping', share: 0.1 });
                probe = undefined;
              } else {
                expect(read()).toEqual(before);
              }
              break;
            }
            case 'ended': {
              const [id, startedAtMs] = pick(taken.which) ?? [];
              if (id === undefined || startedAtMs === undefined) break;
              open.delete(id);
              breaker.ended(id, taken.outcome, { startedAtMs, streamed: true }, clock.nowMs);
              const after = read();
              if (id === probe) {
                probe = undefined;
                const become = {
                  success: 'ramping',
                  fault: 'open',
                  slow: 'open',
                  none: 'half_open',
                } as const;
                expect(after.state).toBe(become[taken.outcome]);
              } else if (
                before.state === 'open' ||
                before.state === 'half_open' ||
                taken.outcome !== 'fault'
              ) {
                expect(after).toEqual(before);
              }
              break;
            }
          }
          const now = read();
          expect(now.share).toBeGreaterThanOrEqual(0);
          expect(now.share).toBeLessThanOrEqual(1);
          if (now.state === 'open') {
            expect(now.share).toBe(0);
            expect(now.openUntilMs).toBeGreaterThan(clock.nowMs);
          } else {
            expect(now.openUntilMs).toBe(0);
          }
          if (now.state === 'closed' || now.state === 'ramping') expect(now.share).toBeGreaterThan(0);
          // A reading changes nothing.
          expect(read()).toEqual(now);
        }
      }),
      { numRuns: 250 },
    );
    // The property would hold of a breaker that never opens.
    for (const state of ['closed', 'open', 'half_open', 'ramping']) {
      expect(seen.get(state) ?? 0, state).toBeGreaterThan(100);
    }
  });

  it('always comes back: left alone it is half open, and well after one good call and the ramp', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const { breaker, clock, read } = bench();
        let started = 0;
        const open: string[] = [];
        for (const taken of steps) {
          if (taken.kind === 'pass') clock.nowMs += taken.ms;
          else if (taken.kind === 'hold') breaker.hold(clock.nowMs + taken.ms, clock.nowMs);
          else if (taken.kind === 'start') {
            open.push(`call ${(started += 1)}`);
            breaker.started(`call ${started}`, clock.nowMs);
          } else if (taken.kind === 'ended') {
            const [id] = open.splice(taken.which % Math.max(open.length, 1), 1);
            if (id !== undefined)
              breaker.ended(id, taken.outcome, { startedAtMs: clock.nowMs, streamed: true }, clock.nowMs);
          }
        }
        for (const id of open)
          breaker.ended(id, 'none', { startedAtMs: clock.nowMs, streamed: true }, clock.nowMs);
        clock.nowMs += 60_000;
        if (read().state === 'half_open') {
          breaker.started('good', clock.nowMs);
          breaker.ended('good', 'success', { startedAtMs: clock.nowMs, streamed: true }, clock.nowMs);
          clock.nowMs += 8_000;
        }
        expect(read()).toEqual({ state: 'closed', share: 1, openUntilMs: 0 });
      }),
      { numRuns: 300 },
    );
  });
});
