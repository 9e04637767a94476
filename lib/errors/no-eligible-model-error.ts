import { LlmRouterError } from './llm-router-error.js';

/** Why one candidate was left out, as the error lists it. */
export interface RejectionSummary {
  readonly model: string;
  readonly provider: string;
  readonly reason: string;
  readonly detail: string;
}

/**
 * No model may serve this request under its hard limits. HTTP 400: another try changes nothing.
 *
 * @publicApi
 */
export class NoEligibleModelError extends LlmRouterError {
  readonly rejected: readonly RejectionSummary[];

  constructor(rejected: readonly RejectionSummary[]) {
    const reasons = rejected.map((candidate) => `${candidate.model}: ${candidate.detail}`).join('; ');
    super({
      message: `No model may serve this request${reasons === '' ? '.' : `: ${reasons}.`}`,
      code: 'no_eligible_model',
      status: 400,
      type: 'invalid_request_error',
      isRetryable: false,
    });
    this.rejected = rejected;
  }
}
