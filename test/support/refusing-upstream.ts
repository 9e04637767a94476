import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RefusingUpstream {
  readonly baseUrl: string;
  readonly requestCount: number;
  close(): Promise<void>;
}

/** Refuses every request with one and the same error document of OpenAI's: what the fault kit has no wording for. */
export async function createRefusingUpstream(error: {
  readonly message: string;
  readonly code: string;
}): Promise<RefusingUpstream> {
  let requestCount = 0;
  const server = createServer((incoming, response) => {
    incoming.resume().on('end', () => {
      requestCount += 1;
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { type: 'invalid_request_error', param: 'messages', ...error } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    get requestCount() {
      return requestCount;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
