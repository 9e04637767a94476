/** More than this is not saved up: a quiet night must not pay for a storm in the morning. */
const MAX_SAVED = 50;

/**
 * Lets a share of the traffic do what costs more than it should in a crisis: each request pays in the share, each use
 * takes one. A few uses are there from the start, and come back with time, so that rare traffic is served too.
 */
export class ShareBudget {
  #saved: number;
  #refilledAt: number;

  /**
   * @param reserve - Uses without any traffic, and the most of them that time brings back.
   * @param refillMs - One of them comes back in so long.
   */
  constructor(
    private readonly reserve: number,
    private readonly refillMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.#saved = reserve;
    this.#refilledAt = this.now();
  }

  /** A request has come. */
  payIn(share: number): void {
    this.#saved = Math.min(this.#saved + share, Math.max(MAX_SAVED, this.reserve));
  }

  get has(): boolean {
    this.refill();
    return this.#saved >= 1;
  }

  /** False: nothing is left of it. */
  take(): boolean {
    if (!this.has) return false;
    this.#saved -= 1;
    return true;
  }

  private refill(): void {
    const now = this.now();
    const back = Math.floor((now - this.#refilledAt) / this.refillMs);
    if (back <= 0) return;
    this.#refilledAt += back * this.refillMs;
    if (this.#saved < this.reserve) this.#saved = Math.min(this.reserve, this.#saved + back);
  }
}
