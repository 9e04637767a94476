import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DeploymentSignals } from '../planning/index.js';
import {
  attemptOf,
  behind,
  FULL,
  modelOf,
  moment,
  type MomentOf,
  type Name,
  NAMES,
  NOW_MS,
  OUT,
  queueOf,
  restingFor,
  scene,
  UNWELL,
} from './cascade-choice.spec-support.js';
import { type CascadeState, failuresOf } from './cascade-state.js';
import { nextStep, type Step } from './next-step.js';
import { noteFailure } from './note-failure.js';

/** After a call of the first that failed like this, a moment after the request came. */
function afterFailureOf(
  name: Name,
  { kind = 'server_error', stopCause, ...rest }: Failure = {},
  state = scene(),
): CascadeState {
  const planned = attemptOf(state, name);
  const called = {
    ...state,
    queue: state.queue.filter((other) => other !== planned),
    attempts: state.attempts + 1,
  };
  const error = { kind, retryAfterMs: undefined, isRetryable: true, otherKeyReady: false, ...rest };
  return noteFailure(called, moment(), { planned, error, stopCause }).state;
}

interface Failure {
  readonly kind?: 'server_error' | 'rate_limited';
  readonly retryAfterMs?: number;
  readonly stopCause?: 'moved_on' | 'deadline';
}

const said = (step: Step): string => (step.kind === 'call' ? `call ${modelOf(step.planned)}` : step.kind);
const step = (state: CascadeState, of: MomentOf = {}, isLastResort = false): Step =>
  nextStep(state, moment(of), isLastResort);

describe('who is called', () => {
  it('is the first of the plan, and is counted', () => {
    const next = step(scene());
    expect(said(next)).toBe('call a');
    expect(next).toMatchObject({ isResend: false });
    expect(next.state.attempts).toBe(1);
    expect(queueOf(next.state)).toEqual(['b']);
  });

  it.each<[string, Partial<DeploymentSignals>]>([
    ['is full', FULL],
    ['is out', OUT],
    ['rests', restingFor(100)],
    ['is slow', { isSlow: true }],
  ])('is the next where the first %s', (_, a) => {
    expect(said(step(scene(), { signals: { a } }))).toBe('call b');
  });

  it.each(['ramping', 'in_alert'] as const)(
    'is the next where the plan put the first behind as %s',
    (kind) => {
      const state = behind(scene(), 'a', kind);
      expect(said(step(state))).toBe('call b');
      expect(said(step(state, { signals: { b: FULL } }))).toBe('call a');
    },
  );

  it('is one that is slow before one that is full', () => {
    expect(said(step(scene(), { signals: { a: FULL, b: { isSlow: true } } }))).toBe('call b');
  });

  it('is none whose places are promised to others', () => {
    const reserved = ({ id }: { id: string }): number => (id === 'p/a' ? 2 : 0);
    expect(said(step(scene(), { reserved }))).toBe('call b');
  });

  it('is none that the dollars left do not pay for, and it is dropped for good', () => {
    const next = step(scene(), { isServable: (planned) => modelOf(planned) !== 'a' });
    expect(said(next)).toBe('call b');
    expect(queueOf(next.state)).toEqual([]);
  });
});

describe('one that has failed', () => {
  it('is not called again as long as another can be', () => {
    expect(said(step(afterFailureOf('a')))).toBe('call b');
  });

  it('is called again after its pause, under the budget of re-sends', () => {
    const state = afterFailureOf('b', {}, afterFailureOf('a'));
    // Half of a second each: the pause of a first failure, and chance in its middle.
    expect(step(state)).toMatchObject({ kind: 'look_again', afterMs: 500 });
    const later = step(state, { clockMs: 5_500 });
    expect(later).toMatchObject({ kind: 'call', isResend: true });
    expect(said(later)).toBe('call a');
    expect(later.state.again.map(({ planned }) => modelOf(planned))).toEqual(['b']);
    expect(step(state, { clockMs: 5_500, mayResend: false })).toMatchObject({
      kind: 'end',
      reason: 'failed',
    });
  });

  it('is not waited for where its pause ends too late for an answer', () => {
    const state = afterFailureOf('a', { retryAfterMs: 1_000 }, scene({ names: ['a'] }));
    expect(step(state, { leftMs: 1_050 })).toMatchObject({ kind: 'look_again', afterMs: 1_000 });
    expect(step(state, { leftMs: 1_049 })).toMatchObject({ kind: 'end', reason: 'failed' });
  });

  it('is called again before one that is out', () => {
    expect(said(step(afterFailureOf('a'), { signals: { b: UNWELL } }))).toBe('look_again');
    expect(said(step(afterFailureOf('a'), { signals: { b: UNWELL }, clockMs: 6_000 }))).toBe('call a');
  });

  it('for the second time is not, as long as any was not called', () => {
    const twice = afterFailureOf('a', {}, afterFailureOf('a'));
    expect(said(step(twice, { signals: { b: UNWELL }, clockMs: 9_000 }))).toBe('call b');
  });

  it('is not called again once most of its calls fail', () => {
    const state = afterFailureOf('a', {}, scene({ names: ['a'] }));
    expect(said(step(state, { signals: { a: UNWELL }, clockMs: 6_000 }))).toBe('call a');
    expect(said(step(state, { signals: { a: OUT }, clockMs: 6_000 }))).toBe('end');
  });

  it('for slowness alone is called again at once, without a moment to move on, and for nothing', () => {
    const state = afterFailureOf(
      'a',
      { stopCause: 'moved_on' },
      scene({ planned: { moveOnAfterMs: 10, secondCopyAfterMs: 8 } }),
    );
    const next = step(state, { signals: { b: FULL }, mayResend: false });
    const planned = { moveOnAfterMs: undefined, secondCopyAfterMs: undefined };
    expect(next).toMatchObject({ kind: 'call', isResend: false, planned });
    expect(said(next)).toBe('call a');
    expect(next.state.again).toEqual([]);
  });
});

describe('where none can be called', () => {
  it('a place is waited for if any is full', () => {
    const next = step(scene({ planned: { targetLatencyMs: 2_000, usualP95Ms: 500 } }), {
      signals: { a: FULL, b: restingFor(100) },
      elapsedMs: 200,
    });
    expect(next).toMatchObject({
      kind: 'wait_for_room',
      // The target, less what has passed and six tenths of what an answer takes at most.
      inTimeMs: 1_500,
      atMostMs: undefined,
      elseAfterMs: undefined,
      without: 'full',
      isLastResort: false,
    });
  });

  it('a whole answer has no time for its place', () => {
    expect(step(scene({ streamed: false }), { signals: { a: FULL, b: FULL } })).toMatchObject({
      kind: 'wait_for_room',
      inTimeMs: undefined,
    });
  });

  it('a place is waited for no longer than until one that failed may be called again', () => {
    const state = afterFailureOf('a');
    expect(step(state, { signals: { b: FULL } })).toMatchObject({
      kind: 'wait_for_room',
      atMostMs: 500,
      elseAfterMs: 500,
      without: 'look_again',
    });
    expect(step(state, { signals: { b: FULL }, mayResend: false })).toMatchObject({
      atMostMs: undefined,
      without: 'failed',
    });
  });

  it('a short rest is waited out, and a little more', () => {
    expect(step(scene(), { signals: { a: restingFor(400), b: OUT } })).toMatchObject({
      kind: 'look_again',
      // Chance in the middle of a quarter of it.
      afterMs: 400 + 1 + 50,
    });
  });

  it('the least bad is called before a long rest is waited out', () => {
    const signals = { a: restingFor(5_000), b: OUT, c: UNWELL };
    expect(said(step(scene({ names: ['a', 'b', 'c'] }), { signals }))).toBe('call c');
  });

  it('a rest that was guessed is put to the test, one that was told is not', () => {
    const names = ['a'] as const;
    const long = { ...restingFor(120_000) };
    expect(said(step(scene({ names }), { signals: { a: long } }))).toBe('call a');
    const told = { ...long, restToldUntilMs: NOW_MS + 120_000 };
    expect(step(scene({ names }), { signals: { a: told } })).toMatchObject({
      kind: 'end',
      reason: 'resting',
      retryAfterMs: 120_000,
    });
  });

  it('a told rest that fits the deadline is waited out', () => {
    const told = { ...restingFor(5_000), restToldUntilMs: NOW_MS + 5_000 };
    const waiting = step(scene({ names: ['a'] }), { signals: { a: told } });
    expect(waiting).toMatchObject({ kind: 'look_again', afterMs: 5_000 + 1 + 500 });
  });

  it('a second one that is out is a re-send', () => {
    const state = afterFailureOf('a', { stopCause: undefined }, scene());
    const signals = { a: OUT, b: OUT };
    expect(step(state, { signals })).toMatchObject({ kind: 'call', isResend: true });
    expect(step(state, { signals, mayResend: false })).toMatchObject({ kind: 'end', reason: 'failed' });
    expect(step(scene(), { signals, mayResend: false })).toMatchObject({ kind: 'call', isResend: false });
  });

  it('one that is out and full is looked at again, and then called at once', () => {
    const names = ['a'] as const;
    const waiting = step(scene({ names }), { signals: { a: { ...OUT, ...FULL } } });
    expect(waiting).toMatchObject({
      kind: 'wait_for_room',
      atMostMs: 20,
      elseAfterMs: undefined,
      without: 'look_again',
      isLastResort: true,
    });
    expect(said(step(scene({ names }), { signals: { a: OUT } }, true))).toBe('call a');
  });
});

describe('the end', () => {
  it('is that of the calls, or of the time, and nobody is looked at any more', () => {
    const isServable = (): never => {
      throw new Error('looked at');
    };
    const done = { ...scene(), attempts: 4 };
    expect(step(done, { isServable })).toMatchObject({ kind: 'end', reason: 'failed' });
    const late = step(scene(), { isServable, leftMs: 0 });
    expect(late).toMatchObject({ kind: 'end', reason: 'failed', state: { isOverdue: true } });
    // The timer said so, whatever the clock says.
    expect(step(afterFailureOf('a', { stopCause: 'deadline' }), { isServable })).toMatchObject({
      kind: 'end',
    });
  });
});

/** Any live state of one deployment. */
const live: fc.Arbitrary<Partial<DeploymentSignals>> = fc.record({
  inFlight: fc.nat({ max: 3 }),
  isSlow: fc.boolean(),
  breaker: fc.constantFrom('closed', 'open', 'half_open', 'ramping'),
  breakerShare: fc.constantFrom(0, 0.5, 1),
  errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
  restingUntilMs: fc.constantFrom(0, NOW_MS + 100, NOW_MS + 5_000, NOW_MS + 100_000),
  restToldUntilMs: fc.constantFrom(0, NOW_MS + 100, NOW_MS + 100_000),
});
const anyMoment = fc.record({
  signals: fc.record(Object.fromEntries(NAMES.map((name) => [name, live])) as Record<Name, typeof live>),
  clockMs: fc.double({ min: 5_000, max: 12_000, noNaN: true }),
  elapsedMs: fc.double({ min: 0, max: 60_000, noNaN: true }),
  leftMs: fc.double({ min: -10, max: 60_000, noNaN: true }),
  mayResend: fc.boolean(),
  chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
});
const anyCourse = fc.array(
  fc.record({
    at: anyMoment,
    kind: fc.constantFrom('server_error', 'rate_limited', 'not_found', 'timeout'),
    retryAfterMs: fc.option(fc.nat({ max: 3_000 }), { nil: undefined }),
    stopCause: fc.constantFrom(undefined, 'moved_on' as const, 'too_slow' as const),
    isLastResort: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);
const anyScene = fc.record({
  names: fc.shuffledSubarray([...NAMES], { minLength: 1 }),
  streamed: fc.boolean(),
});

/** What is the same of one state after another of a request that goes as it is drawn. */
function walk(
  drawn: { names: Name[]; streamed: boolean },
  course: typeof anyCourse extends fc.Arbitrary<infer Course> ? Course : never,
  look: (before: CascadeState, step: Step, at: MomentOf) => void,
): void {
  let state = scene({ ...drawn, planned: { moveOnAfterMs: 500 } });
  for (const { at, kind, retryAfterMs, stopCause, isLastResort } of course) {
    const { chance, ...rest } = at;
    const now = { ...rest, random: () => chance };
    const next = step(state, now, isLastResort);
    look(state, next, now);
    if (next.kind === 'end') return;
    state = next.state;
    if (next.kind !== 'call') continue;
    const error = { kind, retryAfterMs, isRetryable: true, otherKeyReady: false };
    state = noteFailure(state, moment(now), { planned: next.planned, error, stopCause }).state;
  }
}

describe('whatever happens', () => {
  it('only one that may be is called, each first once, and no more than the plan allows', () => {
    fc.assert(
      fc.property(anyScene, anyCourse, (drawn, course) => {
        walk(drawn, course, (before, next, { signals, mayResend }) => {
          expect(next.state.attempts - before.attempts).toBe(next.kind === 'call' ? 1 : 0);
          expect(next.state.attempts).toBeLessThanOrEqual(4);
          if (next.kind !== 'call') return;
          const { planned, isResend } = next;
          const name = modelOf(planned) as Name;
          expect(drawn.names).toContain(name);
          const { inFlight = 0 } = signals?.[name] ?? {};
          expect(inFlight).toBeLessThan(2);
          const wasCalled = failuresOf(before, planned) > 0;
          const isSlow = wasCalled && planned.moveOnAfterMs === undefined;
          if (wasCalled && !isSlow) expect(isResend).toBe(true);
          if (isResend) expect(mayResend).toBe(true);
          expect(queueOf(next.state)).not.toContain(name);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('one that can be counted on is called before anything else is done', () => {
    fc.assert(
      fc.property(anyScene, anyCourse, (drawn, course) => {
        walk(drawn, course, (before, next, { signals = {}, leftMs = 0 }) => {
          if (leftMs <= 0 || before.attempts >= 4) return;
          const able = queueOf(before).find((name) => {
            const {
              inFlight = 0,
              isSlow,
              breaker,
              breakerShare,
              restingUntilMs,
            } = signals[name as Name] ?? {};
            const isFailing = (breaker === 'open' || breaker === 'half_open') && breakerShare === 0;
            return inFlight < 2 && isSlow === false && !isFailing && restingUntilMs === 0;
          });
          if (able !== undefined) expect(said(next)).toBe(`call ${able}`);
        });
      }),
      { numRuns: 500 },
    );
  });

  it('a wait ends, before the deadline, and an end is told where nobody could be waited for', () => {
    fc.assert(
      fc.property(anyScene, anyCourse, (drawn, course) => {
        walk(drawn, course, (before, next, { leftMs = 0 }) => {
          if (next.kind === 'look_again') {
            expect(next.afterMs).toBeGreaterThan(0);
            // Enough is left for an answer, a moment and the least pause.
            expect(next.afterMs).toBeLessThanOrEqual(Math.max(leftMs - 50 + 1, 20));
          }
          if (next.kind === 'wait_for_room') expect(next.state.queue.length).toBeGreaterThan(0);
          if (next.kind === 'end' && next.reason === 'resting') {
            expect(next.retryAfterMs).toBeGreaterThan(0);
            expect(before.failures).toEqual([]);
          }
        });
      }),
      { numRuns: 500 },
    );
  });

  it('the same state and moment give the same step, and neither is changed by it', () => {
    fc.assert(
      fc.property(anyScene, anyCourse, (drawn, course) => {
        walk(drawn, course, (before, next, now) => {
          const copy = structuredClone({ ...before, terms: undefined });
          expect(step(before, now, false)).toEqual(step(before, now, false));
          expect({ ...before, terms: undefined }).toEqual(copy);
          expect(next.state.terms).toBe(before.terms);
        });
      }),
      { numRuns: 100 },
    );
  });
});
