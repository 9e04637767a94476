const DAY_MS = 86_400_000;

/** What may be spent in a day of UTC: kept before, trued up after. */
export class DailySpending {
  #day = 0;
  #usd = 0;

  constructor(private readonly now: () => number = Date.now) {}

  /** False: less than that is left of so many US dollars a day, and nothing is kept. */
  keep(usd: number, maxUsd: number): boolean {
    this.turn();
    if (this.#usd + usd > maxUsd) return false;
    this.#usd += usd;
    return true;
  }

  /** What was kept has cost that much. */
  settle(keptUsd: number, spentUsd: number): void {
    this.turn();
    this.#usd = Math.max(0, this.#usd - keptUsd + spentUsd);
  }

  private turn(): void {
    const day = Math.floor(this.now() / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    this.#usd = 0;
  }
}
