/** What may be there at once: in memory nothing has to be waited for. */
export type Awaitable<Value> = Value | Promise<Value>;

/** A count that may be used up. Amounts are whole numbers of 0 or more, in whatever unit. */
export interface Quota {
  /** Names it, to every instance alike. */
  readonly key: string;
  /** `Infinity`: counted, and never full. */
  readonly limit: number;
  /** Nobody asks for it any more after that, in epoch milliseconds. */
  readonly endsAtMs: number;
}

export interface QuotaUse {
  /** For good. */
  readonly used: number;
  /** By those who do not yet know how much they will have used. */
  readonly held: number;
}

/**
 * What instances share of counts: the storage contract. A store that is asked over a network answers later and is told
 * without being waited for; one in memory answers at once.
 */
export interface QuotaStore {
  /**
   * Holds the amount in all of the quotas, or in none: a quota has room as long as what is used and held is under its
   * limit, however much is asked for. So it is exceeded by what one asks for, and by no more.
   *
   * @returns The position of the first quota without room; undefined: it is held.
   */
  hold(quotas: readonly Quota[], amount: number): Awaitable<number | undefined>;
  /** Gives back what was held and adds what was used. Once for each hold. */
  settle(quotas: readonly Quota[], held: number, used: number): Awaitable<void>;
  /** What this instance knows of it, without asking. */
  peek(key: string): QuotaUse;
  /** Its time is over: forgotten as soon as nothing is held. */
  forget(key: string): void;
}
