const MARKER = Symbol.for('nestjs-llm-router.error');

/**
 * Stable error codes, as the answer's `error.code` carries them.
 *
 * @publicApi
 */
export type LlmRouterErrorCode =
  | 'invalid_request'
  | 'no_eligible_model'
  | 'context_length_exceeded'
  | 'budget_exceeded'
  | 'invalid_api_key'
  | 'surface_not_allowed'
  | 'model_not_found'
  | 'not_found'
  | 'request_too_large'
  | 'rate_limit_exceeded'
  | 'overloaded'
  | 'enqueued_request_lost'
  | 'deadline_exceeded'
  | 'all_attempts_failed'
  | 'upstream_rejected'
  | 'content_filter'
  | 'client_closed_request'
  | 'stream_interrupted'
  | 'internal_error'
  | 'invalid_configuration';

/** OpenAI's coarse `error.type`. */
export type OpenAiErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'insufficient_quota'
  | 'permission_error'
  | 'rate_limit_error'
  | 'server_error';

export interface LlmRouterErrorDetails {
  readonly message: string;
  readonly code: LlmRouterErrorCode;
  /** The HTTP status the endpoint answers with. */
  readonly status: number;
  readonly type: OpenAiErrorType;
  /** The request field or header at fault. */
  readonly param?: string;
  /** True: the same call may succeed later or elsewhere. */
  readonly isRetryable: boolean;
  /** When to come back, in milliseconds. */
  readonly retryAfterMs?: number;
  /** Overrides what the official SDKs would do: sent as `x-should-retry`. */
  readonly shouldRetry?: boolean;
  readonly cause?: unknown;
}

/**
 * Base of every error the router gives to its callers. No key, prompt or provider text is in any field.
 *
 * @example
 * ```ts
 * try { await router.chat(request); }
 * catch (error) { if (LlmRouterError.isInstance(error) && error.isRetryable) … }
 * ```
 * @publicApi
 */
export abstract class LlmRouterError extends Error {
  readonly code: LlmRouterErrorCode;
  readonly status: number;
  readonly type: OpenAiErrorType;
  readonly param: string | undefined;
  readonly isRetryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly shouldRetry: boolean | undefined;
  /** The decision this error belongs to, once there is one. */
  declare decisionId: string | undefined;

  /** @internal */
  protected constructor(details: LlmRouterErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.status = details.status;
    this.type = details.type;
    this.param = details.param;
    this.isRetryable = details.isRetryable;
    this.retryAfterMs = details.retryAfterMs;
    this.shouldRetry = details.shouldRetry;
    Object.defineProperty(this, MARKER, { value: true });
    hideUndefined(this);
  }

  /** Works across duplicate copies of the package, ESM and CommonJS. */
  static isInstance(value: unknown): value is LlmRouterError {
    return typeof value === 'object' && value !== null && MARKER in value;
  }
}

/** Takes what has no value out of the printed error: of a log line, half would be `undefined`. */
export function hideUndefined(error: Error): void {
  for (const [name, value] of Object.entries(error)) if (value === undefined) hide(error, name);
}

/** Code still reads it; printing the error leaves it out. */
export function hide(error: Error, ...names: readonly string[]): void {
  for (const name of names) Object.defineProperty(error, name, { enumerable: false });
}
