import { LlmRouterError } from './llm-router-error.js';

const SUBJECTS = {
  surface: 'this surface',
  tenant: 'this tenant',
  key: 'this API key',
} as const;

/**
 * Which budget is spent.
 *
 * @publicApi
 */
export interface SpentBudget {
  /** Whose it is. */
  readonly scope: 'surface' | 'tenant' | 'key';
  readonly per: 'day' | 'month';
  /** The first moment of the next period. */
  readonly resetsAtMs: number;
}

/**
 * A budget with `onExceeded: 'reject'` is spent until its next day or month. HTTP 402, not to be retried by the SDK. The
 * message names no amount: whoever reads it may be a customer.
 *
 * @publicApi
 */
export class BudgetExceededError extends LlmRouterError {
  readonly scope: SpentBudget['scope'];
  readonly per: SpentBudget['per'];
  /** When it begins anew, in milliseconds since the epoch. */
  readonly resetsAtMs: number;

  constructor({ scope, per, resetsAtMs }: SpentBudget) {
    super({
      message: `The budget of ${SUBJECTS[scope]} for this ${per} is spent. It begins anew at ${new Date(resetsAtMs).toISOString()}.`,
      code: 'budget_exceeded',
      status: 402,
      type: 'insufficient_quota',
      isRetryable: false,
      shouldRetry: false,
    });
    this.scope = scope;
    this.per = per;
    this.resetsAtMs = resetsAtMs;
  }
}
