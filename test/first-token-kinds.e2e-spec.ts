import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const event = (delta: object, finishReason: string | null = null): string =>
  `data: ${JSON.stringify({
    id: 'c',
    object: 'chat.completion.chunk',
    created: 7,
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  })}\n\n`;

describe.each(PLATFORMS)('what counts as the first token, on %s', (platform) => {
  let server: Server;
  let router: RouterApp;
  let first: object = {};
  let answering: ServerResponse | undefined;

  beforeAll(async () => {
    // Says one thing, and no more until the client has it.
    server = createServer((incoming, response) => {
      incoming.resume();
      incoming.on('end', () => {
        answering = response;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(event({ role: 'assistant', content: null }) + event(first));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    router = await createRouterApp({
      platform,
      options: {
        providers: {
          one: {
            api: 'openai',
            baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
            apiKey: 'k',
          },
        },
        models: { plain: { provider: 'one' } },
        routingRules: { simple_queries: { primary: 'plain' } },
        execution: { deadlineMs: 2_000 },
      },
    });
  });

  afterAll(async () => {
    await router.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    ['a text', { content: 'x' }, 'stop'],
    [
      'a call',
      { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }] },
      'tool_calls',
    ],
    [
      'a custom call',
      { tool_calls: [{ index: 0, id: 'a', type: 'custom', custom: { name: 'f' } }] },
      'tool_calls',
    ],
    ['a function call of old', { function_call: { name: 'f', arguments: '' } }, 'function_call'],
    ['audio', { audio: { id: 'audio_1', data: 'AAAA' } }, 'stop'],
  ])('%s goes on at once', async (_name, delta, finishReason) => {
    first = delta;
    const stream = await router.client.chat.completions.create({
      model: 'auto',
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
    });
    const seen: object[] = [];
    for await (const chunk of stream) {
      seen.push(...chunk.choices.map((choice) => choice.delta));
      if (answering !== undefined && seen.length === 2) {
        answering.end(`${event({}, finishReason)}data: [DONE]\n\n`);
        answering = undefined;
      }
    }
    expect(seen[1]).toMatchObject(delta);
    expect(seen).toHaveLength(3);
  });
});
