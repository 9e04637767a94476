import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { createScriptedUpstream, retryAfterForms, type UpstreamApi } from './index.js';
import { answerTo, APIS, keepOpened, readAll, send } from './raw-client.spec-support.js';

const { open, newAgent } = keepOpened();

const RESET_HEADER: Record<UpstreamApi, string | undefined> = {
  openai: 'x-ratelimit-reset-requests',
  'azure-openai': 'x-ratelimit-reset-requests',
  anthropic: 'anthropic-ratelimit-requests-reset',
  gemini: undefined,
};

describe.each(APIS)('429 of the %s upstream', (api) => {
  it('says when to come back in one form, and in no other', async () => {
    const upstream = await open({ api });
    const told: Record<string, Record<string, unknown>> = {};
    const startMs = Date.now();
    for (const [name, retryAfter] of Object.entries(retryAfterForms(2))) {
      upstream.failNext({ kind: 'status', status: 429, retryAfter });
      const { status, headers, text } = await answerTo(upstream);
      expect(status).toBe(429);
      const body = JSON.parse(text) as { error: { message: string; details?: { retryDelay?: string }[] } };
      expect(body.error.message).not.toBe('');
      const signs = Object.entries(headers).filter(([header]) => /^retry-after|reset/.test(header));
      const details = body.error.details ?? [];
      const delays = details.flatMap(({ retryDelay }) => retryDelay ?? []);
      told[name] = { ...Object.fromEntries(signs), ...(delays.length > 0 ? { retryDelay: delays } : {}) };
    }
    const isDateIn = (value: unknown, seconds: number): boolean => {
      const waitMs = Date.parse(String(value)) - startMs;
      return waitMs >= seconds * 1000 - 1 && waitMs < (seconds + 3) * 1000;
    };
    const reset = RESET_HEADER[api];
    const resetAt = reset === undefined ? undefined : told.reset_header?.[reset];
    expect(told).toEqual({
      seconds: { 'retry-after': '2' },
      fractional_seconds: { 'retry-after': '1.5' },
      http_date: {
        'retry-after': expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$/) as unknown,
      },
      milliseconds: { 'retry-after-ms': '2000' },
      retry_info: { retryDelay: ['2s'] },
      reset_header: reset === undefined ? {} : { [reset]: resetAt },
      past_date: { 'retry-after': expect.stringMatching(/GMT$/) as unknown },
      garbage: { 'retry-after': 'soon, I hope' },
      absurdly_long: { 'retry-after': '31536000' },
      none: {},
    });
    expect(isDateIn(told.http_date?.['retry-after'], 2)).toBe(true);
    expect(isDateIn(told.past_date?.['retry-after'], -60)).toBe(true);
    if (api === 'anthropic') expect(isDateIn(resetAt, 2)).toBe(true);
    else if (reset !== undefined) expect(resetAt).toBe('2s');
  });
});

describe('what is left of the limits', () => {
  const rateLimit = {
    limitRequests: 100,
    remainingRequests: 3,
    limitTokens: 9000,
    remainingTokens: 12,
    resetMs: 90_500,
  };

  it.each(['openai', 'azure-openai'] as const)('is told in the headers of %s', async (api) => {
    const upstream = await open({ api, rateLimit });
    for (const streamed of [true, false]) {
      const { headers } = await answerTo(upstream, streamed);
      expect(
        Object.fromEntries(Object.entries(headers).filter(([name]) => name.includes('ratelimit'))),
      ).toEqual({
        'x-ratelimit-limit-requests': '100',
        'x-ratelimit-remaining-requests': '3',
        'x-ratelimit-reset-requests': '1m30.5s',
        'x-ratelimit-limit-tokens': '9000',
        'x-ratelimit-remaining-tokens': '12',
        'x-ratelimit-reset-tokens': '1m30.5s',
      });
    }
  });

  it('is told in the headers of anthropic, as dates', async () => {
    const upstream = await open({ api: 'anthropic', rateLimit });
    for (const streamed of [true, false]) {
      const { headers } = await answerTo(upstream, streamed);
      expect(headers).toMatchObject({
        'anthropic-ratelimit-requests-limit': '100',
        'anthropic-ratelimit-requests-remaining': '3',
        'anthropic-ratelimit-tokens-remaining': '12',
      });
      const waitMs = Date.parse(String(headers['anthropic-ratelimit-tokens-reset'])) - Date.now();
      expect(waitMs).toBeGreaterThan(85_000);
      expect(waitMs).toBeLessThan(92_000);
    }
  });

  it('is not told by gemini', async () => {
    const upstream = await open({ api: 'gemini', rateLimit });
    const { headers } = await answerTo(upstream);
    expect(Object.keys(headers).filter((name) => name.includes('limit'))).toEqual([]);
  });

  it('is told by a script, in part, or as usual', async () => {
    const upstream = await open({ api: 'openai' });
    upstream.setRateLimit(({ position }) => (position === 1 ? { remainingTokens: 7 } : undefined));
    const first = await answerTo(upstream);
    expect(Object.entries(first.headers).filter(([name]) => name.includes('ratelimit'))).toEqual([
      ['x-ratelimit-remaining-tokens', '7'],
    ]);
    expect((await answerTo(upstream)).headers).toMatchObject({ 'x-ratelimit-remaining-requests': '9999' });
  });
});

describe('capacity', () => {
  it('lets so many in, makes the next wait for their turn, and turns the others away', async () => {
    const upstream = await open({ api: 'openai', capacity: { concurrency: 2, queue: 1 } });
    upstream.failNext({ kind: 'stalled', after: 'headers' }, 2);
    const inside = [send(upstream, true), send(upstream, true)];
    await Promise.all(inside.map(({ response }) => response));
    const waiting = send(upstream, true);
    await upstream.whenQueued(1);
    expect((await answerTo(upstream)).status).toBe(503);
    expect(waiting.request.socket?.bytesRead).toBe(0);
    inside[0]!.request.destroy();
    expect((await readAll(await waiting.response)).text).toContain('[DONE]');
    expect(upstream.queuedRequests).toBe(0);
    inside[1]!.request.destroy();
    await upstream.whenAborted(2);
    await upstream.whenIdle();
  });

  it('gives up the place of a client that leaves the queue, and lets all in when it is lifted', async () => {
    const upstream = await open({ api: 'anthropic', capacity: { concurrency: 1 } });
    upstream.failNext({ kind: 'stalled', after: 'headers' });
    const inside = send(upstream, true);
    await inside.response;
    const leaving = send(upstream, true);
    const staying = send(upstream, true);
    await upstream.whenQueued(2);
    leaving.request.destroy();
    await upstream.whenAborted(1);
    expect(upstream.queuedRequests).toBe(1);
    upstream.setCapacity(undefined);
    expect((await staying.response).statusCode).toBe(200);
    inside.request.destroy();
    await upstream.whenAborted(2);
  });

  it('turns away as it is told to, and takes no number that makes no sense', async () => {
    const upstream = await open({ api: 'gemini' });
    const whenFull = { kind: 'status', status: 429, retryAfterSeconds: 3 } as const;
    upstream.setCapacity({ concurrency: 1, queue: 0, whenFull });
    upstream.failNext({ kind: 'stalled', after: 'headers' });
    const inside = send(upstream, true);
    await inside.response;
    expect(await answerTo(upstream)).toMatchObject({ status: 429, headers: { 'retry-after': '3' } });
    inside.request.destroy();
    await upstream.whenIdle();
    expect((await answerTo(upstream)).status).toBe(200);
    expect(() => {
      upstream.setCapacity({ concurrency: 0 });
    }).toThrow('concurrency must be 1 or more');
    await expect(
      createScriptedUpstream({ api: 'openai', capacity: { concurrency: 1, queue: -1 } }),
    ).rejects.toThrow(RangeError);
  });

  it('serves one after the other: the last waits for all before it', async () => {
    const upstream = await open({
      api: 'openai',
      latency: { timeToFirstTokenMs: 25, tokensPerSecond: Infinity },
      capacity: { concurrency: 1 },
    });
    const started = performance.now();
    await Promise.all(Array.from({ length: 4 }, () => answerTo(upstream, true)));
    expect(performance.now() - started).toBeGreaterThan(95);
    upstream.setCapacity({ concurrency: 4 });
    const again = performance.now();
    await Promise.all(Array.from({ length: 4 }, () => answerTo(upstream, true)));
    expect(performance.now() - again).toBeLessThan(95);
  });
});

describe.each(APIS)('keys of the %s upstream', (api) => {
  it('takes any of several, and one no longer once it is revoked', async () => {
    const upstream = await open({ api, requireKeys: ['key-1', 'key-2'] });
    const statusOf = async (key?: string): Promise<number> => (await answerTo(upstream, false, key)).status;
    const refused = api === 'gemini' ? 400 : 401;
    expect([await statusOf('key-1'), await statusOf('key-2')]).toEqual([200, 200]);
    expect([await statusOf('key-3'), await statusOf()]).toEqual([refused, refused]);
    upstream.revokeKey('key-1');
    expect([await statusOf('key-1'), await statusOf('key-2')]).toEqual([refused, 200]);
    upstream.revokeKey('key-2');
    expect([await statusOf('key-2'), await statusOf()]).toEqual([refused, refused]);
    upstream.acceptKey('key-1');
    expect(await statusOf('key-1')).toBe(200);
    expect(upstream.requests[0]?.key).toBe('key-1');
  });

  it('fails one key alone by script', async () => {
    const upstream = await open({ api });
    upstream.setFaults(({ key }) => (key === 'key-1' ? { kind: 'status', status: 500 } : undefined));
    expect((await answerTo(upstream, false, 'key-1')).status).toBe(500);
    expect((await answerTo(upstream, false, 'key-2')).status).toBe(200);
  });

  it('limits one key alone, and tells what is left', async () => {
    const upstream = await open({ api });
    upstream.limitKey('key-1', { requests: 2, windowMs: 60_000 });
    const first = await answerTo(upstream, false, 'key-1');
    expect([first.status, (await answerTo(upstream, true, 'key-1')).status]).toEqual([200, 200]);
    const third = await answerTo(upstream, false, 'key-1');
    expect(third.status).toBe(429);
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(50);
    expect((await answerTo(upstream, false, 'key-2')).status).toBe(200);
    if (api === 'openai') {
      expect(first.headers['x-ratelimit-remaining-requests']).toBe('1');
      expect(third.headers).toMatchObject({
        'x-ratelimit-limit-requests': '2',
        'x-ratelimit-remaining-requests': '0',
      });
    }
    if (api === 'anthropic') expect(first.headers['anthropic-ratelimit-requests-remaining']).toBe('1');
    upstream.limitKey('key-1', undefined);
    expect((await answerTo(upstream, false, 'key-1')).status).toBe(200);
  });
});

it('lets a limited key in again when its window has moved on', async () => {
  const upstream = await open({ api: 'openai' });
  upstream.limitKey('key-1', { requests: 1, windowMs: 40 });
  expect((await answerTo(upstream, false, 'key-1')).status).toBe(200);
  expect((await answerTo(upstream, false, 'key-1')).status).toBe(429);
  await expect
    .poll(async () => (await answerTo(upstream, false, 'key-1')).status, { interval: 10, timeout: 1_000 })
    .toBe(200);
});

it('counts faults by position over one connection', async () => {
  const upstream = await open({ api: 'openai' });
  const agent = newAgent();
  upstream.failRequest(2, { kind: 'status', status: 500 });
  upstream.failEvery(3, { kind: 'status', status: 503 });
  const statuses: (number | undefined)[] = [];
  for (let turn = 0; turn < 6; turn += 1) {
    const message = await send(upstream, false, agent).response;
    await readAll(message);
    statuses.push(message.statusCode);
  }
  expect(statuses).toEqual([200, 500, 503, 200, 200, 503]);
  const [last] = upstream.requests.slice(-1);
  expect(last).toMatchObject({ position: 6, reusedConnection: true });
  const socket = Object.values(agent.freeSockets)[0]?.[0];
  const closed = once(socket!, 'close');
  await upstream.close();
  await closed;
});
