import type { UpstreamCapacity } from './upstream-limits.interface.js';

interface Waiting {
  readonly enter: () => void;
}

/** Lets so many requests in at a time; the others wait in their order. */
export class CapacityGate {
  #capacity: UpstreamCapacity | undefined;
  #inside = 0;
  readonly #queue = new Set<Waiting>();

  constructor(capacity: UpstreamCapacity | undefined) {
    this.#capacity = checkCapacity(capacity);
  }

  get queued(): number {
    return this.#queue.size;
  }

  get capacity(): UpstreamCapacity | undefined {
    return this.#capacity;
  }

  /** @throws RangeError for a capacity that no upstream can have. */
  set(capacity: UpstreamCapacity | undefined): void {
    this.#capacity = checkCapacity(capacity);
    this.#admit();
  }

  /** Each entry must be followed by a `leave`. */
  async enter(gone: AbortSignal): Promise<'entered' | 'full' | 'gone'> {
    const { concurrency = Infinity, queue = Infinity } = this.#capacity ?? {};
    if (gone.aborted) return 'gone';
    if (this.#inside < concurrency && this.#queue.size === 0) {
      this.#inside += 1;
      return 'entered';
    }
    if (this.#queue.size >= queue) return 'full';
    return new Promise((resolve) => {
      const waiting: Waiting = {
        enter: () => {
          gone.removeEventListener('abort', onGone);
          resolve('entered');
        },
      };
      const onGone = (): void => {
        this.#queue.delete(waiting);
        resolve('gone');
      };
      gone.addEventListener('abort', onGone, { once: true });
      this.#queue.add(waiting);
    });
  }

  leave(): void {
    this.#inside -= 1;
    this.#admit();
  }

  #admit(): void {
    const { concurrency = Infinity } = this.#capacity ?? {};
    for (const waiting of this.#queue) {
      if (this.#inside >= concurrency) return;
      this.#queue.delete(waiting);
      this.#inside += 1;
      waiting.enter();
    }
  }
}

function checkCapacity(capacity: UpstreamCapacity | undefined): UpstreamCapacity | undefined {
  const { concurrency = 1, queue = 0 } = capacity ?? {};
  if (!(concurrency >= 1)) throw new RangeError(`concurrency must be 1 or more, but is ${concurrency}`);
  if (!(queue >= 0)) throw new RangeError(`queue must be 0 or more, but is ${queue}`);
  return capacity;
}
