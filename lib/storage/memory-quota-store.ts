import type { Quota, QuotaStore, QuotaUse } from './quota-store.js';

interface Entry {
  used: number;
  held: number;
  /** By how many. */
  holders: number;
  isForgotten: boolean;
}

const UNUSED: QuotaUse = { used: 0, held: 0 };

/** Counts in this process alone; a restart begins at nothing. As large as the quotas that are not forgotten. */
export class MemoryQuotaStore implements QuotaStore {
  readonly #entries = new Map<string, Entry>();

  /** Quotas that are kept. */
  get size(): number {
    return this.#entries.size;
  }

  hold(quotas: readonly Quota[], amount: number): number | undefined {
    for (const [position, { key, limit }] of quotas.entries()) {
      const { used, held } = this.peek(key);
      if (used + held >= limit) return position;
    }
    for (const { key } of quotas) {
      let entry = this.#entries.get(key);
      if (entry === undefined) {
        entry = { used: 0, held: 0, holders: 0, isForgotten: false };
        this.#entries.set(key, entry);
      }
      entry.isForgotten = false;
      entry.held += amount;
      entry.holders += 1;
    }
    return undefined;
  }

  settle(quotas: readonly Quota[], held: number, used: number): void {
    for (const { key } of quotas) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      entry.held -= held;
      entry.holders -= 1;
      entry.used += used;
      if (entry.holders === 0 && entry.isForgotten) this.#entries.delete(key);
    }
  }

  peek(key: string): QuotaUse {
    return this.#entries.get(key) ?? UNUSED;
  }

  forget(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.holders === 0) this.#entries.delete(key);
    else entry.isForgotten = true;
  }
}
