import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';

/** An upstream whose answers wait for the test, streams after their first chunk; it knows its connections. */
export class HeldUpstream {
  readonly sockets = new Set<Socket>();
  readonly #waiting: { readonly response: ServerResponse; readonly isStream: boolean }[] = [];
  #onRequest: (() => void)[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<HeldUpstream> {
    const server = createServer();
    const held = new HeldUpstream(server);
    server.on('connection', (socket) => {
      held.sockets.add(socket);
      socket.once('close', () => held.sockets.delete(socket));
    });
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        const { stream } = JSON.parse(body) as { stream?: boolean };
        if (stream === true) {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.write(piece({ content: 'held' }, null));
        }
        held.#waiting.push({ response, isStream: stream === true });
        for (const resolve of held.#onRequest.splice(0)) resolve();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return held;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  async whenWaiting(count: number): Promise<void> {
    while (this.#waiting.length < count) await new Promise<void>((resolve) => this.#onRequest.push(resolve));
  }

  /** Lets the oldest request end well. */
  finishOne(): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    const { response, isStream } = waiting;
    if (isStream) {
      response.write(piece({ content: ' and let go' }, null));
      response.write(piece({}, 'stop'));
      response.end('data: [DONE]\n\n');
    } else {
      const message = { role: 'assistant', content: 'held and let go' };
      const answer = { id: 'c', object: 'chat.completion', created: 1, model: 'gpt-4o-mini' };
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ...answer, choices: [{ index: 0, message, finish_reason: 'stop' }] }));
    }
  }

  finishAll(): void {
    while (this.#waiting.length > 0) this.finishOne();
  }
}

function piece(delta: object, finishReason: string | null): string {
  const chunk = {
    id: 'c',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'gpt-4o-mini',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
