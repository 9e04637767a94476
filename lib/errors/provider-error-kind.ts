/**
 * What went wrong at a provider, in one word. Labels, records and health details carry the kind and never the
 * provider's text, which may quote the prompt.
 *
 * @publicApi
 */
export type ProviderErrorKind =
  /** 429: too many requests or tokens. */
  | 'rate_limited'
  /** 503, 529: the provider says it has no capacity now. */
  | 'overloaded'
  /** Any other 5xx. */
  | 'server_error'
  /** Our key was refused (401). */
  | 'authentication'
  /** Our key may not do this (403). */
  | 'permission'
  /** The account has no money or quota left (402, `insufficient_quota`). */
  | 'billing'
  /** The provider does not know the model or the path (404). */
  | 'not_found'
  /** The request is wrong in itself (400, 422). */
  | 'invalid_request'
  /** The prompt does not fit the model's context window. */
  | 'context_length'
  /** The provider's filter refused the prompt. */
  | 'content_filter'
  /** 413. */
  | 'request_too_large'
  /** The router's own timer ended the attempt. */
  | 'timeout'
  /** No connection: refused, reset, DNS, TLS. */
  | 'connection'
  /** An answer that is not what the API promises: HTML, broken JSON, an empty body. */
  | 'bad_response'
  /** A stream that ended without its terminator. */
  | 'stream_cut';
