import type { ConfigurationIssue } from '../errors/configuration-error.js';

/** What the boot proof found: errors stop the boot, warnings do so under `strict`, remarks never. */
export class ProofNotes {
  readonly errors: ConfigurationIssue[] = [];
  readonly warnings: ConfigurationIssue[] = [];
  /** Said as warnings are, of what may well be as it should. */
  readonly remarks: ConfigurationIssue[] = [];

  error(path: string, message: string): void {
    this.errors.push({ path, message });
  }

  warn(path: string, message: string): void {
    this.warnings.push({ path, message });
  }

  remark(path: string, message: string): void {
    this.remarks.push({ path, message });
  }
}
