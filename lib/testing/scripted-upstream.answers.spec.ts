import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { everyFault, type UpstreamApi, type UpstreamRequestFault } from './index.js';
import { answerTo, APIS, keepOpened, readAll, send } from './raw-client.spec-support.js';

const { open, newAgent } = keepOpened();

const END: Record<UpstreamApi, RegExp> = {
  openai: /data: \[DONE\]\n\n$/,
  'azure-openai': /data: \[DONE\]\n\n$/,
  anthropic: /"type":"message_stop"\}\n\n$/,
  gemini: /"finishReason":"STOP".*\r\n\r\n$/,
};
/** Of the data lines of a stream, those that are no JSON. */
function brokenLines(text: string): string[] {
  return text
    .split(/\r?\n/)
    .filter((line) => line.startsWith('data: ') && line !== 'data: [DONE]')
    .filter((line) => !isJson(line.slice('data: '.length)));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe.each(APIS)('broken answers of the %s upstream', (api) => {
  it.each([0, 1, 50])('cut: a stream after %i bytes', async (afterBytes) => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'cut', afterBytes });
    const message = await send(upstream, true).response;
    const { text, error } = await readAll(message);
    expect([message.statusCode, text.length, error]).toEqual([200, afterBytes, 'ECONNRESET']);
    await upstream.whenIdle();
    expect(upstream.abortedCount).toBe(0);
  });

  it.each([0, 1, 50])('cut: a body after %i bytes', async (afterBytes) => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'cut', afterBytes });
    const message = await send(upstream, false).response;
    expect(Number(message.headers['content-length'])).toBeGreaterThan(50);
    const { text, error } = await readAll(message);
    expect([text.length, error]).toEqual([afterBytes, 'ECONNRESET']);
  });

  it.each([true, false])(
    'cut: an answer that is shorter loses its last byte (streamed: %s)',
    async (streamed) => {
      const upstream = await open({ api });
      const whole = await answerTo(upstream, streamed);
      upstream.failNext({ kind: 'cut', afterBytes: 1_000_000 });
      const { text, error } = await readAll(await send(upstream, streamed).response);
      expect([text.length, error]).toEqual([whole.text.length - 1, 'ECONNRESET']);
    },
  );

  it('cut clean: the body ends properly, but the stream has no end', async () => {
    const upstream = await open({ api });
    const agent = newAgent();
    for (const fault of [{ afterChunks: 1 }, { afterBytes: 700 }]) {
      upstream.failNext({ kind: 'cut', ending: 'clean', ...fault });
      const message = await send(upstream, true, agent).response;
      const { text, error } = await readAll(message);
      expect([message.statusCode, error, message.complete]).toEqual([200, undefined, true]);
      expect(text).not.toMatch(/\[DONE\]|message_stop|"finishReason"|"finish_reason":"/);
    }
    // The connection is as good as before.
    await readAll(await send(upstream, true, agent).response);
    expect(upstream.requests.map(({ reusedConnection }) => reusedConnection)).toEqual([false, true, true]);
  });

  it('cut clean: half of a body, and nothing at all, end properly', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'cut', ending: 'clean' });
    upstream.failNext({ kind: 'cut', ending: 'clean', afterBytes: 0 });
    const half = await send(upstream, false).response;
    const { text, error } = await readAll(half);
    expect([error, half.headers['content-length'], isJson(text)]).toEqual([undefined, undefined, false]);
    expect(text.length).toBeGreaterThan(20);
    expect(await answerTo(upstream)).toMatchObject({ status: 200, text: '' });
  });

  it.each([true, false])('cut by reset (streamed: %s)', async (streamed) => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'cut', afterChunks: 1, ending: 'reset' });
    const message = await send(upstream, streamed).response;
    expect((await readAll(message)).error).toBe('ECONNRESET');
    await upstream.whenIdle();
    expect(upstream.abortedCount).toBe(0);
  });

  it('malformed: one line of a stream, which then goes on', async () => {
    const upstream = await open({ api });
    const whole = await answerTo(upstream, true);
    for (const afterChunks of [undefined, 1, 1000]) {
      upstream.failNext({ kind: 'malformed', afterChunks });
      const { text, error } = await readAll(await send(upstream, true).response);
      expect(error).toBeUndefined();
      const broken = brokenLines(text);
      expect(broken).toHaveLength(1);
      expect(broken[0]!.includes('One')).toBe(afterChunks === undefined);
      expect(text.split('\n').length).toBe(whole.text.split('\n').length);
      if (afterChunks !== 1000) expect(text).toMatch(END[api]);
    }
  });

  it('malformed: a body of the right length that is no JSON', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'malformed' });
    const { status, headers, text } = await answerTo(upstream);
    expect([status, isJson(text), Number(headers['content-length'])]).toEqual([
      200,
      false,
      Buffer.byteLength(text),
    ]);
    expect(headers['content-type']).toContain('application/json');
  });

  it.each([true, false])(
    'error_in_200: the error document of any status (streamed: %s)',
    async (streamed) => {
      const upstream = await open({ api });
      upstream.failNext({ kind: 'error_in_200' });
      upstream.failNext({ kind: 'error_in_200', status: 429 });
      const first = await answerTo(upstream, streamed);
      expect(first.status).toBe(200);
      expect(first.headers['content-type']).toContain('application/json');
      expect(JSON.parse(first.text)).toHaveProperty('error.message');
      const second = await answerTo(upstream, streamed);
      expect(second.status).toBe(200);
      expect(second.text).toMatch(/rate.?limit|RESOURCE_EXHAUSTED/);
    },
  );

  it.each([true, false])(
    'content_type: the right answer under a wrong name (streamed: %s)',
    async (streamed) => {
      const upstream = await open({ api, seed: 5 });
      const right = await answerTo(upstream, streamed);
      upstream.failNext({ kind: 'content_type' });
      upstream.failNext({ kind: 'content_type', contentType: 'application/octet-stream' });
      const plain = await answerTo(upstream, streamed);
      expect(plain.headers['content-type']).toBe('text/plain');
      expect(plain.text.length).toBe(right.text.length);
      expect((await answerTo(upstream, streamed)).headers['content-type']).toBe('application/octet-stream');
    },
  );

  it.each([true, false])('html: a page for people (streamed: %s)', async (streamed) => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'html' });
    upstream.failNext({ kind: 'html', status: 502 });
    const page = await answerTo(upstream, streamed);
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.text).toMatch(/^<!DOCTYPE html>/);
    expect((await answerTo(upstream, streamed)).status).toBe(502);
  });

  it('delay: the headers come late, the answer is right', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'delay', delayMs: 80 });
    const started = performance.now();
    const message = await send(upstream, true).response;
    expect(performance.now() - started).toBeGreaterThan(75);
    expect((await readAll(message)).text).toMatch(END[api]);
    upstream.failNext({ kind: 'delay', delayMs: 3_600_000 });
    const { request } = send(upstream, true);
    await upstream.whenRequests(2);
    request.destroy();
    await upstream.whenAborted(1);
    await upstream.whenIdle();
  });

  it('drip: pieces of a stream at their pace, to the right end', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'drip', everyMs: 15 });
    const started = performance.now();
    const message = await send(upstream, true).response;
    let pieces = 0;
    message.on('data', () => (pieces += 1));
    const { text } = await readAll(message);
    const ofContent = api === 'gemini' ? 2 : 8;
    expect(performance.now() - started).toBeGreaterThan(ofContent * 15);
    expect(pieces).toBeGreaterThan(ofContent);
    expect(text).toMatch(END[api]);
  });

  it('drip: bytes of a stream or a body, until the client has had enough', async () => {
    const upstream = await open({ api });
    upstream.failAlways({ kind: 'drip', everyMs: 2, bytes: 20 });
    const streamed = await readAll(await send(upstream, true).response);
    expect(streamed.text).toMatch(END[api]);
    upstream.failAlways({ kind: 'drip', everyMs: 5 });
    const { request, response } = send(upstream, false);
    const message = await response;
    message.on('error', () => undefined);
    let bytes = 0;
    let most = 0;
    message.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      most = Math.max(most, chunk.length);
    });
    while (bytes < 5) await once(message, 'data');
    expect(most).toBeLessThan(5);
    request.destroy();
    await upstream.whenAborted(1);
    await upstream.whenIdle();
  });

  it('oversized: a body of as many bytes as wanted, which is right but for its length', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'oversized', bytes: 3_000_000 });
    const { status, text } = await answerTo(upstream);
    expect([status, isJson(text), text.length > 3_000_000]).toEqual([200, true, true]);
  });

  it('oversized: a stream of far too many pieces, and one far too long line', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'oversized', bytes: 3_000_000 });
    upstream.failNext({ kind: 'oversized', part: 'line', bytes: 3_000_000 });
    const many = await answerTo(upstream, true);
    expect(brokenLines(many.text)).toEqual([]);
    expect(many.text.length).toBeGreaterThan(3_000_000);
    expect(many.text).toMatch(END[api]);
    const long = await answerTo(upstream, true);
    expect(brokenLines(long.text)).toEqual([]);
    expect(long.text).toMatch(END[api]);
    expect(Math.max(...long.text.split('\n').map(({ length }) => length))).toBeGreaterThan(3_000_000);
  });

  it('oversized: a header that no client takes', async () => {
    const upstream = await open({ api });
    upstream.failAlways({ kind: 'oversized', part: 'header' });
    await expect(send(upstream, false).response).rejects.toMatchObject({ code: 'HPE_HEADER_OVERFLOW' });
    await expect(send(upstream, true).response).rejects.toMatchObject({ code: 'HPE_HEADER_OVERFLOW' });
  });

  it('reset: any connection, a reused one alone, a fresh one alone', async () => {
    const upstream = await open({ api });
    const agent = newAgent();
    upstream.failNext({ kind: 'reset' });
    await expect(send(upstream, false, agent).response).rejects.toMatchObject({ code: 'ECONNRESET' });
    upstream.failAlways({ kind: 'reset', connection: 'reused' });
    const fresh = await send(upstream, false, agent).response;
    await readAll(fresh);
    expect(fresh.statusCode).toBe(200);
    await expect(send(upstream, true, agent).response).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await answerTo(upstream)).status).toBe(200);
    upstream.failAlways({ kind: 'reset', connection: 'fresh' });
    await expect(send(upstream, false).response).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(upstream.requests.map(({ reusedConnection }) => reusedConnection)).toEqual([
      false,
      false,
      true,
      false,
      false,
    ]);
    await upstream.whenIdle();
    expect(upstream.abortedCount).toBe(0);
  });

  it('status: 408, 409, 500, 503 and 529 in its own shape', async () => {
    const upstream = await open({ api });
    for (const status of [408, 409, 500, 503, 529]) {
      upstream.failNext({ kind: 'status', status });
      const answer = await answerTo(upstream, true);
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toContain('application/json');
      expect(JSON.parse(answer.text)).toHaveProperty('error.message');
    }
  });
});

it.each([true, false])(
  'stops making an oversized answer when the client has had enough (streamed: %s)',
  async (streamed) => {
    const upstream = await open({ api: 'openai' });
    upstream.failNext({ kind: 'oversized', bytes: Infinity });
    const { request, response } = send(upstream, streamed);
    const message = await response;
    message.on('error', () => undefined);
    let bytes = 0;
    message.on('data', (chunk: Buffer) => (bytes += chunk.length));
    while (bytes < 2_000_000) await once(message, 'data');
    request.destroy();
    await upstream.whenAborted(1);
    await upstream.whenIdle();
  },
);

it("sends Gemini's stream without events as one array, also when it is oversized or malformed", async () => {
  const upstream = await open({ api: 'gemini' });
  const ask = async (fault: UpstreamRequestFault): Promise<string> => {
    upstream.failNext(fault);
    const answer = await fetch(`${upstream.origin}/v1beta/models/gemini-2.5-pro:streamGenerateContent`, {
      method: 'POST',
      body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Hello' }] }] }),
    });
    return answer.text();
  };
  expect(JSON.parse(await ask({ kind: 'oversized', bytes: 500_000 }))).toBeInstanceOf(Array);
  expect(JSON.parse(await ask({ kind: 'oversized', part: 'line', bytes: 500_000 }))).toHaveLength(2);
  expect(isJson(await ask({ kind: 'malformed', afterChunks: 1000 }))).toBe(false);
});

it('has an example of every kind of fault', async () => {
  const kinds = new Set(Object.values(everyFault()).map(({ kind }) => kind));
  const all: Record<UpstreamRequestFault['kind'], true> = {
    status: true,
    stalled: true,
    cut: true,
    stream_error: true,
    delay: true,
    drip: true,
    malformed: true,
    error_in_200: true,
    content_type: true,
    html: true,
    oversized: true,
    reset: true,
  };
  expect([...kinds].sort()).toEqual(Object.keys(all).sort());
  const upstream = await open({ api: 'openai' });
  upstream.failShare(1, Object.values(everyFault()));
  await upstream.heal();
  expect((await answerTo(upstream)).status).toBe(200);
});
