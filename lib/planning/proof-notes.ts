import type { ConfigurationIssue } from '../errors/configuration-error.js';

/** What the boot proof found: errors stop the boot, warnings do so under `strict`, remarks never. */
export class ProofNotes {
  readonly errors: ConfigurationIssue[] = [];
  readonly warnings: ConfigurationIssue[] = [];
  /** Said as warnings are, of what may well be as it should. */
  readonly remarks: ConfigurationIssue[] = [];
  #beside = 0;

  /** Whether models and rules are known in spite of the errors so far, so that proofs that build on them hold. */
  get areRulesKnown(): boolean {
    return this.errors.length === this.#beside;
  }

  error(path: string, message: string): void {
    this.errors.push({ path, message });
  }

  /** An error that leaves models and rules what they are. */
  errorBeside(path: string, message: string): void {
    this.error(path, message);
    this.#beside += 1;
  }

  warn(path: string, message: string): void {
    this.warnings.push({ path, message });
  }

  remark(path: string, message: string): void {
    this.remarks.push({ path, message });
  }
}
