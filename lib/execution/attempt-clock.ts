/** Why an attempt was ended from our side. */
export type StopCause =
  /** The hard wait for a first token, or the whole answer's share of the deadline. */
  | 'too_slow'
  /** The moment to move on: it may be tried again when nothing else is left. */
  | 'moved_on'
  /** A stream paused for longer than `idleMs`. */
  | 'idle'
  /** A stream ran for longer than `maxStreamMs`. */
  | 'max_stream'
  /** A second copy of the request, and the first was answered first. */
  | 'hedge_lost'
  /** Slower than usual, so a second copy was sent, which was answered first. */
  | 'overtaken'
  /** The request's deadline. */
  | 'deadline'
  /** The caller left. */
  | 'client_left'
  /** The application is shutting down and its grace period is over. */
  | 'shutdown';

/** Reason of a request's signal when it is not the caller who left. */
export const SHUTDOWN = Symbol('shutdown');

/** The abort reason of an attempt's signal. */
export class AttemptStopped extends Error {
  override readonly name = 'AttemptStopped';

  constructor(readonly stopCause: StopCause) {
    super(`Attempt stopped: ${stopCause}`);
  }
}

const MAX_TIMER_MS = 2_147_483_647;

/** How long an attempt may go on in its phase. */
export interface ClockLimit {
  /** Undefined: without end. */
  readonly afterMs: number | undefined;
  readonly cause: StopCause;
  /** Asked when the time is up, and only then: true, and the limit does not count. Must not throw. */
  readonly unless?: () => boolean;
}

/** One abort controller and one timer for an attempt; the timer is set anew for each of its phases. */
export class AttemptClock {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #onCallerAbort = (): void => {
    this.stop(this.#caller?.reason === SHUTDOWN ? 'shutdown' : 'client_left');
  };

  constructor(caller: AbortSignal | undefined) {
    this.#caller = caller;
    if (caller?.aborted) this.#onCallerAbort();
    else caller?.addEventListener('abort', this.#onCallerAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get stopCause(): StopCause | undefined {
    const reason: unknown = this.#controller.signal.reason;
    return reason instanceof AttemptStopped ? reason.stopCause : undefined;
  }

  /** Replaces the running timer by the nearest of the limits; those undefined do not count. */
  arm(limits: readonly ClockLimit[]): void {
    this.#armSince(performance.now(), limits);
  }

  #armSince(startedAt: number, limits: readonly ClockLimit[]): void {
    clearTimeout(this.#timer);
    let nearestMs = Number.POSITIVE_INFINITY;
    let nearest: ClockLimit | undefined;
    for (const limit of limits) {
      if (limit.afterMs !== undefined && limit.afterMs < nearestMs) {
        nearestMs = limit.afterMs;
        nearest = limit;
      }
    }
    if (nearest === undefined) return;
    const { cause, unless } = nearest;
    const passed = nearest;
    this.#timer = setTimeout(
      () => {
        if (unless?.() === true) {
          this.#armSince(
            startedAt,
            limits.filter((limit) => limit !== passed),
          );
        } else {
          this.stop(cause);
        }
      },
      // Node takes a longer one for 1 ms.
      Math.min(Math.max(0, startedAt + nearestMs - performance.now()), MAX_TIMER_MS),
    );
  }

  stop(cause: StopCause): void {
    if (!this.#controller.signal.aborted) this.#controller.abort(new AttemptStopped(cause));
  }

  /** Leaves no timer and no listener behind. */
  dispose(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }
}
