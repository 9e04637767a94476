import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const HEAD = '{"id":"c","object":"chat.completion.chunk","created":7,"model":"m","system_fingerprint":null';
const chunk = (rest: string): string => `${HEAD}, ${rest},"usage":null}`;
/** As OpenAI might write it, with spaces and an order that nobody would write again. */
const EVENTS = [
  chunk(
    '"choices" : [{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]',
  ),
  chunk(
    '"choices":[{"delta":{"content":"caf\\u00e9"},"index":0,"logprobs":null,"finish_reason":null}],"obfuscation":"q1"',
  ),
  chunk('"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]'),
];
const USAGE = `${HEAD},"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0}}}`;

describe.each(PLATFORMS)('streams of OpenAI’s own wire on %s', (platform) => {
  let upstream: Server | undefined;
  let router: RouterApp | undefined;
  afterEach(async () => {
    await router?.close();
    upstream?.closeAllConnections();
    upstream?.close();
    upstream = undefined;
    router = undefined;
  });

  async function open(
    answer: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<RouterApp> {
    upstream = createServer((request, response) => {
      request.resume().once('end', () => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        answer(request, response);
      });
    }).listen(0, '127.0.0.1');
    await once(upstream, 'listening');
    const { port } = upstream.address() as AddressInfo;
    router = await createRouterApp({
      platform,
      options: {
        providers: { openai: { api: 'openai', apiKey: 'k', baseUrl: `http://127.0.0.1:${port}/v1` } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
      },
    });
    return router;
  }

  const body = { messages: [{ role: 'user', content: 'Hello?' }], stream: true };

  it.each([true, false, undefined])(
    'go on byte for byte, the usage chunk only to who asked for it (include_usage: %s)',
    async (includeUsage) => {
      const to = await open((_request, response) => {
        response.end([...EVENTS, USAGE, '[DONE]'].map((event) => `data: ${event}\n\n`).join(''));
      });
      const asked = includeUsage === undefined ? {} : { stream_options: { include_usage: includeUsage } };
      const response = await to.postJson('/v1/chat/completions', { ...body, ...asked });
      const text = await response.text();
      const withoutCost = text.replace(/^: x-llm-cost-usd .*\n\n/m, '');
      expect(withoutCost).not.toBe(text);
      const expected = [...EVENTS, ...(includeUsage === true ? [USAGE] : []), '[DONE]'];
      expect(withoutCost).toBe(expected.map((event) => `data: ${event}\n\n`).join(''));
    },
  );

  it('wait for a reader that is slow: what it has not read stays at the provider', async () => {
    const piece = chunk(
      `"choices":[{"index":0,"delta":{"content":"${'x'.repeat(64 * 1024)}"},"logprobs":null,"finish_reason":null}]`,
    );
    const total = 1_200;
    let written = 0;
    let isFull: () => void = () => undefined;
    const full = new Promise<void>((resolve) => {
      isFull = resolve;
    });
    const to = await open((_request, response) => {
      const write = (): void => {
        while (written < total) {
          written += 1;
          if (!response.write(`data: ${piece}\n\n`)) {
            // Nobody has taken anything for a while: everything on the way is full.
            const stuck = setTimeout(isFull, 1_000);
            response.once('drain', () => {
              clearTimeout(stuck);
              write();
            });
            return;
          }
        }
        response.end(`data: ${EVENTS[2]!}\n\ndata: [DONE]\n\n`);
      };
      response.write(`data: ${EVENTS[0]!}\n\n`);
      write();
    });
    const { port } = new URL(to.url);
    const client = httpRequest({
      host: '127.0.0.1',
      port,
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    client.end(JSON.stringify(body));
    const [response] = (await once(client, 'response')) as [IncomingMessage];
    response.pause();
    await full;
    const held = written * piece.length;
    console.log(
      `unread by a slow client, taken from the provider: ${Math.round(held / 2 ** 20)} MB of ${Math.round((total * piece.length) / 2 ** 20)}`,
    );
    // The system's own socket buffers on both sides, and a few pieces of ours.
    expect(held).toBeLessThan(24 * 2 ** 20);
    // And when it reads on, it gets everything.
    let received = 0;
    let end = '';
    response.on('data', (bytes: Buffer) => {
      received += bytes.length;
      end = (end + bytes.toString('latin1')).slice(-200);
    });
    response.resume();
    await once(response, 'end');
    expect(received).toBeGreaterThan(total * piece.length);
    expect(end).toContain('data: [DONE]');
  });
});
