import { LlmRouterError } from './llm-router-error.js';
import type { ProviderErrorKind } from './provider-error-kind.js';

/** How one attempt ended, as the error lists it. */
export interface AttemptFailureSummary {
  readonly model: string;
  readonly provider: string;
  readonly kind: ProviderErrorKind;
  readonly status: number | undefined;
}

const WORDS: Readonly<Partial<Record<ProviderErrorKind, string>>> = {
  connection: 'could not be reached',
  timeout: 'took too long',
  bad_response: 'gave an answer that is none',
  stream_cut: 'broke off',
};

/**
 * Every eligible deployment was tried and none answered. HTTP 502: the router has already retried, the SDK need
 * not.
 *
 * @publicApi
 */
export class AllAttemptsFailedError extends LlmRouterError {
  readonly attempts: readonly AttemptFailureSummary[];

  constructor(attempts: readonly AttemptFailureSummary[]) {
    const summary = attempts
      .map(
        (attempt) =>
          `${attempt.model} at ${attempt.provider}: ${WORDS[attempt.kind] ?? attempt.kind}${attempt.status === undefined ? '' : ` (${attempt.status})`}`,
      )
      .join('; ');
    super({
      message: `All ${attempts.length} attempt(s) failed: ${summary}.`,
      code: 'all_attempts_failed',
      status: 502,
      type: 'server_error',
      isRetryable: false,
      shouldRetry: false,
    });
    this.attempts = attempts;
  }
}
