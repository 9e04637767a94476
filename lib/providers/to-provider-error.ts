import { ProviderError } from '../errors/provider-error.js';

/** `code` of the errors that the transport's own connect timer raises. */
export const CONNECT_TIMEOUT_CODE = 'ERR_LLM_CONNECT_TIMEOUT';
/** `code` of the error for a proxy that would not open a tunnel. */
export const PROXY_REFUSED_CODE = 'ERR_LLM_PROXY_REFUSED';

const IDENTIFIER = /^[A-Z][A-Z0-9_]{1,63}$/;
const MAX_CAUSES = 5;

/** undici's headers timer is off for answers, so only a proxy that never answers a CONNECT can set it off. */
const CONNECT_TIMEOUT_CODES: ReadonlySet<string> = new Set([
  CONNECT_TIMEOUT_CODE,
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
]);

/** One vocabulary for both HTTP clients: a lost connection is `ECONNRESET`, whoever reports it. */
const SAME_AS_RESET: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** The peer answered, but what it sent is no HTTP, or its compression is broken. */
const BROKEN_ANSWER = /^(?:HPE_|Z_|ERR__ERROR_|ERR_ZLIB_|ERR_BROTLI_|ERR_PADDING_|ZSTD_)/;

/**
 * Turns whatever an HTTP client threw into a {@link ProviderError}. Only an identifier (Node's, OpenSSL's or
 * undici's error code) is taken over; the original, which may carry key and prompt, is not kept, not even as `cause`.
 *
 * - `timeout` with `connect_timeout`: no connection in time (TCP, TLS, or a proxy's tunnel);
 * - `bad_response`: not HTTP, or broken compression;
 * - `connection` for all else, with codes such as `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED`, and `ECONNRESET`
 *   for every answer cut short.
 *
 * An abort is not looked for here: ask the signal first.
 */
export function toProviderError(error: unknown): ProviderError {
  if (error instanceof ProviderError) {
    return error;
  }
  const codes = collectCodes(error);
  if (codes.some((code) => CONNECT_TIMEOUT_CODES.has(code)) || isKernelConnectTimeout(error)) {
    return new ProviderError({ kind: 'timeout', providerCode: 'connect_timeout' });
  }
  // undici says "aborted" for a refused tunnel; real aborts are recognised by their signal.
  if (codes.includes(PROXY_REFUSED_CODE) || codes.includes('UND_ERR_ABORTED')) {
    return new ProviderError({ kind: 'connection', providerCode: 'proxy_refused' });
  }
  const broken = codes.find((code) => BROKEN_ANSWER.test(code));
  if (broken !== undefined) {
    return new ProviderError({ kind: 'bad_response', providerCode: broken });
  }
  // The system's own code says more than a client library's wrapper around it.
  const code = codes.find((candidate) => !candidate.startsWith('UND_ERR_')) ?? codes[0];
  return new ProviderError({
    kind: 'connection',
    providerCode: code !== undefined && SAME_AS_RESET.has(code) ? 'ECONNRESET' : code,
  });
}

/** Codes of the error, of its causes, and of the attempts an AggregateError sums up (one per address tried). */
function collectCodes(error: unknown): string[] {
  const codes: string[] = [];
  const waiting: unknown[] = [error];
  for (let seen = 0; seen < MAX_CAUSES && waiting.length > 0; seen += 1) {
    const current = waiting.shift();
    if (typeof current !== 'object' || current === null) {
      continue;
    }
    if ('code' in current && typeof current.code === 'string' && IDENTIFIER.test(current.code)) {
      codes.push(current.code);
    } else if (current instanceof Error && current.name === 'HTTPParserError') {
      // undici leaves the code of some parser errors undefined.
      codes.push('HPE_UNKNOWN');
    }
    if ('cause' in current) {
      waiting.push(current.cause);
    }
    if (current instanceof AggregateError) {
      waiting.push(...(current.errors as unknown[]));
    }
  }
  return codes;
}

function isKernelConnectTimeout(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    error.code === 'ETIMEDOUT' &&
    (error instanceof AggregateError || ('syscall' in error && error.syscall === 'connect'))
  );
}
