import type { ConfigurationIssue } from '../errors/index.js';

/**
 * What a reconfiguration came to.
 *
 * @publicApi
 */
export interface ReconfigureReport {
  /** Identifies the configuration now in force, keys left out; in logs and in `explain`. */
  readonly hash: string;
  /** Of the one before. */
  readonly previousHash: string;
  /** False: the new configuration says the same as the one before. A changed key changes it, though not the hash. */
  readonly changed: boolean;
  /** What the boot would have warned of. */
  readonly warnings: readonly ConfigurationIssue[];
}
