import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProviderOptions } from 'nestjs-llm-router';
import { createFaultBench, type FaultBench, readStream } from './support/fault-bench.js';
import { createKeyedUpstream, type KeyedUpstream, type KeyVerdict } from './support/keyed-upstream.js';
import { LogCollector } from './support/log-collector.js';
import { PLATFORMS } from './support/router-app.js';

const ASK = {
  model: 'auto',
  messages: [{ role: 'user' as const, content: 'What is the capital of France?' }],
};
const CHAT = '/v1/chat/completions';

type Keys = Pick<ProviderOptions, 'apiKey' | 'apiKeys'>;

describe.each(PLATFORMS)('keys of a provider on %s', (platform) => {
  let upstream: KeyedUpstream;
  let bench: FaultBench;
  let logs: LogCollector;

  beforeEach(() => {
    // The wall clock alone: every timer runs on.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    logs = new LogCollector();
  });

  afterEach(async () => {
    vi.useRealTimers();
    await bench.close();
    await upstream.close();
  });

  const pass = (passMs: number): void => {
    vi.setSystemTime(Date.now() + passMs);
  };

  async function open(keys: Keys, verdicts: Record<string, KeyVerdict>): Promise<void> {
    upstream = await createKeyedUpstream(verdicts);
    bench = await createFaultBench({
      platform,
      logger: logs,
      options: {
        providers: { main: { api: 'openai', baseUrl: upstream.baseUrl, ...keys } },
        models: { alpha: { provider: 'main' } },
        routingRules: { simple_queries: { primary: 'alpha' } },
      },
    });
  }

  /** Asks once; gives the status and how many calls that took. */
  async function ask(): Promise<{ status: number; attempts: number }> {
    bench.clear();
    const response = await bench.postJson(CHAT, ASK);
    await response.text();
    await bench.whenEnded(1);
    return { status: response.status, attempts: bench.attempts.length };
  }

  async function health(): Promise<Record<string, unknown>> {
    const response = await bench.fetch('/health');
    expect(response.status).toBe(200);
    const { details } = (await response.json()) as { details: Record<string, Record<string, unknown>> };
    return details.main!;
  }

  const lines = (pattern: RegExp): string[] => logs.lines.filter((line) => pattern.test(line));

  it('goes on with the next key after a 401, and leaves the refused one alone', async () => {
    await open({ apiKeys: ['key-revoked', 'key-good'] }, { 'key-good': 'taken' });
    expect(await ask()).toEqual({ status: 200, attempts: 2 });
    expect(bench.attempts.map(({ outcome, errorKind }) => [outcome, errorKind])).toEqual([
      ['failed', 'authentication'],
      ['succeeded', undefined],
    ]);
    expect(await ask()).toEqual({ status: 200, attempts: 1 });
    const read = await readStream(bench.url, ASK);
    expect(read).toMatchObject({ text: 'Paris', error: undefined });
    expect(upstream.sent).toEqual(['key-revoked', 'key-good', 'key-good', 'key-good']);
    expect(await health()).toMatchObject({
      status: 'degraded',
      keys: { total: 2, usable: 1, refused: [1] },
      trouble: expect.arrayContaining(['keys: 1 of 2 refused']) as unknown,
    });
    expect(logs.warnings.filter((line) => line.startsWith('Key '))).toEqual([
      expect.stringMatching(/^Key 1 of 2 of provider "main" was refused \(authentication\)/),
    ]);
    await bench.expectQuiet();
  });

  it('moves on in a stream as well, before anything was sent', async () => {
    await open({ apiKeys: ['key-revoked', 'key-good'] }, { 'key-good': 'taken' });
    const read = await readStream(bench.url, ASK);
    expect(read).toMatchObject({ text: 'Paris', error: undefined });
    expect(read.response.headers.get('x-llm-attempts')).toBe('2');
    await bench.expectQuiet();
  });

  it('rests a key after a 429, alone, until its Retry-After is over', async () => {
    await open({ apiKeys: ['key-a', 'key-b'] }, { 'key-a': { limitedForSeconds: 30 }, 'key-b': 'taken' });
    expect(await ask()).toEqual({ status: 200, attempts: 2 });
    for (let count = 0; count < 3; count += 1) expect(await ask()).toEqual({ status: 200, attempts: 1 });
    expect(upstream.sent).toEqual(['key-a', 'key-b', 'key-b', 'key-b', 'key-b']);
    expect(await health()).toMatchObject({ keys: { total: 2, usable: 2, refused: [] } });
    expect(lines(/^Key /)).toEqual([]);
    upstream.setKey('key-a', 'taken');
    pass(30_000);
    await ask();
    expect(upstream.sent.at(-1)).toBe('key-a');
  });

  it('serves every request while a key is revoked in mid-run', async () => {
    await open(
      { apiKeys: ['key-a', 'key-b', 'key-c'] },
      { 'key-a': 'taken', 'key-b': 'taken', 'key-c': 'taken' },
    );
    const statuses: number[] = [];
    const worker = async (): Promise<void> => {
      for (let count = 0; count < 10; count += 1) {
        const response = await bench.postJson(CHAT, ASK);
        await response.text();
        statuses.push(response.status);
        if (statuses.length === 20) upstream.setKey('key-b', 'refused');
        if (statuses.length === 40) upstream.setKey('key-c', 'no_money');
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(statuses).toHaveLength(80);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(await health()).toMatchObject({ keys: { total: 3, usable: 1, refused: [2, 3] } });
    expect(logs.warnings.filter((line) => line.startsWith('Key '))).toHaveLength(2);
    // Only what was under way when they went is sent twice: at most one for each of the eight and each key.
    await bench.whenEnded(80);
    expect(upstream.sent.length).toBeLessThanOrEqual(96);
    await bench.expectQuiet();
  });

  it('takes a new key from a callback at the refusal of the old one, without a restart', async () => {
    let key = 'key-old';
    await open({ apiKey: () => Promise.resolve(key) }, { 'key-old': 'taken' });
    expect(await ask()).toEqual({ status: 200, attempts: 1 });
    key = 'key-new';
    upstream.setKey('key-new', 'taken');
    upstream.setKey('key-old', 'refused');
    expect(await ask()).toEqual({ status: 200, attempts: 2 });
    expect(await ask()).toEqual({ status: 200, attempts: 1 });
    expect(upstream.sent).toEqual(['key-old', 'key-old', 'key-new', 'key-new']);
    expect(await health()).toMatchObject({ keys: { total: 1, usable: 1, refused: [] } });
    expect(lines(/^Key /)).toEqual([
      expect.stringContaining('was refused'),
      expect.stringContaining('Key 1 of provider "main" is replaced; usable: 1 of 1'),
    ]);
  });

  it('takes new keys from a callback after a minute, before the old ones are refused', async () => {
    let keys = ['key-old'];
    await open({ apiKeys: () => keys }, { 'key-old': 'taken', 'key-x': 'taken', 'key-y': 'taken' });
    await ask();
    keys = ['key-x', 'key-y'];
    await ask();
    pass(60_000);
    await ask();
    await ask();
    expect(upstream.sent).toEqual(['key-old', 'key-old', 'key-x', 'key-y']);
    expect(await health()).toMatchObject({ keys: { total: 2, usable: 2 } });
  });

  it('fails fast with a single key once it was refused, and tries it again after a minute', async () => {
    await open({ apiKey: 'key-only' }, {});
    expect(await ask()).toEqual({ status: 502, attempts: 1 });
    expect(bench.attempts[0]).toMatchObject({ errorKind: 'authentication', status: 401 });
    expect(await ask()).toEqual({ status: 502, attempts: 1 });
    expect(bench.attempts[0]).toMatchObject({
      errorKind: 'authentication',
      status: undefined,
      providerCode: 'no_usable_key',
      retryAfterMs: 60_000,
    });
    expect(upstream.sent).toEqual(['key-only']);
    expect(await health()).toMatchObject({
      status: 'degraded',
      keys: { total: 1, usable: 0, refused: [1] },
    });
    upstream.setKey('key-only', 'taken');
    pass(60_000);
    expect(await ask()).toEqual({ status: 200, attempts: 1 });
    expect(await health()).toMatchObject({ status: 'up', keys: { total: 1, usable: 1, refused: [] } });
    expect(lines(/^Key /)).toEqual([
      expect.stringContaining('tried again in 60 s'),
      expect.stringContaining('Key 1 of provider "main" is back; usable: 1 of 1'),
    ]);
  });

  it('ends a request with a typed error where the callback gives no key, and shows nothing of why', async () => {
    const apiKey = (): never => {
      throw new Error('vault-secret');
    };
    await open({ apiKey }, {});
    expect(await ask()).toEqual({ status: 502, attempts: 1 });
    expect(bench.attempts[0]).toMatchObject({ errorKind: 'authentication', providerCode: 'no_key' });
    expect(upstream.sent).toEqual([]);
    const shown = [...logs.lines, JSON.stringify(await health()), JSON.stringify(bench.attempts)].join('\n');
    expect(shown).not.toContain('vault-secret');
  });

  it('does not wait for a callback that hangs longer than the request has time', async () => {
    await open({ apiKey: () => new Promise<string>(() => undefined) }, {});
    const startedAt = performance.now();
    const response = await bench.postJson(CHAT, ASK, { 'x-llm-deadline-ms': '150' });
    await response.text();
    expect(response.status).toBe(504);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    await bench.expectQuiet();
  });
});
