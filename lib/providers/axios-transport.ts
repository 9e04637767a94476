import type { Readable } from 'node:stream';
import type { Axios, AxiosRequestConfig, AxiosResponse } from 'axios';
import { ProviderError } from '../errors/provider-error.js';
import { AnswerBody, decodeContent } from './answer-body.js';
import { readCertificateAuthorities } from './certificate-authorities.js';
import { ConnectTimeoutHttpAgent, ConnectTimeoutHttpsAgent, TunnelHttpsAgent } from './connect-agents.js';
import { type ProxyEnvironment, proxyFor, readProxyEnvironment } from './proxy-environment.js';
import { toProviderError } from './to-provider-error.js';
import { Transport, type TransportRequest, type TransportResponse } from './transport.js';
import { createUndiciAxiosAdapter, createUndiciDispatcher } from './undici-axios-adapter.js';

export interface AxiosTransportOptions {
  /**
   * `undici`: undici's pool behind axios. `http`: axios's own adapter over `node:http`, for applications whose tracing
   * or test tools hook into that. Both behave alike.
   */
  readonly adapter: 'undici' | 'http';
  /** For TCP and TLS together, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** A PEM file of certificate authorities that are trusted beside Node's own. Read once, at construction. */
  readonly caFile?: string;
  /**
   * Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are read, once, at construction.
   *
   * @defaultValue `process.env`
   */
  readonly environment?: NodeJS.ProcessEnv;
}

type ClientResponse = AxiosResponse<Readable>;
type ConfigFor = (url: URL) => AxiosRequestConfig;

/**
 * The transport of the router: axios, over undici or `node:http`.
 *
 * - `https:` goes through a proxy's CONNECT tunnel, `http:` in absolute form; `NO_PROXY` as {@link proxyFor} has it.
 *   A failed connection names the proxy it went through. A proxy that refuses is `connection` with code `proxy_refused` where a tunnel is asked for; for plain `http:` its
 *   answer cannot be told from the provider's (undici tells a 407).
 * - Nothing of the application's global `axios` is used: neither its defaults nor its interceptors.
 * - Asks for no compression (chunks of a stream would wait in the compressor), and decodes gzip, deflate and br all the
 *   same.
 */
export class AxiosTransport extends Transport {
  readonly #connect: (connectTimeoutMs: number) => Promise<Connections>;
  readonly #connectTimeoutMs: number;
  readonly #proxies: ProxyEnvironment | undefined;
  /** By the time a connection may take, which the clients' pools are made with; as many as the configuration has. */
  readonly #connections = new Map<number, Promise<Connections>>();
  /** Ends the calls in flight; each takes itself out when it is over. */
  readonly #open = new Set<(error: Error) => void>();
  #closed = false;

  /** @throws When `caFile` cannot be read, or a proxy variable is not an `http:` or `https:` address. */
  constructor(options: AxiosTransportOptions) {
    super();
    const settings = {
      certificateAuthorities: readOptionalAuthorities(options.caFile),
      proxies: readProxyEnvironment(options.environment ?? process.env),
    };
    this.#proxies = settings.proxies;
    this.#connectTimeoutMs = options.connectTimeoutMs;
    this.#connect = (connectTimeoutMs) => {
      const timed: ConnectionSettings = { ...settings, connectTimeoutMs };
      return options.adapter === 'undici' ? undiciConnections(timed) : httpConnections(timed);
    };
  }

  override send(request: TransportRequest): Promise<TransportResponse> {
    const { signal } = request;
    return new Promise<TransportResponse>((resolve, reject) => {
      if (signal.aborted) {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason, as it is
        reject(signal.reason);
        return;
      }
      if (this.#closed) {
        reject(closedError());
        return;
      }
      let hasEnded = false;
      let body: AnswerBody | undefined;
      const onAbort = (): void => {
        end(signal.reason);
      };
      const release = (): void => {
        signal.removeEventListener('abort', onAbort);
        this.#open.delete(end);
      };
      const end = (reason: unknown): void => {
        hasEnded = true;
        release();
        // undici lets go of a call that still waits for its connection only when the connection is made or fails, so
        // the promise is not left to it.
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the caller's own reason, as it is
        reject(reason);
        body?.destroy(
          reason instanceof Error ? reason : new DOMException('The call was aborted.', 'AbortError'),
        );
      };
      signal.addEventListener('abort', onAbort);
      this.#open.add(end);

      this.#start(request).then(
        (response) => {
          if (hasEnded) {
            response.data.on('error', () => undefined).destroy();
            return;
          }
          const headers = readHeaders(response);
          const encoding = headers.get('content-encoding');
          const decoded = encoding === undefined ? undefined : decodeContent(response.data, encoding);
          if (decoded !== undefined) {
            headers.delete('content-encoding');
            headers.delete('content-length');
          }
          body = new AnswerBody(decoded ?? response.data, release);
          resolve({ status: response.status, headers: Object.fromEntries(headers), body });
        },
        (error: unknown) => {
          release();
          reject(this.#nameProxy(toProviderError(error), request.url));
        },
      );
    });
  }

  override async close(): Promise<void> {
    this.#closed = true;
    for (const end of [...this.#open]) {
      end(closedError());
    }
    await Promise.all(
      [...this.#connections.values()].map(async (connections) => (await connections).close()),
    );
  }

  /** A dead proxy must not look like a dead provider. */
  #nameProxy(error: ProviderError, url: string): ProviderError {
    const { kind, providerCode } = error;
    const isOfTheWay = kind === 'connection' || (kind === 'timeout' && providerCode === 'connect_timeout');
    if (!isOfTheWay || this.#proxies === undefined || !URL.canParse(url)) return error;
    const proxy = proxyFor(new URL(url), this.#proxies);
    // Another tells of the proxy by itself.
    if (proxy === undefined || providerCode === 'proxy_refused' || providerCode === 'transport_closed')
      return error;
    // The address alone: the variable may hold a password.
    const address = `${proxy.hostname}:${portOf(proxy)}`;
    return new ProviderError({ kind, providerCode: `${providerCode ?? 'failed'} via proxy ${address}` });
  }

  #connectionsFor(connectTimeoutMs: number): Promise<Connections> {
    let connections = this.#connections.get(connectTimeoutMs);
    if (connections === undefined) {
      connections = this.#connect(connectTimeoutMs);
      this.#connections.set(connectTimeoutMs, connections);
    }
    return connections;
  }

  async #start(request: TransportRequest): Promise<ClientResponse> {
    const { client, configFor } = await this.#connectionsFor(
      request.connectTimeoutMs ?? this.#connectTimeoutMs,
    );
    // It may have ended while the packages were loaded.
    request.signal.throwIfAborted();
    if (this.#closed) throw closedError();
    return await client.request<Readable, ClientResponse>({
      ...configFor(new URL(request.url)),
      url: request.url,
      ...(request.body === undefined ? { method: 'get' } : {}),
      headers: {
        ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        'user-agent': 'nestjs-llm-router',
        ...lowerCaseNames(request.headers),
        'accept-encoding': 'identity',
      },
      data: request.body,
      signal: request.signal,
    });
  }
}

interface ConnectionSettings {
  readonly connectTimeoutMs: number;
  /** Undefined: Node's own. */
  readonly certificateAuthorities: readonly string[] | undefined;
  readonly proxies: ProxyEnvironment | undefined;
}

interface Connections {
  readonly client: Axios;
  readonly configFor: ConfigFor;
  readonly close: () => Promise<void>;
}

// axios and undici take longer to load than all the rest of the router, so the first call loads them, and not the boot.

async function createClient(): Promise<Axios> {
  const { Axios } = await import('axios');
  // Not `axios.create`, which starts from the application's global defaults.
  return new Axios({
    method: 'post',
    responseType: 'stream',
    // axios forwards `x-api-key` to wherever a redirect points.
    maxRedirects: 0,
    validateStatus: () => true,
    transformRequest: [],
    transformResponse: [],
    decompress: false,
    proxy: false,
    timeout: 0,
    maxBodyLength: -1,
    // No caps; with Infinity, unlike -1, axios would wrap the stream, and destroying it would not close the connection.
    maxContentLength: -1,
  });
}

async function undiciConnections(settings: ConnectionSettings): Promise<Connections> {
  const undici = await import('undici');
  const dispatcher = createUndiciDispatcher(undici, settings);
  const adapter = createUndiciAxiosAdapter(undici, dispatcher);
  return {
    client: await createClient(),
    configFor: () => ({ adapter }),
    close: () => dispatcher.destroy(),
  };
}

async function httpConnections({
  connectTimeoutMs,
  certificateAuthorities,
  proxies,
}: ConnectionSettings): Promise<Connections> {
  const client = await createClient();
  const httpAgent = new ConnectTimeoutHttpAgent(connectTimeoutMs);
  const httpsAgent = new ConnectTimeoutHttpsAgent(connectTimeoutMs, certificateAuthorities);
  const tunnelAgent =
    proxies?.httpsProxy === undefined
      ? undefined
      : new TunnelHttpsAgent(new URL(proxies.httpsProxy), connectTimeoutMs, certificateAuthorities);
  const direct: AxiosRequestConfig = { adapter: 'http', httpAgent, httpsAgent };
  return {
    client,
    configFor: (url) => {
      const proxy = proxies === undefined ? undefined : proxyFor(url, proxies);
      if (proxy === undefined) {
        return direct;
      }
      return url.protocol === 'https:'
        ? { ...direct, httpsAgent: tunnelAgent }
        : { ...direct, proxy: forwardProxy(proxy) };
    },
    close: () => {
      httpAgent.destroy();
      httpsAgent.destroy();
      tunnelAgent?.destroy();
      return Promise.resolve();
    },
  };
}

function forwardProxy(proxy: URL): AxiosRequestConfig['proxy'] {
  return {
    protocol: proxy.protocol,
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(proxy),
    ...(proxy.username === ''
      ? {}
      : {
          auth: {
            username: decodeURIComponent(proxy.username),
            password: decodeURIComponent(proxy.password),
          },
        }),
  };
}

function portOf({ port, protocol }: URL): number {
  return Number(port === '' ? (protocol === 'https:' ? 443 : 80) : port);
}

/** Undefined leaves everything to Node. */
function readOptionalAuthorities(caFile: string | undefined): readonly string[] | undefined {
  return caFile === undefined ? undefined : readCertificateAuthorities(caFile);
}

function readHeaders(response: ClientResponse): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(response.headers) as [string, unknown][]) {
    if (typeof value === 'string' || typeof value === 'number') {
      headers.set(name.toLowerCase(), String(value));
    } else if (Array.isArray(value)) {
      headers.set(name.toLowerCase(), value.join(', '));
    }
  }
  return headers;
}

function lowerCaseNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function closedError(): ProviderError {
  return new ProviderError({ kind: 'connection', providerCode: 'transport_closed' });
}
