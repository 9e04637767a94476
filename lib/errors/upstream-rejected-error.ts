import { hideUndefined, LlmRouterError } from './llm-router-error.js';
import type { ProviderError } from './provider-error.js';

/**
 * The provider refused the request for a fault of the caller's (400, 413, 422, a content filter). The status
 * passes through; the provider's sentence does so with keys and prompt text taken out.
 *
 * @publicApi
 */
export class UpstreamRejectedError extends LlmRouterError {
  /** The provider's own code, where it gave one. */
  readonly providerCode: string | undefined;

  /** @internal */
  constructor(error: ProviderError, redactedMessage: string | undefined) {
    super({
      message:
        redactedMessage ??
        `The provider refused the request (${[...new Set([error.kind, error.providerCode ?? error.kind])].join(', ')}).`,
      code:
        error.kind === 'content_filter'
          ? 'content_filter'
          : error.kind === 'context_length'
            ? 'context_length_exceeded'
            : error.kind === 'request_too_large'
              ? 'request_too_large'
              : 'upstream_rejected',
      status: error.status !== undefined && error.status >= 400 && error.status < 500 ? error.status : 400,
      type: 'invalid_request_error',
      param: error.param,
      isRetryable: false,
    });
    this.providerCode = error.providerCode;
    hideUndefined(this);
  }
}
