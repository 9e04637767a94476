import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A port given up for a refusal may be taken for a moment by someone's outgoing connection. */
const LISTEN_ATTEMPTS = 40;
const LISTEN_RETRY_MS = 50;

/** An HTTP server on one port of 127.0.0.1 that can be stopped at a stroke, and started again on the same port. */
export class UpstreamListener {
  readonly #sockets = new Set<Socket>();
  /** Connections that this side broke off. */
  readonly #brokenOff = new WeakSet<Socket>();
  #server: Server | undefined;
  #stopped: Promise<unknown> = Promise.resolve();
  #port = 0;

  constructor(private readonly listener: RequestListener) {}

  get port(): number {
    return this.#port;
  }

  get isListening(): boolean {
    return this.#server !== undefined;
  }

  async listen(port: number): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const server = createServer(this.listener);
      server.keepAliveTimeout = 60_000;
      server.on('connection', (socket) => {
        this.#sockets.add(socket);
        socket.once('close', () => this.#sockets.delete(socket));
      });
      try {
        server.listen({ port, host: '127.0.0.1', backlog: 1024 });
        await once(server, 'listening');
        this.#server = server;
        this.#port = (server.address() as AddressInfo).port;
        return;
      } catch (error) {
        const mayGetFree = (error as NodeJS.ErrnoException).code === 'EADDRINUSE' && this.#port === port;
        if (!mayGetFree || attempt === LISTEN_ATTEMPTS || port === 0) throw error;
        await delay(LISTEN_RETRY_MS);
      }
    }
  }

  /** From the return of this on, nobody listens; it resolves when every connection has gone. */
  stop(): Promise<unknown> {
    const server = this.#server;
    if (server === undefined) return this.#stopped;
    this.#server = undefined;
    this.#stopped = new Promise((resolve) => server.close(resolve));
    for (const socket of this.#sockets) this.breakOff(socket);
    return this.#stopped;
  }

  breakOff(socket: Socket, ending: 'close' | 'reset' = 'close'): void {
    this.#brokenOff.add(socket);
    if (ending === 'reset') socket.resetAndDestroy();
    else socket.destroy();
  }

  hasBrokenOff(socket: Socket): boolean {
    return this.#brokenOff.has(socket);
  }
}
