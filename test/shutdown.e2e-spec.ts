import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import {
  checkLlmRouterOptions,
  ConfigurationError,
  type LlmRouterOptions,
  RouterService,
} from 'nestjs-llm-router';
import {
  createFaultBench,
  expectInterrupted,
  type FaultBench,
  readStream,
  whenBegun,
} from './support/fault-bench.js';
import { HeldUpstream } from './support/held-upstream.js';
import { LogCollector } from './support/log-collector.js';
import { PLATFORMS } from './support/router-app.js';

const ASK = { model: 'auto', messages: [{ role: 'user' as const, content: 'hello' }] };

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function optionsOver(
  baseUrl: string,
  shutdown: NonNullable<LlmRouterOptions['shutdown']> = {},
): LlmRouterOptions {
  return {
    providers: { one: { api: 'openai', baseUrl, apiKey: 'k' } },
    routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
    shutdown,
  };
}

describe('shutdown.graceMs', () => {
  const check = (graceMs: unknown): unknown =>
    checkLlmRouterOptions(optionsOver('http://127.0.0.1:1/v1', { graceMs } as LlmRouterOptions['shutdown']));

  it.each([-1, 600_001, 1.5, '10s', null])('is refused where it is %j', (graceMs) => {
    expect(() => check(graceMs)).toThrow(ConfigurationError);
    expect(() => check(graceMs)).toThrow(/shutdown\.graceMs/);
  });

  it.each([0, 600_000])('may be %d', (graceMs) => {
    expect(() => check(graceMs)).not.toThrow();
  });
});

describe.each(PLATFORMS)('an application that stops, on %s', (platform) => {
  interface Stopping extends FaultBench {
    readonly upstream: HeldUpstream;
    readonly logs: LogCollector;
    readonly whole: Promise<Response>[];
    readonly streams: ReturnType<typeof readStream>[];
  }

  /** With two whole requests and two streams under way, the streams begun. */
  async function busy(graceMs?: number): Promise<Stopping> {
    const upstream = await HeldUpstream.start();
    closing.push(() => upstream.close());
    const logs = new LogCollector();
    const bench = await createFaultBench({
      platform,
      options: optionsOver(upstream.baseUrl, graceMs === undefined ? {} : { graceMs }),
      logger: logs,
    });
    closing.push(() => bench.close());
    const begun = whenBegun(bench.engine, 2);
    const whole = [1, 2].map(() => bench.postJson('/v1/chat/completions', ASK));
    const streams = [1, 2].map(() => readStream(bench.url, ASK));
    await upstream.whenWaiting(4);
    await begun;
    return { ...bench, upstream, logs, whole, streams };
  }

  async function expectNothingLeft({ app, engine, upstream, requests }: Stopping): Promise<void> {
    expect(engine.pipeline.inFlight).toBe(0);
    expect(requests).toHaveLength(5);
    await Promise.all([...upstream.sockets].map((socket) => once(socket, 'close')));
    const server = app.getHttpServer() as {
      listening: boolean;
      getConnections(then: (error: unknown, count: number) => void): void;
    };
    expect(server.listening).toBe(false);
    expect(
      await new Promise((resolve) => {
        server.getConnections((_error, count) => {
          resolve(count);
        });
      }),
    ).toBe(0);
  }

  it('is not ready and takes nothing new at once, and lets what runs end', async () => {
    const stopping = await busy();
    const { app, fetch, postJson, logs, upstream, whole, streams, requests } = stopping;
    expect((await fetch('/health/ready')).status).toBe(200);
    const closed = app.close();
    await logs.whenLines(/^Shutting down: waiting up to 10 s for 4 requests/, 1);
    expect((await fetch('/health/ready')).status).toBe(503);
    expect((await fetch('/health/live')).status).toBe(200);
    const refused = await postJson('/v1/chat/completions', ASK);
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ error: { code: 'overloaded' } });

    upstream.finishAll();
    for (const answer of await Promise.all(whole)) {
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ choices: [{ message: { content: 'held and let go' } }] });
    }
    for (const { text, error, raw } of await Promise.all(streams)) {
      expect(error).toBeUndefined();
      expect(text).toBe('held and let go');
      expect(raw).toContain('[DONE]');
    }
    await closed;
    expect(requests.map(({ outcome }) => outcome).sort()).toEqual([
      'shed',
      ...Array<string>(4).fill('succeeded'),
    ]);
    await expectNothingLeft(stopping);
  });

  it('ends what does not end by itself: streams by an error event, whole requests by a 503', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const stopping = await busy(200);
    const { app, logs, postJson, whole, streams } = stopping;
    const closed = app.close();
    await logs.whenLines(/^Shutting down: waiting up to 0\.2 s/, 1);
    expect((await postJson('/v1/chat/completions', ASK)).status).toBe(503);
    for (const read of await Promise.all(streams)) expectInterrupted(read);
    for (const answer of await Promise.all(whole)) {
      expect(answer.status).toBe(503);
      expect(answer.headers.has('retry-after')).toBe(true);
      expect(await answer.json()).toMatchObject({ error: { code: 'overloaded' } });
    }
    await closed;
    await expectNothingLeft(stopping);
    expect(timers()).toBeLessThanOrEqual(before);
  });

  it('grants the time that the configuration of that moment grants', async () => {
    const { app, logs, whole, streams, upstream } = await busy(600_000);
    await app.get(RouterService).reconfigure(optionsOver(upstream.baseUrl, { graceMs: 0 }));
    const closed = app.close();
    for (const read of await Promise.all(streams)) expectInterrupted(read);
    for (const { status } of await Promise.all(whole)) expect(status).toBe(503);
    await closed;
    expect(logs.warnings).toContainEqual(expect.stringContaining('ended 4 requests not finished in 0 s'));
  });
});
