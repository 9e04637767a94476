import { LlmRouterError } from '../../errors/index.js';

const MARKER = Symbol.for('nestjs-llm-router.training-data-error');
const NAMED_ISSUES = 10;

/** One line that cannot be learned from. */
export interface TrainingDataIssue {
  /** From 1; of rows given as an array: the place in it, from 1. */
  readonly line: number;
  readonly message: string;
}

/**
 * Outcomes that cannot be learned from. Lists the lines at fault; holds none of their text.
 *
 * @publicApi
 */
export class TrainingDataError extends LlmRouterError {
  readonly issues: readonly TrainingDataIssue[];

  constructor(what: string, issues: readonly TrainingDataIssue[] = [], cause?: unknown) {
    const named = issues.slice(0, NAMED_ISSUES).map(({ line, message }) => `\n  line ${line}: ${message}`);
    const rest = issues.length > NAMED_ISSUES ? `\n  and ${issues.length - NAMED_ISSUES} more` : '';
    super({
      message: `The training data ${what}${named.join('')}${rest}`,
      code: 'invalid_request',
      status: 400,
      type: 'invalid_request_error',
      isRetryable: false,
      shouldRetry: false,
      ...(cause === undefined ? {} : { cause }),
    });
    this.issues = issues;
    Object.defineProperty(this, MARKER, { value: true });
  }

  /** Works across duplicate copies of the package, ESM and CommonJS. */
  static override isInstance(value: unknown): value is TrainingDataError {
    return typeof value === 'object' && value !== null && MARKER in value;
  }
}
