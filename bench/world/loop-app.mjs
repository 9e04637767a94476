// What many write by hand: the providers in their order, the next one on an error, and nothing that watches the stream.
import { once } from 'node:events';
import { createServer } from 'node:http';
import OpenAI from 'openai';
import { ID_HEADER } from './call-log.mjs';
import { wishesOf } from './spoken.mjs';

const TIMEOUT_MS = 20_000;

/** @param {readonly string[]} baseUrls all of OpenAI's wire format: such loops rarely speak more */
export async function startLoopApp(baseUrls) {
  const clients = baseUrls.map(
    (baseURL) => new OpenAI({ baseURL, apiKey: 'key', maxRetries: 1, timeout: TIMEOUT_MS }),
  );
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8'));
    const left = new AbortController();
    response.once('close', () => left.abort());
    for (const client of clients) {
      try {
        const answer = await client.chat.completions.create(body, {
          signal: left.signal,
          headers: { [ID_HEADER]: wishesOf(body.messages.at(-1).content).id },
        });
        if (body.stream !== true) {
          response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
          return;
        }
        response.setHeader('content-type', 'text/event-stream');
        for await (const chunk of answer) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
        response.end('data: [DONE]\n\n');
        return;
      } catch {
        if (response.headersSent) {
          response.end();
          return;
        }
      }
    }
    response.writeHead(502, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        error: { message: 'All providers failed', type: 'server_error', param: null, code: 'all_failed' },
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
