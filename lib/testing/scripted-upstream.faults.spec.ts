import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createScriptedUpstream, type UpstreamApi } from './index.js';
import { answerTo, APIS, keepOpened, readAll, send } from './raw-client.spec-support.js';

const { open, newAgent } = keepOpened();

describe.each(APIS)('faults of the %s upstream', (api) => {
  it('status: an error in its own shape, then as before', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'status', status: 500 }, 2);
    upstream.failNext({ kind: 'status', status: 503 });
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) statuses.push((await answerTo(upstream, turn % 2 === 0)).status);
    expect(statuses).toEqual([500, 500, 503, 200]);
    expect(upstream.abortedCount).toBe(0);
  });

  it('status: 429 with Retry-After', async () => {
    const upstream = await open({ api });
    upstream.failAlways({ kind: 'status', status: 429, retryAfterSeconds: 7 });
    const message = await send(upstream, true).response;
    const { text } = await readAll(message);
    expect(message.statusCode).toBe(429);
    expect(message.headers['retry-after']).toBe('7');
    const shapes: Record<UpstreamApi, object> = {
      openai: { error: { code: 'rate_limit_exceeded' } },
      'azure-openai': { error: { code: '429' } },
      anthropic: {
        type: 'error',
        error: { type: 'rate_limit_error' },
        request_id: expect.any(String) as string,
      },
      gemini: {
        error: {
          code: 429,
          status: 'RESOURCE_EXHAUSTED',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }],
        },
      },
    };
    expect(JSON.parse(text)).toMatchObject(shapes[api]);
    await upstream.heal();
    expect((await answerTo(upstream)).status).toBe(200);
  });

  it('stalled after the request: no byte comes until the client leaves', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'stalled' });
    const { request, response } = send(upstream, true);
    await upstream.whenRequests(1);
    // A second answer from start to end is time enough for a wrong byte of the first.
    expect((await answerTo(upstream)).status).toBe(200);
    expect(upstream.openRequests).toBe(1);
    expect(request.socket?.bytesRead).toBe(0);
    request.destroy();
    await upstream.whenAborted(1);
    await upstream.whenIdle();
    await expect(response).rejects.toThrow();
    expect(upstream.abortedCount).toBe(1);
  });

  it.each([true, false])('stalled after the headers (streamed: %s)', async (streamed) => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'stalled', after: 'headers' });
    const { request, response } = send(upstream, streamed);
    const message = await response;
    expect(message.statusCode).toBe(200);
    expect((await answerTo(upstream)).status).toBe(200);
    expect(message.read()).toBeNull();
    request.destroy();
    await upstream.whenAborted(1);
  });

  it.each([true, false])('stalled after the first token (streamed: %s)', async (streamed) => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'stalled', after: 'first_token' });
    const { request, response } = send(upstream, streamed);
    const message = await response;
    let text = '';
    message.on('data', (chunk) => (text += String(chunk)));
    message.on('error', () => undefined);
    while (!text.includes(streamed ? 'One' : '{')) await once(message, 'data');
    expect((await answerTo(upstream)).status).toBe(200);
    if (streamed) expect(text).not.toContain('eight');
    expect(() => JSON.parse(text) as unknown).toThrow();
    expect(message.complete).toBe(false);
    request.destroy();
    await upstream.whenAborted(1);
  });

  it('cut: so many pieces of content of a stream, then the connection is gone', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'cut', afterChunks: 1 });
    upstream.failNext({ kind: 'cut', afterChunks: 0 });
    upstream.failNext({ kind: 'cut', afterChunks: 1000 });
    const one = await readAll(await send(upstream, true).response);
    expect(one.error).toBe('ECONNRESET');
    expect(one.text).toContain('One');
    expect(one.text).not.toContain('five');
    const none = await readAll(await send(upstream, true).response);
    expect(none.error).toBe('ECONNRESET');
    expect(none.text).not.toContain('One');
    const all = await readAll(await send(upstream, true).response);
    expect(all.error).toBe('ECONNRESET');
    expect(all.text).toContain('eight');
    expect(all.text).not.toMatch(/\[DONE\]|message_stop|"finishReason"/);
    await upstream.whenIdle();
    expect(upstream.abortedCount).toBe(0);
  });

  it('cut: half of a body, less than its length says', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'cut', afterChunks: 3 });
    const message = await send(upstream, false).response;
    const { text, error } = await readAll(message);
    expect(error).toBe('ECONNRESET');
    expect(text.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThan(Number(message.headers['content-length']));
  });

  it('stream_error: status 200, some content, then the error event and no proper end', async () => {
    const upstream = await open({ api });
    upstream.failNext({ kind: 'stream_error', afterChunks: 1 });
    const message = await send(upstream, true).response;
    const { text, error } = await readAll(message);
    expect([message.statusCode, error]).toEqual([200, undefined]);
    expect(text).toContain('One');
    expect(text).toMatch(
      {
        openai: /"server_error"/,
        'azure-openai': /"server_error"/,
        anthropic: /event: error\n.*overloaded_error/,
        gemini: /UNAVAILABLE/,
      }[api],
    );
    expect(text).not.toMatch(/\[DONE\]|message_stop|"finishReason"/);
  });

  it('refused: open connections break, new ones are refused, and healing brings the same port back', async () => {
    const upstream = await open({ api });
    const { port } = upstream;
    upstream.failNext({ kind: 'stalled', after: 'headers' });
    const message = await send(upstream, true).response;
    upstream.failAlways({ kind: 'refused' });
    await expect(send(upstream, false).response).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect((await readAll(message)).error).toBe('ECONNRESET');
    await upstream.whenIdle();
    expect(upstream.abortedCount).toBe(0);
    await Promise.all([upstream.heal(), upstream.heal()]);
    expect(upstream.port).toBe(port);
    expect((await answerTo(upstream)).status).toBe(200);
    expect(upstream.requestCount).toBe(2);
  });
});

it('stays refused when that is asked for while it heals', async () => {
  const upstream = await open({ api: 'openai' });
  upstream.failAlways({ kind: 'refused' });
  const healing = upstream.heal();
  upstream.failAlways({ kind: 'refused' });
  await healing;
  await expect(send(upstream, false).response).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await upstream.heal();
  expect((await answerTo(upstream)).status).toBe(200);
});

describe('counting and waiting', () => {
  it('counts a client that leaves in mid-stream once, and one that stays not at all', async () => {
    const upstream = await open({ api: 'openai', latency: { timeToFirstTokenMs: 1, tokensPerSecond: 10 } });
    const { request, response } = send(upstream, true);
    const message = await response;
    await once(message, 'data');
    request.destroy();
    await upstream.whenAborted(1);
    upstream.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: Infinity });
    await answerTo(upstream, true);
    await upstream.whenIdle();
    expect([upstream.abortedCount, upstream.requestCount, upstream.openRequests]).toEqual([1, 2, 0]);
  });

  it('keeps the newest requests only', async () => {
    const upstream = await open({ api: 'openai', keepRequests: 2 });
    for (let turn = 0; turn < 5; turn += 1) await answerTo(upstream);
    expect(upstream.requests).toHaveLength(2);
    expect(upstream.requestCount).toBe(5);
    expect(upstream.requests[0]).toMatchObject({
      api: 'openai',
      model: 'm',
      streamed: false,
      lastUserText: 'Hello',
    });
  });

  it('gives up waiting when it is closed', async () => {
    const upstream = await open({ api: 'openai' });
    const never = upstream.whenRequests(1);
    const idle = upstream.whenIdle();
    await upstream.close();
    await expect(never).rejects.toThrow('closed');
    await expect(idle).resolves.toBeUndefined();
    await expect(upstream.whenAborted(1)).rejects.toThrow('closed');
  });

  it('shows a script that throws to the client', async () => {
    const upstream = await open({ api: 'anthropic' });
    upstream.setReply(() => {
      throw new Error('not today');
    });
    expect(await answerTo(upstream)).toMatchObject({
      status: 500,
      text: expect.stringContaining('not today') as string,
    });
    upstream.setReply(undefined);
    expect((await answerTo(upstream)).text).toContain('simulated answer');
  });
});

describe('latency', () => {
  it('comes before the first token and between tokens; a whole answer takes as long as its stream', async () => {
    const upstream = await open({
      api: 'openai',
      latency: (model) =>
        model === 'm'
          ? { timeToFirstTokenMs: 60, tokensPerSecond: 20 }
          : { timeToFirstTokenMs: 0, tokensPerSecond: 1 },
      reply: () => ({ text: 'word '.repeat(8), usage: { promptTokens: 1, completionTokens: 10 } }),
    });
    const started = performance.now();
    const message = await send(upstream, true).response;
    const firstMs = performance.now() - started;
    await readAll(message);
    const allMs = performance.now() - started;
    expect(firstMs).toBeGreaterThan(55);
    expect(firstMs).toBeLessThan(400);
    expect(allMs).toBeGreaterThan(555);
    const again = performance.now();
    await answerTo(upstream);
    expect(performance.now() - again).toBeGreaterThan(555);
  });

  it('refuses what no model can have', async () => {
    const wrong = { timeToFirstTokenMs: -1, tokensPerSecond: 10 };
    await expect(createScriptedUpstream({ api: 'openai', latency: wrong })).rejects.toThrow(RangeError);
    const upstream = await open({ api: 'openai' });
    expect(() => {
      upstream.setLatency({ timeToFirstTokenMs: 1, tokensPerSecond: 0 });
    }).toThrow('tokensPerSecond');
  });
});

describe('close', () => {
  it('ends kept-alive connections, stalled requests and connections that never asked', async () => {
    const upstream = await open({ api: 'openai' });
    const agent = newAgent();
    await readAll(await send(upstream, false, agent).response);
    const [idle] = Object.values(agent.freeSockets)[0]!;
    const silent: Socket = connect(upstream.port, '127.0.0.1');
    await once(silent, 'connect');
    upstream.failNext({ kind: 'stalled' });
    const stalled = send(upstream, true).response;
    await upstream.whenRequests(2);
    const ended = Promise.all([once(idle!, 'close'), once(silent.resume(), 'close')]);
    await upstream.close();
    await ended;
    await expect(stalled).rejects.toThrow();
    expect(upstream.openRequests).toBe(0);
    await expect(send(upstream, false).response).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await upstream.close();
    await upstream.heal();
    await expect(send(upstream, false).response).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('leaves no server, socket or timer behind', async () => {
    const resources = (name: string): number =>
      process.getActiveResourcesInfo().filter((one) => one === name).length;
    const names = ['TCPSocketWrap', 'TCPServerWrap', 'Timeout'];
    const before = names.map(resources);
    const upstream = await createScriptedUpstream({
      api: 'openai',
      latency: { timeToFirstTokenMs: 60_000, tokensPerSecond: 1 },
    });
    const waiting = send(upstream, true);
    await upstream.whenRequests(1);
    await upstream.close();
    await expect(waiting.response).rejects.toThrow();
    waiting.request.destroy();
    await new Promise(setImmediate);
    // What earlier tests left may go in the meantime; nothing may be added.
    for (const [index, name] of names.entries())
      expect(resources(name), name).toBeLessThanOrEqual(before[index]!);
  });

  it('takes a fixed port, and says so when it is taken', async () => {
    const upstream = await open({ api: 'openai' });
    await expect(createScriptedUpstream({ api: 'openai', port: upstream.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await upstream.close();
    const again = await open({ api: 'gemini', port: upstream.port });
    expect(again.baseUrl).toBe(`http://127.0.0.1:${upstream.port}`);
  });
});

it('serves two hundred streams at a time', async () => {
  const upstream = await open({
    api: 'anthropic',
    latency: { timeToFirstTokenMs: 800, tokensPerSecond: 200, jitter: 0.2 },
  });
  const answers = Promise.all(Array.from({ length: 200 }, () => answerTo(upstream, true)));
  await upstream.whenRequests(200);
  const most = upstream.openRequests;
  const texts = (await answers).map(({ text }) => text);
  expect(most).toBeGreaterThan(150);
  expect(texts.filter((text) => text.includes('eight') && text.includes('message_stop'))).toHaveLength(200);
  await upstream.whenIdle();
  expect(upstream.abortedCount).toBe(0);
});
