import { hide, LlmRouterError } from './llm-router-error.js';

/** One thing wrong with the configuration. */
export interface ConfigurationIssue {
  /** Where: `routingRules.simple_queries.primary`. */
  readonly path: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/**
 * The configuration cannot be used. Lists every problem at once; stops the boot. Printed, it is its message and nothing
 * else: where in the router a problem was found helps nobody, and its `issues` are in the message already.
 *
 * @publicApi
 */
export class ConfigurationError extends LlmRouterError {
  readonly issues: readonly ConfigurationIssue[];
  /** Some proofs need these mended first: more may follow. */
  readonly isPartial: boolean;

  constructor(issues: readonly ConfigurationIssue[], isPartial = false) {
    super({
      message: `Invalid LLM router configuration (${issues.length} problem${issues.length === 1 ? '' : 's'}):\n${issues
        .map((issue) => `  ${issue.path === '' ? '(root)' : issue.path}: ${issue.message}`)
        .join('\n')}${isPartial ? '\nMore may follow once these are mended.' : ''}`,
      code: 'invalid_configuration',
      status: 500,
      type: 'server_error',
      isRetryable: false,
    });
    this.issues = issues;
    this.isPartial = isPartial;
    this.stack = `${this.name}: ${this.message}`;
    hide(this, 'name', 'status', 'type', 'isRetryable', 'issues', 'isPartial');
  }
}
