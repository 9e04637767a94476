import type { UpstreamKeyLimit, UpstreamRateLimit } from './upstream-limits.interface.js';

interface Limited {
  readonly limit: UpstreamKeyLimit;
  /** When requests were taken, the oldest first. */
  taken: number[];
}

/** What became of a request that a limited key has made. */
export interface KeyUse {
  /** Undefined where it was taken. */
  readonly retryAfterMs: number | undefined;
  readonly rateLimit: UpstreamRateLimit;
}

/** Which keys are taken, and how often. */
export class KeyRing {
  readonly #accepted: Set<string>;
  readonly #revoked = new Set<string>();
  readonly #limited = new Map<string, Limited>();
  /** Whether a key is asked for: once it was, also when the last one has been revoked. */
  #isAsked: boolean;

  constructor(keys: readonly string[]) {
    this.#accepted = new Set(keys);
    this.#isAsked = keys.length > 0;
  }

  takes(key: string | undefined): boolean {
    if (key !== undefined && this.#revoked.has(key)) return false;
    return !this.#isAsked || (key !== undefined && this.#accepted.has(key));
  }

  accept(key: string): void {
    this.#accepted.add(key);
    this.#revoked.delete(key);
    this.#isAsked = true;
  }

  revoke(key: string): void {
    this.#accepted.delete(key);
    this.#revoked.add(key);
  }

  /** @throws RangeError for a limit that lets nothing be counted. */
  limit(key: string, limit: UpstreamKeyLimit | undefined): void {
    if (limit === undefined) {
      this.#limited.delete(key);
      return;
    }
    if (!(limit.requests >= 0 && limit.windowMs > 0)) {
      throw new RangeError('A limit of a key needs requests from 0 and a windowMs above 0');
    }
    this.#limited.set(key, { limit, taken: this.#limited.get(key)?.taken ?? [] });
  }

  /** Counts a request; undefined for a key without a limit. */
  use(key: string | undefined, nowMs: number): KeyUse | undefined {
    const limited = key === undefined ? undefined : this.#limited.get(key);
    if (limited === undefined) return undefined;
    const { requests, windowMs } = limited.limit;
    limited.taken = limited.taken.filter((takenMs) => takenMs > nowMs - windowMs);
    const isTaken = limited.taken.length < requests;
    if (isTaken) limited.taken.push(nowMs);
    const [oldest = nowMs] = limited.taken;
    const resetMs = oldest + windowMs - nowMs;
    return {
      retryAfterMs: isTaken ? undefined : resetMs,
      rateLimit: {
        limitRequests: requests,
        remainingRequests: Math.max(requests - limited.taken.length, 0),
        resetMs,
      },
    };
  }
}
