import type { ConfigurationIssue } from '../errors/configuration-error.js';

/** What the boot proof found: errors stop the boot, warnings do so under `strict`. */
export class ProofNotes {
  readonly errors: ConfigurationIssue[] = [];
  readonly warnings: ConfigurationIssue[] = [];

  error(path: string, message: string): void {
    this.errors.push({ path, message });
  }

  warn(path: string, message: string): void {
    this.warnings.push({ path, message });
  }
}
