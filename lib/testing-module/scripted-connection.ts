import { ProviderError } from '../errors/provider-error.js';

/** What a router's scripted calls wait in: they end with the call's signal, or when the application closes. */
export class ScriptedConnection {
  readonly #endings = new Set<() => void>();
  #isClosed = false;

  /** Ends what waits, and lets nothing stall any more: an application under test closes at once. */
  close(): void {
    this.#isClosed = true;
    for (const end of this.#endings) end();
  }

  /** @throws the signal's reason when it aborts; never returns otherwise. */
  async stall(signal: AbortSignal): Promise<never> {
    if (this.#isClosed) throw closedError();
    return this.until(new Promise<never>(() => undefined), signal);
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
    let stopListening = (): void => undefined;
    const interrupted = new Promise<never>((_resolve, reject) => {
      const onAbort = (): void => {
        // Whatever the router gave as its reason: it knows it again.
        reject(signal.reason as Error);
      };
      const onClose = (): void => {
        reject(closedError());
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#endings.add(onClose);
      stopListening = () => {
        signal.removeEventListener('abort', onAbort);
        this.#endings.delete(onClose);
      };
    });
    try {
      return await Promise.race([work, interrupted]);
    } finally {
      stopListening();
    }
  }
}

function closedError(): ProviderError {
  return new ProviderError({ kind: 'connection', providerCode: 'ECONNRESET' });
}
