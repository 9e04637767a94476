import { hasSecret } from './has-secret.js';
import type { ProviderErrorKind } from './provider-error-kind.js';

const RETRYABLE_ELSEWHERE: ReadonlySet<ProviderErrorKind> = new Set<ProviderErrorKind>([
  'rate_limited',
  'overloaded',
  'server_error',
  'authentication',
  'permission',
  'billing',
  'not_found',
  'timeout',
  'connection',
  'bad_response',
  'stream_cut',
]);

export interface ProviderErrorDetails {
  readonly kind: ProviderErrorKind;
  /** HTTP status, or the status the provider's error event stands for. */
  readonly status?: number;
  /** The provider's own machine-readable code or type: an identifier, never a sentence. */
  readonly providerCode?: string;
  /** The request field the provider names, if it names one. */
  readonly param?: string;
  /** How long the provider asks us to wait, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The provider's sentence. It may quote the prompt: kept out of `message`, logs and records. */
  readonly providerMessage?: string;
  /** It failed because of its key, and another key of the same provider is usable now. */
  readonly otherKeyReady?: boolean;
}

/**
 * One attempt failed at its provider. Internal to the execution of a plan; callers of the router get a
 * {@link LlmRouterError}. The provider's sentence sits in a private field, so that printing or serialising the
 * error shows only kind, status and code.
 */
export class ProviderError extends Error {
  override readonly name = 'ProviderError';
  readonly kind: ProviderErrorKind;
  readonly status: number | undefined;
  readonly providerCode: string | undefined;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** The same deployment may be called again at once: it will be with another key. */
  readonly otherKeyReady: boolean;
  readonly #providerMessage: string | undefined;

  constructor(details: ProviderErrorDetails) {
    super(
      `Provider attempt failed: ${details.kind}` +
        (details.status === undefined ? '' : ` (HTTP ${details.status})`) +
        (details.providerCode === undefined ? '' : ` [${details.providerCode}]`),
    );
    this.kind = details.kind;
    this.status = details.status;
    this.providerCode = details.providerCode;
    this.param = details.param;
    this.retryAfterMs = details.retryAfterMs;
    this.otherKeyReady = details.otherKeyReady ?? false;
    this.#providerMessage = details.providerMessage;
  }

  /** Another deployment may succeed where this one failed. False for what the caller did wrong. */
  get isRetryable(): boolean {
    return RETRYABLE_ELSEWHERE.has(this.kind);
  }

  /** The same failure, where another key is usable. */
  withOtherKeyReady(): ProviderError {
    const { kind, status, providerCode, param, retryAfterMs } = this;
    const providerMessage = this.#providerMessage;
    return new ProviderError({
      ...{ kind, status, providerCode, param, retryAfterMs, providerMessage },
      otherKeyReady: true,
    });
  }

  /** The same failure, without a code or a field's name that quotes a secret: they are shown to callers, and logged. */
  withoutSecrets(secrets: readonly string[]): ProviderError {
    const { kind, status, providerCode, param, retryAfterMs, otherKeyReady } = this;
    const quotes = [providerCode, param].some((name) => name !== undefined && hasSecret(name, secrets));
    if (!quotes) return this;
    const providerMessage = this.#providerMessage;
    return new ProviderError({ kind, status, retryAfterMs, otherKeyReady, providerMessage });
  }

  /** The provider's own sentence; pass it through `redact` before anybody sees it. */
  readProviderMessage(): string | undefined {
    return this.#providerMessage;
  }
}
