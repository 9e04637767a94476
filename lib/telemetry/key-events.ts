import type { ProviderErrorKind } from '../errors/provider-error-kind.js';

/** Which key: by its position in the configuration, from 1, and never by its text. */
interface KeyLabels {
  readonly provider: string;
  readonly position: number;
  /** How many keys the provider has. */
  readonly total: number;
  /** How many of them are not refused now. */
  readonly usable: number;
}

/** A provider refused a key, which is taken out: emitted once, not again while it stays out. */
export interface KeyRefused extends KeyLabels {
  readonly kind: Extract<ProviderErrorKind, 'authentication' | 'billing'>;
  /** When one call tries it again. */
  readonly outMs: number;
}

/** A key that was taken out is in use again. */
export interface KeyRestored extends KeyLabels {
  /** `replaced`: the refused one is not configured any more. */
  readonly how: 'accepted' | 'replaced';
}
