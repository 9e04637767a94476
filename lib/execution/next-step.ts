import type { PlannedAttempt } from '../planning/index.js';
import { usualWaitMs } from './attempt-pace.js';
import { type CascadeMoment, deferralAt, isFullAt, mayServe, MIN_ATTEMPT_MS } from './cascade-moment.js';
import { type Again, type CascadeState, failuresOf, withCall, withSecondCall } from './cascade-state.js';

/** A wait that ends so soon is better than a call of what fails. */
const SHORT_REST_MS = 1_000;
/** Those who wait for the same rest come back over so long. */
const MAX_SPREAD_MS = 1_000;
/** With so many faults among its last calls a deployment is gone, and with fewer only unwell. */
const GONE_ERROR_RATE = 0.5;
/** Where it is looked again without a bell that rings. */
const LOOK_AGAIN_MS = 20;

/** Calls this one now, at once: of the requests of one moment each sees those before it. */
export interface CallStep {
  readonly kind: 'call';
  readonly planned: PlannedAttempt;
  /** It takes one of the budget of re-sends. */
  readonly isResend: boolean;
  /** The call is counted in it. */
  readonly state: CascadeState;
}

export interface LookStep {
  readonly kind: 'look_again';
  readonly afterMs: number;
  readonly state: CascadeState;
}

/** Waits for a place at any of those in the queue. */
export interface RoomStep {
  readonly kind: 'wait_for_room';
  /** How long it may wait and still have its first token within the target; undefined: a whole answer has its own pace. */
  readonly inTimeMs: number | undefined;
  /** Looks again so much later, place or none; undefined: it may wait as long as the queue lets it. */
  readonly atMostMs: number | undefined;
  /** Where there is no room to wait in, one that failed may be called again so much later; undefined: it is refused. */
  readonly elseAfterMs: number | undefined;
  /** What it means that no place came free: as long as `atMostMs` is all it waits, nothing. */
  readonly without: 'look_again' | EndStep['reason'];
  /** The look after this wait may go to the least bad at once. */
  readonly isLastResort: boolean;
  readonly state: CascadeState;
}

/** There is no answer. */
export interface EndStep {
  readonly kind: 'end';
  /** `resting`: no wait for those that rest fits the deadline. `full`: no place came free. `failed`: what was tried says why. */
  readonly reason: 'resting' | 'full' | 'failed';
  /** Of `resting`: the first of them is back in so long. */
  readonly retryAfterMs: number | undefined;
  readonly state: CascadeState;
}

export type Step = CallStep | LookStep | RoomStep | EndStep;

/**
 * What a request that has no call under way does next: the first of the plan that can be counted on now; where there is
 * none, one that has failed and whose pause is over; where a wait is short, the wait; and at the very end the least bad.
 *
 * @param isLastResort - The step before has said so.
 */
export function nextStep(given: CascadeState, moment: CascadeMoment, isLastResort = false): Step {
  const state = narrowed(given, moment);
  if (state.isOverdue || state.attempts >= state.terms.plan.maxAttempts) return end(state, 'failed');
  return (
    takeAble(state, moment) ??
    takeAgain(state, moment) ??
    (isLastResort ? takeLeastBad(state, moment) : undefined) ??
    wait(state, moment, isLastResort)
  );
}

/** Without those that may serve no more. */
function narrowed(state: CascadeState, moment: CascadeMoment): CascadeState {
  if (state.isOverdue || state.attempts >= state.terms.plan.maxAttempts) return state;
  if (moment.leftMs <= 0) return { ...state, isOverdue: true };
  return {
    ...state,
    queue: state.queue.filter((planned) => mayServe(state, moment, planned)),
    again: state.again.filter(({ planned }) => mayServe(state, moment, planned)),
  };
}

function call(state: CascadeState, planned: PlannedAttempt, isResend = false): CallStep {
  return { kind: 'call', planned, isResend, state: withCall(state, planned) };
}

function lookAgain(state: CascadeState, afterMs: number): LookStep {
  return { kind: 'look_again', afterMs, state };
}

function end(state: CascadeState, reason: EndStep['reason'], retryAfterMs?: number): EndStep {
  return { kind: 'end', reason, retryAfterMs, state };
}

/** One that can be counted on now, or nearly. */
function takeAble(state: CascadeState, moment: CascadeMoment): CallStep | undefined {
  let ready: PlannedAttempt | undefined;
  for (const planned of state.queue) {
    const deferral = deferralAt(moment, planned);
    if (deferral === undefined) return call(state, planned);
    if (deferral !== 'full' && deferral !== 'failing' && deferral !== 'resting') ready ??= planned;
  }
  return ready === undefined ? undefined : call(state, ready);
}

/** One that has failed, whose pause is over; where no other is left, or none that can be called. */
function takeAgain(state: CascadeState, moment: CascadeMoment): CallStep | undefined {
  const slow = state.again.find(({ isSlow, planned }) => {
    if (!isSlow || isFullAt(moment, planned)) return false;
    const deferral = deferralAt(moment, planned);
    return deferral !== 'failing' && deferral !== 'resting';
  });
  if (slow !== undefined) {
    const planned = { ...slow.planned, moveOnAfterMs: undefined, secondCopyAfterMs: undefined };
    return { kind: 'call', planned, isResend: false, state: withSecondCall(state, slow) };
  }
  if (!moment.mayResend) return undefined;
  const due = state.again.find(
    (again) =>
      mayCallAgain(state, moment, again) &&
      !isFullAt(moment, again.planned) &&
      deferralAt(moment, again.planned) !== 'resting' &&
      waitBefore(moment, again) <= 0,
  );
  if (due === undefined) return undefined;
  return { kind: 'call', planned: due.planned, isResend: true, state: withSecondCall(state, due) };
}

/** All of those left are out: the least bad is tried rather than everybody refused. */
function takeLeastBad(state: CascadeState, moment: CascadeMoment): CallStep | undefined {
  // A second one of those is as much a re-send as any: an outage of all is not to be multiplied.
  const isResend = state.attempts > 0;
  if (isResend && !moment.mayResend) return undefined;
  let best: { readonly planned: PlannedAttempt; readonly badness: number } | undefined;
  for (const planned of state.queue) {
    const badness = isFullAt(moment, planned) ? undefined : badnessOf(moment, planned);
    if (badness !== undefined && (best === undefined || badness < best.badness)) best = { planned, badness };
  }
  return best === undefined ? undefined : call(state, best.planned, isResend);
}

/** Of one that is out, worth a try all the same; undefined: it is not out, or not worth it. */
function badnessOf(moment: CascadeMoment, planned: PlannedAttempt): number | undefined {
  const { errorRate, restToldUntilMs } = moment.signals.of(planned.deployment.id);
  const deferral = deferralAt(moment, planned);
  // What a provider said of its rest holds; what was guessed is put to the test, after all else.
  if (deferral === 'resting') return restToldUntilMs === 0 ? 2 : undefined;
  return deferral === 'failing' ? errorRate : undefined;
}

/** Where none can be called now. */
function wait(state: CascadeState, moment: CascadeMoment, wasLastResort: boolean): Step {
  const againMs = againAfterMs(state, moment);
  if (state.queue.length === 0) {
    return againMs === undefined ? end(state, 'failed') : lookAgain(state, againMs);
  }
  // Whoever has room first: a rest that ends, or a probe that may go out, is as good as a place that comes free.
  if (state.queue.some((planned) => deferralAt(moment, planned) === 'full')) {
    return waitForRoom(state, moment, againMs);
  }
  const restMs = restAfterMs(state, moment, Math.min(SHORT_REST_MS, againMs ?? SHORT_REST_MS));
  if (restMs !== undefined) return lookAgain(state, restMs);
  // It failed once and may answer now: better than one that is out.
  if (againMs !== undefined) return lookAgain(state, againMs);
  const leastBad = wasLastResort ? undefined : takeLeastBad(state, moment);
  if (leastBad !== undefined) return leastBad;
  if (state.queue.some((planned) => deferralAt(moment, planned) === 'failing' && isFullAt(moment, planned))) {
    // Out and full: those before it will have shown by then whether it is worth a call.
    return { ...waitForRoom(state, moment, undefined), ...LAST_RESORT };
  }
  const longMs = restAfterMs(state, moment, Number.POSITIVE_INFINITY);
  return longMs === undefined ? endOfResting(state, moment) : lookAgain(state, longMs);
}

const LAST_RESORT = { atMostMs: LOOK_AGAIN_MS, without: 'look_again', isLastResort: true } as const;

function waitForRoom(state: CascadeState, moment: CascadeMoment, againMs: number | undefined): RoomStep {
  const [first] = state.queue;
  const { streamed } = state.terms;
  return {
    kind: 'wait_for_room',
    inTimeMs:
      streamed && first !== undefined
        ? first.targetLatencyMs - moment.elapsedMs - usualWaitMs(first)
        : undefined,
    atMostMs: againMs,
    elseAfterMs: againMs,
    // What was tried has more to say of why there is no answer.
    without: againMs !== undefined ? 'look_again' : state.failures.length > 0 ? 'failed' : 'full',
    isLastResort: false,
    state,
  };
}

/** When one that has failed may be called again; undefined: none may, or not soon enough. */
function againAfterMs(state: CascadeState, moment: CascadeMoment): number | undefined {
  if (!moment.mayResend) return undefined;
  const waits = state.again
    .filter((again) => mayCallAgain(state, moment, again))
    .map((again) => waitBefore(moment, again));
  const waitMs = Math.min(...waits);
  if (waitMs > moment.leftMs - MIN_ATTEMPT_MS) return undefined;
  // Its pause is over where it is only full: a place may come free.
  return Math.max(waitMs, LOOK_AGAIN_MS);
}

/** An accident is worth a second call; after that, those not called yet come first, however they stand. */
function mayCallAgain(state: CascadeState, moment: CascadeMoment, { planned }: Again): boolean {
  return !isGone(moment, planned) && (state.queue.length === 0 || failuresOf(state, planned) === 1);
}

/** Its breaker is open, and most of its calls fail: one more would only be one more. */
function isGone(moment: CascadeMoment, planned: PlannedAttempt): boolean {
  if (deferralAt(moment, planned) !== 'failing') return false;
  return moment.signals.of(planned.deployment.id).errorRate >= GONE_ERROR_RATE;
}

/** How long until it may be called again: its pause, or the rest its provider asked for. */
function waitBefore({ signals, nowMs, clockMs }: CascadeMoment, { planned, notBeforeMs }: Again): number {
  const { restingUntilMs, restToldUntilMs } = signals.of(planned.deployment.id);
  const restMs = restingUntilMs > nowMs ? Math.max(restingUntilMs, restToldUntilMs) - nowMs : 0;
  return Math.max(notBeforeMs - clockMs, restMs);
}

/** When the first of the resting may be called again; undefined: none of them soon enough. */
function restAfterMs({ queue }: CascadeState, moment: CascadeMoment, atMostMs: number): number | undefined {
  let waitMs = Number.POSITIVE_INFINITY;
  for (const planned of queue) {
    if (deferralAt(moment, planned) !== 'resting') continue;
    const { restingUntilMs, restToldUntilMs } = moment.signals.of(planned.deployment.id);
    // It asked for longer than it is believed: worth a try once that is over, and no wait before.
    if (restToldUntilMs <= restingUntilMs) waitMs = Math.min(waitMs, restingUntilMs - moment.nowMs);
  }
  const spareMs = moment.leftMs - MIN_ATTEMPT_MS - waitMs;
  if (waitMs > atMostMs || spareMs < 0) return undefined;
  // Not all who wait for it in the same moment.
  return waitMs + 1 + moment.random() * Math.min(spareMs, waitMs / 4, MAX_SPREAD_MS);
}

/** No wait fits the deadline: what the provider said holds. */
function endOfResting(state: CascadeState, moment: CascadeMoment): EndStep {
  // What was tried has more to say of why there is no answer.
  if (state.failures.length > 0) return end(state, 'failed');
  const rests = state.queue.flatMap((planned) => {
    if (deferralAt(moment, planned) !== 'resting') return [];
    const { restingUntilMs, restToldUntilMs } = moment.signals.of(planned.deployment.id);
    return Math.max(restingUntilMs, restToldUntilMs) - moment.nowMs;
  });
  return rests.length === 0 ? end(state, 'failed') : end(state, 'resting', Math.max(1, Math.min(...rests)));
}
