/** How the keys of one provider stand. Keys are named by their position in the configuration, from 1: never by text. */
export interface KeyHealth {
  readonly total: number;
  /** Not refused; one that waits out a rate limit counts. */
  readonly usable: number;
  /** Refused by the provider, and taken out until one is tried again. */
  readonly refused: readonly number[];
  /** Waiting out a rate limit. */
  readonly resting: readonly number[];
}
