import type { ProviderErrorKind } from '../errors/provider-error-kind.js';
import type { KeyHealth } from './key-health.js';
import type { RateLimitWindow } from './rate-limit-headers.js';

/** A refused key is out for so long at first; each refusal of its trial doubles it. */
export const FIRST_OUT_MS = 60_000;
export const LONGEST_OUT_MS = 600_000;
/** Where a 429 names no wait. */
const DEFAULT_REST_MS = 2_000;
const SHORTEST_REST_MS = 100;
export const LONGEST_REST_MS = 60_000;
/** A 403 may be about one model alone: the key is put behind the others for a while, and not taken out. */
const DENIED_MS = 30_000;
/** What was read longer ago says nothing of now: limits fill up all the time. */
const READING_MS = 60_000;
/** Of a limit that is used up, so much has come back before it is worth a call. */
const REFILL_SHARE = 0.02;
/** Shares closer than this are alike: then the calls under way decide. */
const SHARE_STEPS = 20;
/** While the one trial of a refused key is under way, others may ask again after so long. */
const TRIAL_WAIT_MS = 1_000;
/** Answers to calls under way may still quote a key that was replaced. */
const MAX_REPLACED = 16;

type RefusalKind = Extract<ProviderErrorKind, 'authentication' | 'billing'>;

/** A key lent for one call. */
export interface KeyLease {
  readonly key: string;
}

/** No key can be used now. */
export interface NoUsableKey {
  readonly key: undefined;
  /** What the keys were refused for. */
  readonly kind: RefusalKind;
  /** When the first of them is tried again; undefined: there is no key at all. */
  readonly retryAfterMs: number | undefined;
}

/** What happened to a key, by its position from 1. */
export type KeyChange = { readonly position: number; readonly total: number; readonly usable: number } & (
  | { readonly change: 'refused'; readonly kind: RefusalKind; readonly outMs: number }
  | { readonly change: 'restored'; readonly how: 'accepted' | 'replaced' }
);

export interface KeyRingOptions {
  /** In milliseconds; only differences count. */
  readonly nowMs: () => number;
  readonly onChange?: ((change: KeyChange) => void) | undefined;
}

/** Its key was refused. */
interface Refusal {
  readonly kind: RefusalKind;
  readonly outMs: number;
  readonly untilMs: number;
  /** The one call that tries it again. */
  trial: Lease | undefined;
}

interface Reading {
  readonly windows: readonly RateLimitWindow[];
  readonly atMs: number;
  /** Calls begun since. */
  taken: number;
}

interface KeyState {
  readonly key: string;
  inFlight: number;
  /** When it was taken last, as a count of all takings. */
  lastTaken: number;
  restingUntilMs: number;
  deniedUntilMs: number;
  refusal: Refusal | undefined;
  reading: Reading | undefined;
}

class Lease implements KeyLease {
  isReleased = false;
  /** The refusal that this call puts to the test; kept after the call is over, when its verdict comes. */
  trialOf: Refusal | undefined;

  constructor(readonly state: KeyState) {}

  get key(): string {
    return this.state.key;
  }
}

/**
 * The keys of one provider, and which of them the next call takes: none that was refused while another is usable, none
 * that waits out a rate limit while another does not; then the one with the most left of its limits, then the one with
 * the fewest calls under way, then in turn. A refused key is out for a minute, then one call tries it again; each
 * refusal of that doubles the time, up to ten minutes. No timers, no clock but the one it is given.
 */
export class KeyRing {
  #states: readonly KeyState[] = [];
  #replaced: readonly string[] = [];
  #taken = 0;

  constructor(private readonly options: KeyRingOptions) {}

  get total(): number {
    return this.#states.length;
  }

  get usable(): number {
    return this.#states.filter(({ refusal }) => refusal === undefined).length;
  }

  /** Over all keys in use now. */
  get callsUnderWay(): number {
    return this.#states.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  /** All keys that may still be quoted: those in use, and the last that were replaced. */
  readSecrets(): readonly string[] {
    return [...this.#states.map(({ key }) => key), ...this.#replaced];
  }

  /** What is known of a key that stays is kept. */
  setKeys(keys: readonly string[]): void {
    const known = new Map(this.#states.map((state) => [state.key, state]));
    const wanted = new Set(keys);
    const gone = this.#states.filter(({ key }) => !wanted.has(key));
    const before = this.#states;
    this.#states = [...wanted].map((key) => known.get(key) ?? newState(key));
    this.#replaced = [
      ...this.#replaced.filter((key) => !wanted.has(key)),
      ...gone.map(({ key }) => key),
    ].slice(-MAX_REPLACED);
    for (const state of gone) {
      if (state.refusal === undefined) continue;
      this.options.onChange?.({
        change: 'restored',
        how: 'replaced',
        position: before.indexOf(state) + 1,
        ...this.counts(),
      });
    }
  }

  /** Lends the best key, a refused one where there is no other, for a call that proves nothing of it. */
  takeForProbe(): KeyLease | NoUsableKey {
    const nowMs = this.options.nowMs();
    const usable = this.#states.filter(({ refusal }) => refusal === undefined);
    const best = bestOf(usable.length > 0 ? usable : this.#states, (first, second) =>
      this.compare(first, second, nowMs),
    );
    return best === undefined ? this.none(nowMs) : this.lend(best);
  }

  /** Lends a key; give it back by {@link release}, once the call has ended. */
  take(): KeyLease | NoUsableKey {
    const nowMs = this.options.nowMs();
    const due = this.#states.find(
      ({ refusal }) => refusal !== undefined && refusal.trial === undefined && refusal.untilMs <= nowMs,
    );
    if (due?.refusal !== undefined) {
      const lease = this.lend(due);
      due.refusal.trial = lease;
      lease.trialOf = due.refusal;
      return lease;
    }
    const usable = this.#states.filter(({ refusal }) => refusal === undefined);
    const best = bestOf(usable, (first, second) => this.compare(first, second, nowMs));
    return best === undefined ? this.none(nowMs) : this.lend(best);
  }

  /** The call is over, whatever came of it. A second time changes nothing. */
  release(lease: KeyLease): void {
    if (!(lease instanceof Lease) || lease.isReleased) return;
    lease.isReleased = true;
    lease.state.inFlight -= 1;
    const { refusal } = lease.state;
    // A trial that proved nothing (the caller left, a 500): the next call is one.
    if (refusal?.trial === lease) refusal.trial = undefined;
  }

  /** The provider took the key. */
  accepted(lease: KeyLease): void {
    if (!(lease instanceof Lease)) return;
    const { state } = lease;
    if (state.refusal === undefined) return;
    // A call that was let in before the refusal proves little, and nobody is in need; unless it is the only key.
    if (state.refusal !== lease.trialOf && this.usable > 0) return;
    state.refusal = undefined;
    const position = this.positionOf(state);
    if (position === undefined) return;
    this.options.onChange?.({ change: 'restored', how: 'accepted', position, ...this.counts() });
  }

  /** The call failed. Says whether its key was the reason. */
  failed(lease: KeyLease, kind: ProviderErrorKind, retryAfterMs: number | undefined): boolean {
    if (!(lease instanceof Lease)) return false;
    const { state } = lease;
    const nowMs = this.options.nowMs();
    if (kind === 'authentication' || kind === 'billing') {
      this.refuse(lease, kind, nowMs);
      return true;
    }
    if (kind === 'rate_limited') {
      this.accepted(lease);
      const wishMs = retryAfterMs ?? DEFAULT_REST_MS;
      const restMs = Math.min(Math.max(wishMs, SHORTEST_REST_MS), LONGEST_REST_MS);
      state.restingUntilMs = Math.max(state.restingUntilMs, nowMs + restMs);
      return true;
    }
    if (kind === 'permission') {
      this.accepted(lease);
      state.deniedUntilMs = nowMs + DENIED_MS;
      return true;
    }
    return false;
  }

  /** What an answer's headers say of the limits of the key it was let in with. */
  noteLimits(lease: KeyLease, windows: readonly RateLimitWindow[]): void {
    if (!(lease instanceof Lease) || windows.length === 0) return;
    lease.state.reading = { windows, atMs: this.options.nowMs(), taken: 0 };
  }

  /** Whether a key other than this one can be used now: not refused, not resting. */
  hasOther(lease: KeyLease): boolean {
    const nowMs = this.options.nowMs();
    return this.#states.some(
      (state) =>
        state.key !== lease.key &&
        state.refusal === undefined &&
        state.restingUntilMs <= nowMs &&
        state.deniedUntilMs <= nowMs,
    );
  }

  /** What is left of the best key's limits, 0 to 1; undefined: unknown. */
  headroom(): number | undefined {
    const nowMs = this.options.nowMs();
    const usable = this.#states.filter(({ refusal }) => refusal === undefined);
    if (usable.length === 0) return undefined;
    let best = 0;
    for (const state of usable) {
      if (state.restingUntilMs > nowMs) continue;
      const share = shareOf(state, nowMs);
      if (share === undefined) return undefined;
      best = Math.max(best, share);
    }
    return best;
  }

  /**
   * How long, from now, nothing is left of the limits that an answer told of; 0: there is, another key has something left, or
   * it is not known. Limits fill up all the time, so the first request is let in long before all of a limit is there again.
   */
  exhaustedForMs(lease: KeyLease, windows: readonly RateLimitWindow[]): number {
    const nowMs = this.options.nowMs();
    const ownMs = usedUpUntilMs({ windows, atMs: nowMs, taken: 0 }) - nowMs;
    if (ownMs <= 0) return 0;
    const isOtherFree = this.#states.some(
      (state) =>
        state.key !== lease.key &&
        state.refusal === undefined &&
        state.restingUntilMs <= nowMs &&
        (state.reading === undefined || usedUpUntilMs(state.reading) <= nowMs),
    );
    return isOtherFree ? 0 : ownMs;
  }

  health(): KeyHealth {
    const nowMs = this.options.nowMs();
    const positions = (isOne: (state: KeyState) => boolean): number[] =>
      this.#states.flatMap((state, index) => (isOne(state) ? [index + 1] : []));
    return {
      ...this.counts(),
      refused: positions(({ refusal }) => refusal !== undefined),
      resting: positions(({ refusal, restingUntilMs }) => refusal === undefined && restingUntilMs > nowMs),
    };
  }

  private lend(state: KeyState): Lease {
    this.#taken += 1;
    state.lastTaken = this.#taken;
    state.inFlight += 1;
    if (state.reading !== undefined) state.reading.taken += 1;
    return new Lease(state);
  }

  private refuse(lease: Lease, kind: RefusalKind, nowMs: number): void {
    const { state } = lease;
    const { refusal } = state;
    // Calls that were under way when it was taken out say nothing new.
    if (refusal !== undefined && refusal !== lease.trialOf) return;
    const outMs = refusal === undefined ? FIRST_OUT_MS : Math.min(refusal.outMs * 2, LONGEST_OUT_MS);
    state.refusal = { kind, outMs, untilMs: nowMs + outMs, trial: undefined };
    const position = this.positionOf(state);
    if (refusal !== undefined || position === undefined) return;
    this.options.onChange?.({ change: 'refused', kind, outMs, position, ...this.counts() });
  }

  private none(nowMs: number): NoUsableKey {
    const refusals = this.#states.flatMap(({ refusal }) => refusal ?? []);
    const waits = refusals.map(({ trial, untilMs }) =>
      trial === undefined ? Math.max(0, untilMs - nowMs) : TRIAL_WAIT_MS,
    );
    const isBilling = refusals.length > 0 && refusals.every(({ kind }) => kind === 'billing');
    return {
      key: undefined,
      kind: isBilling ? 'billing' : 'authentication',
      retryAfterMs: waits.length === 0 ? undefined : Math.min(...waits),
    };
  }

  /** Which is taken first. */
  private compare(first: KeyState, second: KeyState, nowMs: number): number {
    return (
      Math.max(first.restingUntilMs, nowMs) - Math.max(second.restingUntilMs, nowMs) ||
      Number(first.deniedUntilMs > nowMs) - Number(second.deniedUntilMs > nowMs) ||
      stepOf(second, nowMs) - stepOf(first, nowMs) ||
      first.inFlight - second.inFlight ||
      first.lastTaken - second.lastTaken
    );
  }

  /** Undefined: it is not configured any more. */
  private positionOf(state: KeyState): number | undefined {
    const index = this.#states.indexOf(state);
    return index < 0 ? undefined : index + 1;
  }

  private counts(): { readonly total: number; readonly usable: number } {
    return { total: this.total, usable: this.usable };
  }
}

function newState(key: string): KeyState {
  return {
    key,
    inFlight: 0,
    lastTaken: 0,
    restingUntilMs: Number.NEGATIVE_INFINITY,
    deniedUntilMs: Number.NEGATIVE_INFINITY,
    refusal: undefined,
    reading: undefined,
  };
}

function bestOf<Value>(
  values: readonly Value[],
  compare: (first: Value, second: Value) => number,
): Value | undefined {
  let best = values[0];
  for (const value of values) if (best !== undefined && compare(value, best) < 0) best = value;
  return best;
}

/** The smallest share over its limits, calls begun since the reading taken off; undefined: nothing valid was read. */
function shareOf({ reading }: KeyState, nowMs: number): number | undefined {
  if (reading === undefined) return undefined;
  let least: number | undefined;
  for (const { unit, remaining, limit, resetAfterMs } of reading.windows) {
    if (nowMs - reading.atMs >= Math.min(resetAfterMs ?? READING_MS, READING_MS)) continue;
    const left = unit === 'requests' ? Math.max(0, remaining - reading.taken) : remaining;
    least = Math.min(least ?? 1, left / limit);
  }
  return least;
}

function usedUpUntilMs(reading: Reading): number {
  let untilMs = 0;
  for (const { unit, remaining, limit, resetAfterMs } of reading.windows) {
    const left = unit === 'requests' ? remaining - reading.taken : remaining;
    if (left > 0 || resetAfterMs === undefined) continue;
    const refillMs = Math.min(resetAfterMs, READING_MS) * Math.max(1 / limit, REFILL_SHARE);
    untilMs = Math.max(untilMs, reading.atMs + refillMs);
  }
  return untilMs;
}

/** A key of which nothing is known is as good as a fresh one: how else would it be got to know? */
function stepOf(state: KeyState, nowMs: number): number {
  return Math.ceil((shareOf(state, nowMs) ?? 1) * SHARE_STEPS);
}
