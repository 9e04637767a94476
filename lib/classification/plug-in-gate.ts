import { DeadlineExceededError } from '../errors/deadline-exceeded-error.js';
import { type BreakerSettings, CircuitBreaker } from '../signals/circuit-breaker.js';
import type { PlugIn, PlugInFaultKind } from '../telemetry/index.js';

const BREAKER: BreakerSettings = {
  errorRate: 0.5,
  minRequests: 10,
  windowMs: 60_000,
  openMs: 5_000,
  maxOpenMs: 60_000,
  rampStepMs: 2_000,
};

/** An answer that is none: it cannot be used, whoever is at fault. */
export class BadPlugInAnswer extends Error {
  override readonly name = 'BadPlugInAnswer';
}

class PlugInTimeout extends Error {
  override readonly name = 'PlugInTimeout';
}

/** On whose behalf a plug-in is asked, and how long that may take. */
export interface PlugInCall {
  readonly decisionId: string;
  readonly timeoutMs: number;
  /** The caller's. */
  readonly signal: AbortSignal;
}

export type OnPlugInFault = (plugIn: PlugIn, kind: PlugInFaultKind, decisionId: string) => void;

/**
 * Stands before one plug-in: a deadline for each call, and a circuit breaker over all of them. Whatever a plug-in does, no
 * request fails for it: undefined is all that comes of a fault.
 */
export class PlugInGate {
  readonly #breaker = new CircuitBreaker(() => BREAKER);
  #calls = 0;
  /** Of a breaker that lets a share pass, what has been saved up. */
  #turn = 0;

  constructor(
    private readonly plugIn: PlugIn,
    private readonly onFault: OnPlugInFault,
  ) {}

  /** @param work - Is given up on when the signal aborts: the time is over, or the caller has left. */
  async ask<Answer>(
    work: (signal: AbortSignal) => Answer | Promise<Answer>,
    { decisionId, timeoutMs, signal }: PlugInCall,
  ): Promise<Answer | undefined> {
    if (hasLeft(signal)) return undefined;
    if (!this.isOpenTo(Date.now())) {
      this.onFault(this.plugIn, 'breaker_open', decisionId);
      return undefined;
    }
    this.#calls += 1;
    const call = String(this.#calls);
    const sent = { startedAtMs: Date.now(), streamed: false };
    this.#breaker.started(call, sent.startedAtMs);
    try {
      const answer = await inTime(work, timeoutMs, signal);
      this.#breaker.ended(call, 'success', sent, Date.now());
      return answer;
    } catch (error) {
      // That says nothing of the plug-in.
      if (hasLeft(signal)) {
        this.#breaker.ended(call, 'none', sent, Date.now());
        return undefined;
      }
      this.#breaker.ended(call, 'fault', sent, Date.now());
      this.onFault(this.plugIn, kindOf(error), decisionId);
      return undefined;
    }
  }

  private isOpenTo(nowMs: number): boolean {
    const { share } = this.#breaker.read(nowMs);
    if (share >= 1) return true;
    this.#turn += share;
    // Ten tenths are not quite one.
    if (this.#turn < 1 - 1e-9) return false;
    this.#turn -= 1;
    return true;
  }
}

/** The caller; asked anew each time. */
function hasLeft(signal: AbortSignal): boolean {
  return signal.aborted;
}

function kindOf(error: unknown): PlugInFaultKind {
  if (error instanceof BadPlugInAnswer) return 'bad_answer';
  return error instanceof PlugInTimeout || error instanceof DeadlineExceededError ? 'timeout' : 'error';
}

async function inTime<Answer>(
  work: (signal: AbortSignal) => Answer | Promise<Answer>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Answer> {
  const controller = new AbortController();
  let giveUp!: (reason: unknown) => void;
  const isGivenUp = new Promise<never>((_, reject) => {
    giveUp = reject;
  });
  const stop = (reason: unknown): void => {
    giveUp(reason);
    controller.abort(reason);
  };
  const onAbort = (): void => {
    stop(signal.reason);
  };
  const timer = setTimeout(() => {
    stop(new PlugInTimeout());
  }, timeoutMs);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    // Whichever is second is not listened to: it must not be an unhandled rejection.
    return await Promise.race([Promise.resolve(controller.signal).then(work), isGivenUp]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
