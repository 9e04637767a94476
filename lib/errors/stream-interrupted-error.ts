import { LlmRouterError } from './llm-router-error.js';
import type { ProviderErrorKind } from './provider-error-kind.js';

/**
 * An answer broke off after part of it had been sent. Over HTTP it is an error event in the stream, never a clean
 * end.
 *
 * @publicApi
 */
export class StreamInterruptedError extends LlmRouterError {
  /** What ended the stream. */
  readonly kind: ProviderErrorKind | 'deadline' | 'shutdown';

  constructor(kind: ProviderErrorKind | 'deadline' | 'shutdown') {
    super({
      message: `The answer broke off (${kind}). What was sent so far is not complete.`,
      code: 'stream_interrupted',
      status: 502,
      type: 'server_error',
      isRetryable: true,
    });
    this.kind = kind;
  }
}
