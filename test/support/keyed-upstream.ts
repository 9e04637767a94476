import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What an upstream of OpenAI's wire makes of one key. */
export type KeyVerdict = 'taken' | 'refused' | 'no_money' | { readonly limitedForSeconds: number };

/** An upstream that knows its keys one by one. */
export interface KeyedUpstream {
  readonly baseUrl: string;
  /** The key of each request, in the order they came. */
  readonly sent: readonly string[];
  /** From now on; keys that are never named are refused. */
  setKey(key: string, verdict: KeyVerdict): void;
  close(): Promise<void>;
}

const BASE = { id: 'chatcmpl-1', created: 1, model: 'alpha' };
const USAGE = { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 };

function fail(response: ServerResponse, status: number, code: string, headers: object = {}): void {
  response
    .writeHead(status, { 'content-type': 'application/json', ...headers })
    .end(JSON.stringify({ error: { message: 'Incorrect API key provided.', type: 'error', code } }));
}

function answer(response: ServerResponse, streamed: boolean): void {
  if (!streamed) {
    const message = { role: 'assistant', content: 'Paris' };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ ...BASE, object: 'chat.completion', choices, usage: USAGE }));
    return;
  }
  const object = 'chat.completion.chunk';
  const events = [
    {
      ...BASE,
      object,
      choices: [{ index: 0, delta: { role: 'assistant', content: 'Paris' }, finish_reason: null }],
    },
    { ...BASE, object, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    { ...BASE, object, choices: [], usage: USAGE },
  ];
  response
    .writeHead(200, { 'content-type': 'text/event-stream' })
    .end(`${events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')}data: [DONE]\n\n`);
}

export async function createKeyedUpstream(verdicts: Record<string, KeyVerdict>): Promise<KeyedUpstream> {
  const keys = new Map(Object.entries(verdicts));
  const sent: string[] = [];
  const server = createServer((request, response) => {
    const key = request.headers.authorization?.replace('Bearer ', '') ?? '';
    sent.push(key);
    let body = '';
    request.on('data', (piece: Buffer) => (body += piece.toString()));
    request.on('end', () => {
      const verdict = keys.get(key) ?? 'refused';
      if (verdict === 'refused') fail(response, 401, 'invalid_api_key');
      else if (verdict === 'no_money') fail(response, 429, 'insufficient_quota');
      else if (verdict === 'taken')
        answer(response, (JSON.parse(body) as { stream?: boolean }).stream === true);
      else fail(response, 429, 'rate_limit_exceeded', { 'retry-after': String(verdict.limitedForSeconds) });
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    sent,
    setKey: (key, verdict) => {
      keys.set(key, verdict);
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
