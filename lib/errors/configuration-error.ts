import { LlmRouterError } from './llm-router-error.js';

/** One thing wrong with the configuration. */
export interface ConfigurationIssue {
  /** Where: `routingRules.simple_queries.primary`. */
  readonly path: string;
  /** What is wrong and what to do. */
  readonly message: string;
}

/**
 * The configuration cannot be used. Lists every problem at once; stops the boot.
 *
 * @publicApi
 */
export class ConfigurationError extends LlmRouterError {
  readonly issues: readonly ConfigurationIssue[];

  constructor(issues: readonly ConfigurationIssue[]) {
    super({
      message: `Invalid LLM router configuration (${issues.length} problem${issues.length === 1 ? '' : 's'}):\n${issues
        .map((issue) => `  ${issue.path === '' ? '(root)' : issue.path}: ${issue.message}`)
        .join('\n')}`,
      code: 'invalid_configuration',
      status: 500,
      type: 'server_error',
      isRetryable: false,
    });
    this.issues = issues;
  }
}
