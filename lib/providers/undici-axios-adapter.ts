import type { AxiosAdapter, RawAxiosResponseHeaders } from 'axios';
import type { Dispatcher } from 'undici';
import type { ProxyEnvironment } from './proxy-environment.js';

/** The package, loaded with the first call: it takes longer to load than the router does. */
type Undici = typeof import('undici');

export interface UndiciDispatcherOptions {
  /** From the first packet to the end of the TLS handshake, in milliseconds; over a proxy, each leg of it. */
  readonly connectTimeoutMs: number;
  /** Certificate authorities, in PEM; undefined: Node's own. */
  readonly certificateAuthorities?: readonly string[];
  /** Undefined: always direct. */
  readonly proxies?: ProxyEnvironment;
}

/** Longer than undici's 4 s, which is less than the pause between two requests of a quiet surface. */
const KEEP_ALIVE_TIMEOUT_MS = 30_000;

/**
 * The connection pool behind {@link createUndiciAxiosAdapter}: keep-alive, one request at a time on a connection, as
 * many connections as there are requests in flight (the router has its own limits), no timer but that for connecting.
 *
 * Over a proxy `https:` goes through a CONNECT tunnel, `http:` in absolute form, as proxies expect.
 */
export function createUndiciDispatcher(
  { Agent, EnvHttpProxyAgent, Pool }: Undici,
  options: UndiciDispatcherOptions,
): Dispatcher {
  const connect = {
    timeout: options.connectTimeoutMs,
    ...(options.certificateAuthorities === undefined ? {} : { ca: [...options.certificateAuthorities] }),
  };
  const pool = {
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // The router times every phase itself, by model and surface.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
  if (options.proxies === undefined) {
    return new Agent({ ...pool, connect });
  }
  return new EnvHttpProxyAgent({
    ...pool,
    connect,
    requestTls: connect,
    proxyTls: connect,
    proxyTunnel: false,
    // Empty strings, where left undefined, keep undici from looking into process.env.
    httpProxy: options.proxies.httpProxy ?? '',
    httpsProxy: options.proxies.httpsProxy ?? '',
    noProxy: options.proxies.noProxy,
    // A proxy that takes the connection but never answers the CONNECT.
    clientFactory: (origin: URL, clientOptions: object) =>
      new Pool(origin, { ...clientOptions, headersTimeout: options.connectTimeoutMs }),
  });
}

/**
 * An axios adapter over undici. Takes a string body or none, gives a stream, follows no redirect, decodes nothing, accepts
 * every status. Rejects with undici's own errors, not with an AxiosError, which would carry the request.
 */
export function createUndiciAxiosAdapter({ request }: Undici, dispatcher: Dispatcher): AxiosAdapter {
  return async (config) => {
    const answer = await request(config.url ?? '', {
      dispatcher,
      method: (config.method ?? 'GET').toUpperCase(),
      headers: config.headers.toJSON(true),
      body: config.data as string | undefined,
      signal: config.signal as AbortSignal | undefined,
    });
    return {
      status: answer.statusCode,
      statusText: answer.statusText,
      headers: answer.headers as RawAxiosResponseHeaders,
      data: answer.body,
      config,
    };
  };
}
