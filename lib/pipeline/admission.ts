import type { Workload } from '../context/index.js';
import { OverloadedError } from '../errors/overloaded-error.js';

/** Requests come and go within seconds: a later try has a fair chance. */
const RETRY_AFTER_MS = 1_000;
/** Of all places, what background work may take. */
const BACKGROUND_SHARE = 0.9;

export interface AdmissionLimits {
  readonly requestsInFlight: number;
  readonly requestsInFlightPerKey: number | undefined;
}

/** Counts the requests under way, over all and by key: taken and released here alone. */
export class Admission {
  #inFlight = 0;
  readonly #byKey = new Map<string, number>();
  #onIdle: (() => void)[] = [];
  #isClosed = false;

  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * Takes a place and gives the function that gives it back, once.
   *
   * @throws {@link OverloadedError} when there is none.
   */
  enter(limits: AdmissionLimits, keyId: string | undefined, workload: Workload = 'interactive'): () => void {
    if (this.#isClosed) throw new OverloadedError('The application is shutting down.', RETRY_AFTER_MS);
    // The last places are for those who wait for their answer.
    const places =
      workload === 'background'
        ? Math.ceil(limits.requestsInFlight * BACKGROUND_SHARE)
        : limits.requestsInFlight;
    if (this.#inFlight >= places) {
      throw new OverloadedError('Too many requests are under way.', RETRY_AFTER_MS);
    }
    const ofKey = keyId === undefined ? 0 : (this.#byKey.get(keyId) ?? 0);
    if (limits.requestsInFlightPerKey !== undefined && ofKey >= limits.requestsInFlightPerKey) {
      throw new OverloadedError('Too many requests of this key are under way.', RETRY_AFTER_MS);
    }
    this.#inFlight += 1;
    if (keyId !== undefined) this.#byKey.set(keyId, ofKey + 1);
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      this.#inFlight -= 1;
      if (keyId !== undefined) this.leaveKey(keyId);
      if (this.#inFlight === 0) for (const onIdle of this.#onIdle.splice(0)) onIdle();
    };
  }

  /** Takes nobody any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Resolves when nobody is inside. */
  async whenIdle(): Promise<void> {
    if (this.#inFlight === 0) return;
    await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  private leaveKey(keyId: string): void {
    const left = (this.#byKey.get(keyId) ?? 1) - 1;
    if (left === 0) this.#byKey.delete(keyId);
    else this.#byKey.set(keyId, left);
  }
}
