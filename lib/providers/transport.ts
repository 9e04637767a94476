import type { Readable } from 'node:stream';

/** One POST of a JSON text; without a body, a GET. */
export interface TransportRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The serialised JSON body; undefined: a GET. */
  readonly body: string | undefined;
  /** From the first packet to the end of the TLS handshake, in milliseconds. Absent: as the transport has it. */
  readonly connectTimeoutMs?: number | undefined;
  /** Ends the call at any moment: before the connection, while waiting for headers, in mid-body. */
  readonly signal: AbortSignal;
}

/** An answer of any status, its body not yet read. */
export interface TransportResponse {
  readonly status: number;
  /** Header names in lower case; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Must be read to its end or destroyed, or the connection is never given back. */
  readonly body: Readable;
}

/**
 * Carries requests to providers. Follows no redirect, gives every status back as an answer, and lets no AxiosError
 * out, not even as `cause`: it would carry key and prompt.
 */
export abstract class Transport {
  /**
   * Resolves when the answer's headers are there.
   *
   * @throws {@link ProviderError} of kind `connection` (refused, reset, DNS, TLS, a broken proxy) or `timeout` (the
   * connect timeout). When `signal` was aborted: the signal's own reason.
   */
  abstract send(request: TransportRequest): Promise<TransportResponse>;
  /** Closes idle connections and ends open ones. */
  abstract close(): Promise<void>;
}
