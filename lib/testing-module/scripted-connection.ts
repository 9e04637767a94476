import { ProviderError } from '../errors/provider-error.js';
import { AttemptStopped } from '../execution/attempt-clock.js';

/** What scripted calls wait in: they end with the call's signal, or all at once. */
export class ScriptedWaits {
  readonly #endings = new Set<(error: Error) => void>();
  #ended: Error | undefined;

  /** Ends what waits, and lets nothing stall any more. */
  end(error: Error): void {
    this.#ended ??= error;
    for (const end of [...this.#endings]) end(error);
  }

  /** @throws the signal's reason when it aborts, or what ended the waits; never returns otherwise. */
  async stall(signal: AbortSignal): Promise<never> {
    if (this.#ended !== undefined) throw this.#ended;
    return this.until(new Promise<never>(() => undefined), signal);
  }

  /** As {@link stall}, but returns when the caller is forgotten: a stream that has begun cannot end unnoticed. */
  async stallMidway(signal: AbortSignal): Promise<void> {
    try {
      await this.stall(signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof AttemptStopped)) throw error;
    }
  }

  /** In real time; no timer outlives the call. */
  async pause(durationMs: number, signal: AbortSignal): Promise<void> {
    if (durationMs <= 0) return;
    let timer: NodeJS.Timeout | undefined;
    const passed = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, durationMs);
    });
    try {
      await this.until(passed, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The work's result. @throws the signal's reason when that aborts first. */
  async until<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.#ended instanceof AttemptStopped) throw this.#ended;
    let stopListening = (): void => undefined;
    const interrupted = new Promise<never>((_resolve, reject) => {
      const onAbort = (): void => {
        // Whatever the router gave as its reason: it knows it again.
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#endings.add(reject);
      stopListening = () => {
        signal.removeEventListener('abort', onAbort);
        this.#endings.delete(reject);
      };
    });
    try {
      return await Promise.race([work, interrupted]);
    } finally {
      stopListening();
    }
  }
}

/** One router's calls: a call takes its waits when it begins, and keeps them. */
export class ScriptedConnection {
  #waits = new ScriptedWaits();
  #isClosed = false;

  get waits(): ScriptedWaits {
    return this.#waits;
  }

  /**
   * Ends what waits now, and what would of the calls under way, as if their callers had left: such a call is followed by
   * no other, and the router learns nothing from it.
   */
  forget(): void {
    this.#waits.end(new AttemptStopped('client_left'));
    if (!this.#isClosed) this.#waits = new ScriptedWaits();
  }

  /** Ends what waits, and lets nothing stall any more: an application under test closes at once. */
  close(): void {
    this.#isClosed = true;
    this.#waits.end(new ProviderError({ kind: 'connection', providerCode: 'ECONNRESET' }));
  }
}
