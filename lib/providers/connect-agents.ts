import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CONNECT_TIMEOUT_CODE, PROXY_REFUSED_CODE } from './to-provider-error.js';

type SocketCallback = (error: Error | null, socket: Duplex) => void;
type ConnectOptions = https.RequestOptions & { readonly servername?: string };

/** Keep-alive for `http:`, with a timer for connecting alone; Node's own `timeout` would go on to time the answer. */
export class ConnectTimeoutHttpAgent extends http.Agent {
  readonly #connectTimeoutMs: number;

  constructor(connectTimeoutMs: number) {
    super({ keepAlive: true });
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  override createConnection(
    options: http.ClientRequestArgs,
    callback?: SocketCallback,
  ): Duplex | null | undefined {
    const socket = super.createConnection(options, callback) as Socket;
    limitConnecting(socket, 'connect', this.#connectTimeoutMs);
    return socket;
  }
}

/** The same for `https:`; the timer runs to the end of the TLS handshake. */
export class ConnectTimeoutHttpsAgent extends https.Agent {
  readonly #connectTimeoutMs: number;

  constructor(connectTimeoutMs: number, certificateAuthorities: readonly string[] | undefined) {
    super({
      keepAlive: true,
      ...(certificateAuthorities === undefined ? {} : { ca: [...certificateAuthorities] }),
    });
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  override createConnection(options: ConnectOptions, callback?: SocketCallback): Duplex | null | undefined {
    const socket = super.createConnection(options, callback) as Socket;
    limitConnecting(socket, 'secureConnect', this.#connectTimeoutMs);
    return socket;
  }
}

/**
 * `https:` through a proxy's CONNECT tunnel, tunnels kept alive. axios (1.21) has a tunnel of its own, but it opens a new
 * one for every request, has no connect timer, reads `process.env` alone, and hands the proxy's refusal back as though
 * the provider had answered it: a proxy's 403 would count as our key refused.
 */
export class TunnelHttpsAgent extends https.Agent {
  readonly #proxy: URL;
  readonly #connectTimeoutMs: number;
  readonly #certificateAuthorities: string[] | undefined;

  constructor(proxy: URL, connectTimeoutMs: number, certificateAuthorities: readonly string[] | undefined) {
    const ca = certificateAuthorities === undefined ? undefined : [...certificateAuthorities];
    super({ keepAlive: true, ...(ca === undefined ? {} : { ca }) });
    this.#proxy = proxy;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#certificateAuthorities = ca;
  }

  override createConnection(options: ConnectOptions, callback?: SocketCallback): undefined {
    const proxy = this.#proxy;
    const host = String(options.host ?? options.hostname);
    const authority = `${host.includes(':') ? `[${host}]` : host}:${options.port ?? 443}`;
    const connecting = (proxy.protocol === 'https:' ? https : http).request({
      method: 'CONNECT',
      host: proxy.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : proxy.port,
      path: authority,
      headers: { host: authority, ...proxyAuthorization(proxy) },
      agent: false,
      ...(proxy.protocol === 'https:' ? { ca: this.#certificateAuthorities } : {}),
    });

    let secure: Socket | undefined;
    let settled = false;
    const settle = (error: Error | null): void => {
      if (settled) {
        return;
      }
      settled = true;
      clearTimeout(timer);
      if (error !== null) {
        secure?.destroy();
        connecting.destroy();
      }
      callback?.(error, secure as Duplex);
    };
    const timer = setTimeout(() => {
      settle(codedError(CONNECT_TIMEOUT_CODE));
    }, this.#connectTimeoutMs);

    connecting.on('error', settle);
    const refuse = (socket: Duplex): void => {
      socket.destroy();
      settle(codedError(PROXY_REFUSED_CODE));
    };
    // A refusal comes as 'connect' with another status from Node's client; 'response' is here for good measure.
    connecting.once('response', (response) => {
      refuse(response.socket);
    });
    connecting.once('connect', (response, socket) => {
      // Node's client has taken its own listener off; the TLS socket above reports what matters.
      socket.on('error', () => undefined);
      if (response.statusCode !== 200 || settled) {
        refuse(socket);
        return;
      }
      secure = super.createConnection({ ...options, socket } as ConnectOptions) as Socket;
      secure.once('secureConnect', () => {
        settle(null);
      });
      secure.on('error', settle);
      secure.once('close', () => {
        settle(codedError('ECONNRESET'));
      });
    });
    connecting.end();
    return undefined;
  }
}

function limitConnecting(socket: Socket, event: 'connect' | 'secureConnect', timeoutMs: number): void {
  const timer = setTimeout(() => {
    socket.destroy(codedError(CONNECT_TIMEOUT_CODE));
  }, timeoutMs);
  const stop = (): void => {
    clearTimeout(timer);
  };
  socket.once(event, stop);
  socket.once('close', stop);
}

function proxyAuthorization(proxy: URL): Record<string, string> {
  if (proxy.username === '') {
    return {};
  }
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

function codedError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
