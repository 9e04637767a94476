import { LlmRouterError } from '../../errors/index.js';

const MARKER = Symbol.for('nestjs-llm-router.weights-file-error');

/**
 * A classifier's weights file that cannot be used: cut short, altered, none at all, too large, or made by another version.
 * Retrying does not help.
 *
 * @publicApi
 */
export class WeightsFileError extends LlmRouterError {
  constructor(what: string, cause?: unknown) {
    super({
      message: `The classifier's weights file ${what}`,
      code: 'invalid_configuration',
      status: 500,
      type: 'server_error',
      isRetryable: false,
      shouldRetry: false,
      ...(cause === undefined ? {} : { cause }),
    });
    Object.defineProperty(this, MARKER, { value: true });
  }

  /** Works across duplicate copies of the package, ESM and CommonJS. */
  static override isInstance(value: unknown): value is WeightsFileError {
    return typeof value === 'object' && value !== null && MARKER in value;
  }
}
