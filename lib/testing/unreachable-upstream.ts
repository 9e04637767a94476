import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { selfSignedCertificate } from './self-signed-certificate.js';

/**
 * A base URL whose host no name server knows: `.invalid` is reserved for that (RFC 6761). A request to it fails with
 * `ENOTFOUND`, or `EAI_AGAIN` where there is no name server at all.
 *
 * @publicApi
 */
export function unresolvableBaseUrl(): string {
  return 'https://llm-router-test.invalid/v1';
}

/**
 * How a TLS connection fails: `garbage` answers with something that is no TLS; `closed` closes at the first byte;
 * `untrusted` shows a certificate that nobody vouches for; `stalled` takes the connection and then says nothing, so that
 * it is for the connect timeout to end it.
 */
export type TlsFailureKind = 'garbage' | 'closed' | 'untrusted' | 'stalled';

/** A listener with which no TLS connection comes about. */
export interface TlsFailure {
  /** For example `https://127.0.0.1:40123`. */
  readonly baseUrl: string;
  readonly port: number;
  /** The untrusted certificate in PEM, for those who want to trust it after all; undefined for the other kinds. */
  readonly certificate: string | undefined;
  /** All connections since the start. */
  readonly connectionCount: number;
  /** Stops listening and destroys every connection. Resolves when nothing is left open. */
  close(): Promise<void>;
}

/**
 * Starts a listener on 127.0.0.1 with which no TLS connection comes about.
 *
 * @example
 * const broken = await createTlsFailure('untrusted');
 * // … point the router at broken.baseUrl …
 * await broken.close();
 *
 * @publicApi
 */
export async function createTlsFailure(kind: TlsFailureKind = 'garbage'): Promise<TlsFailure> {
  const sockets = new Set<Socket>();
  let connectionCount = 0;
  const { server, certificate } = serverOf(kind);
  server.on('connection', (socket: Socket) => {
    connectionCount += 1;
    sockets.add(socket);
    // How the other side takes it is its own affair.
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `https://127.0.0.1:${port}`,
    port,
    certificate,
    get connectionCount() {
      return connectionCount;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serverOf(kind: TlsFailureKind): {
  readonly server: Server;
  readonly certificate: string | undefined;
} {
  if (kind === 'untrusted') {
    const { key, pem } = selfSignedCertificate();
    const server = createTlsServer(
      { key: key.export({ type: 'pkcs8', format: 'pem' }), cert: pem },
      (socket) => {
        // For those who trust it: here the failure is over, and there is nobody to answer.
        socket.end('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      },
    );
    server.on('tlsClientError', () => undefined);
    return { server, certificate: pem };
  }
  const server = createServer((socket) => {
    socket.once('data', () => {
      if (kind === 'garbage') socket.end('220 this is no TLS\r\n');
      else if (kind === 'closed') socket.destroy();
    });
  });
  return { server, certificate: undefined };
}
