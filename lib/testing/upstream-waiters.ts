interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/** Who waits for something to happen at an upstream. */
export class UpstreamWaiters {
  readonly #waiters = new Set<Waiter>();
  #isClosed = false;

  wait(isMet: () => boolean, what: string): Promise<void> {
    if (isMet()) return Promise.resolve();
    if (this.#isClosed) {
      return Promise.reject(new Error(`The scripted upstream is closed: ${what} will not come`));
    }
    return new Promise((resolve, reject) => this.#waiters.add({ isMet, resolve, reject }));
  }

  /** Lets go on who has got what was waited for. */
  notify(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isMet()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Nothing will happen any more: who begins to wait now is told so. */
  close(): void {
    this.#isClosed = true;
  }

  /** Tells it to who waits still. */
  rejectAll(): void {
    for (const waiter of this.#waiters) {
      waiter.reject(new Error('The scripted upstream was closed before that happened'));
    }
    this.#waiters.clear();
  }
}
