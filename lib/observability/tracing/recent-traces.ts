/** So many decisions can be led back to their trace. */
const MAX_KEPT = 10_000;

/** The traces of the last decisions, by the decisions' ids. */
export class RecentTraces {
  readonly #traceIds = new Map<string, string>();

  add(decisionId: string, traceId: string): void {
    this.#traceIds.set(decisionId, traceId);
    if (this.#traceIds.size <= MAX_KEPT) return;
    const [oldest] = this.#traceIds.keys();
    if (oldest !== undefined) this.#traceIds.delete(oldest);
  }

  get(decisionId: string): string | undefined {
    return this.#traceIds.get(decisionId);
  }
}
