import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { alarmAfterCall, companyAfterMs, patienceWith, usualWaitMs } from './attempt-pace.js';
import {
  attemptOf,
  behind,
  FULL,
  modelOf,
  moment,
  type MomentOf,
  OUT,
  queueOf,
  restingFor,
  type Scene,
  scene,
  UNWELL,
} from './cascade-choice.spec-support.js';
import { type CascadeState, withCall } from './cascade-state.js';
import { type Beside, causeOfLoss, chooseBeside, type DueAlarm, isBetterLeft } from './choose-beside.js';

/** The first is under way. */
function begun(of: Scene = {}): CascadeState {
  const state = scene({ mayOverlap: true, ...of });
  return withCall(state, attemptOf(state, 'a'));
}

function beside(
  state: CascadeState,
  of: MomentOf = {},
  due: Partial<Omit<DueAlarm, 'planned'>> = {},
  isPaidFor = true,
): Beside {
  const planned = attemptOf(state, 'a');
  return chooseBeside(state, moment(of), { planned, reason: 'move_on', waitedMs: 700, ...due }, isPaidFor);
}

const said = (chosen: Beside): string => (chosen.kind === 'send' ? modelOf(chosen.planned) : chosen.kind);

describe('a second copy', () => {
  it('goes to the next that can be counted on, and is counted', () => {
    const chosen = beside(begun({ names: ['a', 'b', 'c'] }), { signals: { b: FULL } });
    expect(said(chosen)).toBe('c');
    expect(chosen).toMatchObject({ isSlow: true, state: { attempts: 2 } });
    if (chosen.kind === 'send') expect(queueOf(chosen.state)).toEqual(['b']);
  });

  it.each<[string, MomentOf]>([
    ['is full', { signals: { b: FULL } }],
    ['is out', { signals: { b: OUT } }],
    ['rests', { signals: { b: restingFor(100) } }],
    ['is slow too', { signals: { b: { isSlow: true } } }],
    ['costs too much', { isServable: () => false }],
    ['cannot say it', { isSayable: () => false }],
  ])('is asked for again where the next %s', (_, of) => {
    expect(beside(begun(), of)).toEqual({ kind: 'ask_again', alarm: { reason: 'move_on', afterMs: 250 } });
  });

  it.each(['ramping', 'in_alert'] as const)('is not sent to one that the plan put behind as %s', (kind) => {
    const state = behind(begun({ names: ['a', 'b', 'c'] }), 'b', kind);
    expect(said(beside(state))).toBe('c');
    const others = { signals: { c: FULL } };
    expect(said(beside(state, others))).toBe('ask_again');
    expect(said(beside(state, others, { waitedMs: 20_000 }))).toBe('b');
    expect(isBetterLeft(behind(begun({ mayOverlap: false }), 'b', kind), moment())).toBe(false);
  });

  it('is not sent over its budget, nor over the calls of the plan', () => {
    expect(said(beside(begun(), {}, {}, false))).toBe('ask_again');
    expect(said(beside(begun({ plan: { maxAttempts: 1 } })))).toBe('ask_again');
  });

  it('goes to one that is out or slow once a third of the deadline has passed, but to none that is full or rests', () => {
    const late = { waitedMs: 20_000 };
    expect(said(beside(begun(), { signals: { b: UNWELL } }, late))).toBe('b');
    expect(said(beside(begun(), { signals: { b: UNWELL } }, { waitedMs: 19_999 }))).toBe('ask_again');
    expect(said(beside(begun(), { signals: { b: { ...UNWELL, ...FULL } } }, late))).toBe('ask_again');
    expect(said(beside(begun(), { signals: { b: restingFor(100) } }, late))).toBe('ask_again');
  });

  it('that only hedges says nothing of the first, and where there is none its moment for company comes', () => {
    const state = begun({ planned: { secondCopyAfterMs: 1_000, usualP95Ms: 700 } });
    expect(beside(state, {}, { reason: 'hedge' })).toMatchObject({ kind: 'send', isSlow: false });
    expect(beside(state, {}, { reason: 'hedge' }, false)).toEqual({
      kind: 'ask_again',
      alarm: { reason: 'move_on', afterMs: 300 },
    });
    expect(beside(state, {}, { reason: 'hedge', waitedMs: 1_200 }, false)).toMatchObject({
      alarm: { afterMs: 0 },
    });
    const never = begun({ planned: { secondCopyAfterMs: undefined } });
    expect(beside(never, {}, { reason: 'hedge' }, false)).toMatchObject({ alarm: { afterMs: undefined } });
  });

  it('for a client in a hurry says nothing of the first either, before its own moment', () => {
    const state = begun({ planned: { moveOnAfterMs: 1_000 }, plan: { isDeadlineOfClient: true } });
    expect(beside(state, {}, { waitedMs: 999 })).toMatchObject({ isSlow: false });
    expect(beside(state, {}, { waitedMs: 1_000 })).toMatchObject({ isSlow: true });
    const never = begun({ planned: { moveOnAfterMs: undefined }, plan: { isDeadlineOfClient: true } });
    expect(beside(never, {}, { waitedMs: 10_000 })).toMatchObject({ isSlow: false });
  });
});

describe('giving one up for another', () => {
  it.each<[string, Scene, MomentOf, boolean]>([
    ['another is well', {}, {}, true],
    ['both may be under way', { mayOverlap: true }, {}, false],
    ['no call is left', { plan: { maxAttempts: 1 } }, {}, false],
    ['the other is slow too', {}, { signals: { b: { isSlow: true } } }, false],
    ['the other cannot say it', {}, { isSayable: () => false }, false],
    ['the other costs too much', {}, { isServable: () => false }, false],
  ])('where %s', (_, of, at, isIt) => {
    expect(isBetterLeft(begun({ mayOverlap: false, ...of }), moment(at))).toBe(isIt);
  });
});

describe('who comes second', () => {
  it.each<[boolean, number, boolean, ReturnType<typeof causeOfLoss>]>([
    [false, 9_000, true, 'hedge_lost'],
    [true, 1_999, false, 'overtaken'],
    [true, 2_000, false, 'moved_on'],
    [true, 100, true, 'moved_on'],
  ])('slow: %s, after %i ms, out of pace: %s', (isSlow, waitedMs, isOutOfPace, cause) => {
    const planned = { ...attemptOf(scene(), 'a'), targetLatencyMs: 2_000 };
    const at = moment({ signals: { a: { isSlow: isOutOfPace } } });
    expect(causeOfLoss(at, planned, { isSlow, waitedMs })).toBe(cause);
  });
});

describe('the moment for company', () => {
  const paced = { secondCopyAfterMs: 1_200, usualP95Ms: 500, targetLatencyMs: 2_000 };
  const momentOf = (state: CascadeState, of: MomentOf = {}, name: 'a' | 'b' = 'a'): number | undefined =>
    companyAfterMs(state, moment(of), attemptOf(state, name));

  it('is that of the plan for the first choice, however late it is called', () => {
    expect(momentOf(begun({ planned: paced }), { elapsedMs: 1_900 })).toBe(1_200);
  });

  it('is nearer for those after it, by what has been spent of the target', () => {
    const first = begun({ planned: paced, names: ['a', 'b', 'c'] });
    const state = withCall(first, attemptOf(first, 'b'));
    // 1,000 ms left, and the next one is expected to need 400: while it has 460, it will likely be in time.
    expect(momentOf(state, { elapsedMs: 1_000 }, 'b')).toBe(540);
    expect(momentOf(state, { elapsedMs: 0 }, 'b')).toBe(1_500);
    // The target is lost: no hurry.
    expect(momentOf(state, { elapsedMs: 2_000 }, 'b')).toBe(1_200);
  });

  it('is at half of the rest where nothing is known of its pace', () => {
    const first = begun({ planned: { ...paced, usualP95Ms: undefined } });
    const state = withCall(first, attemptOf(first, 'b'));
    expect(momentOf(state, { elapsedMs: 1_000 }, 'b')).toBe(500);
  });

  it('never comes where the plan has none; but a whole answer is not waited for over half of the time', () => {
    const none = { ...paced, secondCopyAfterMs: undefined };
    expect(momentOf(begun({ planned: none }))).toBeUndefined();
    expect(momentOf(begun({ planned: none, streamed: false }), { leftMs: 8_000 })).toBe(4_000);
    expect(momentOf(begun({ planned: none, streamed: false }), { leftMs: 600 })).toBe(500);
    expect(momentOf(begun({ planned: paced, streamed: false }), { leftMs: 8_000 })).toBe(1_200);
  });

  it('is preceded by a hedge where that may be sent, its pace is known, and that is not later', () => {
    const state = begun({ planned: paced });
    const early = begun({ planned: { ...paced, secondCopyAfterMs: 499 } });
    expect(alarmAfterCall(early, moment(), attemptOf(early, 'a'), true)).toEqual({
      reason: 'move_on',
      afterMs: 499,
    });
    expect(alarmAfterCall(state, moment(), attemptOf(state, 'a'), true)).toEqual({
      reason: 'hedge',
      afterMs: 500,
    });
    expect(alarmAfterCall(state, moment(), attemptOf(state, 'a'), false)).toEqual({
      reason: 'move_on',
      afterMs: 1_200,
    });
    const unknown = begun({ planned: { ...paced, usualP95Ms: undefined } });
    expect(alarmAfterCall(unknown, moment(), attemptOf(unknown, 'a'), true).reason).toBe('move_on');
  });
});

describe('the patience with one that has not begun', () => {
  it('of a stream ends with its first-token limit, of a whole answer only for another', () => {
    const planned = { ...attemptOf(scene(), 'a'), moveOnAfterMs: 900, usualP95Ms: 300 };
    const limits = { ...planned, timeouts: { ...planned.timeouts, firstTokenMs: 15_000 } };
    expect(patienceWith(limits, true, 60_000)).toEqual([
      { afterMs: 60_000, cause: 'deadline', isOptional: false },
      { afterMs: 900, cause: 'moved_on', isOptional: true },
      { afterMs: 15_000, cause: 'too_slow', isOptional: false },
    ]);
    expect(patienceWith(limits, false, 60_000)).toEqual([
      { afterMs: 60_000, cause: 'deadline', isOptional: false },
      { afterMs: 900, cause: 'moved_on', isOptional: true },
      { afterMs: 30_000, cause: 'too_slow', isOptional: true },
    ]);
    expect(patienceWith(limits, false, 400)[2]).toMatchObject({ afterMs: 300 });
  });

  it('with what is known of its pace, or is not', () => {
    expect(usualWaitMs({ ...attemptOf(scene(), 'a'), usualP95Ms: 1_000 })).toBe(600);
    expect(usualWaitMs({ ...attemptOf(scene(), 'a'), usualP95Ms: undefined })).toBe(0);
  });

  it('always ends with the deadline at the latest', () => {
    fc.assert(
      fc.property(
        fc.record({
          streamed: fc.boolean(),
          leftMs: fc.nat({ max: 600_000 }),
          moveOnMs: fc.option(fc.nat({ max: 600_000 }), { nil: undefined }),
          p95Ms: fc.option(fc.nat({ max: 600_000 }), { nil: undefined }),
        }),
        ({ streamed, leftMs, moveOnMs, p95Ms }) => {
          const planned = { ...attemptOf(scene(), 'a'), moveOnAfterMs: moveOnMs, usualP95Ms: p95Ms };
          const hard = patienceWith(planned, streamed, leftMs).filter(({ isOptional }) => !isOptional);
          expect(
            Math.min(...hard.map(({ afterMs = Number.POSITIVE_INFINITY }) => afterMs)),
          ).toBeLessThanOrEqual(leftMs);
        },
      ),
    );
  });
});
