import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HookDelivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly url: string;
}

/** Takes webhooks, whatever their address, and answers all with the same text. */
export class HookReceiver {
  readonly deliveries: HookDelivery[] = [];
  /** Of the next answers; then 200. */
  readonly statuses: number[] = [];
  #waiters: { readonly count: number; readonly resolve: () => void }[] = [];

  private constructor(private readonly server: Server) {}

  static async open(reply: string): Promise<HookReceiver> {
    const server = createServer();
    const receiver = new HookReceiver(server);
    server.on('request', (request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        receiver.deliveries.push({ headers: request.headers, body, url: request.url ?? '' });
        response.writeHead(receiver.statuses.shift() ?? 200).end(reply);
        for (const { count, resolve } of receiver.#waiters)
          if (receiver.deliveries.length >= count) resolve();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  whenDelivered(count: number): Promise<void> {
    if (this.deliveries.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
