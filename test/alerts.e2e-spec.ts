import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Alert, type AlertReport, type Explanation, RouterService } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';
import { LogCollector } from './support/log-collector.js';
import { parsePrometheusText } from './support/prometheus-text.js';
import { PLATFORMS } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const MESSAGES = [{ role: 'user' as const, content: 'Hello' }];
const WINDOW_MS = 10_000;
const PRICE = { inputPer1M: 1, outputPer1M: 2 };

describe.each(PLATFORMS)('alerts, on %s', (platform) => {
  let first: ScriptedUpstream;
  let second: ScriptedUpstream;
  let bench: FaultBench;
  let logger: LogCollector;

  const alertLines = (): string[] => logger.lines.filter((line) => line.includes('Alert '));

  interface Setting {
    readonly alerts?: object;
    readonly maxAttempts?: number;
  }

  async function open({ alerts = {}, maxAttempts }: Setting = {}): Promise<void> {
    logger = new LogCollector();
    bench = await createFaultBench({
      platform,
      logger,
      options: {
        providers: {
          first: { api: 'openai', baseUrl: first.baseUrl },
          second: { api: 'openai', baseUrl: second.baseUrl },
        },
        models: { alpha: { provider: 'first', price: PRICE }, beta: { provider: 'second', price: PRICE } },
        routingRules: {
          simple_queries: { primary: ['alpha', 'beta'] },
          alone: { primary: 'alpha' },
          rescued: { primary: 'alpha', fallback: 'beta' },
        },
        surfaces: { support: { latencySloMs: 1_000 }, slow: { latencySloMs: 1 } },
        alerts: { minRequests: 20, windowMs: WINDOW_MS, ...alerts },
        // A share of faults alone takes no traffic away here: all of it is to be counted.
        execution: { maxAttempts, breaker: { errorRate: 1 } },
      },
    });
  }

  async function ask(count: number, model: string, surface: string): Promise<number[]> {
    const statuses: number[] = [];
    for (let request = 0; request < count; request += 1) {
      const answer = await bench.postJson(CHAT, { model, messages: MESSAGES }, { 'x-llm-surface': surface });
      await answer.text();
      statuses.push(answer.status);
    }
    return statuses;
  }

  /** Every n-th request fails at first. */
  async function fail(nth: number, count: number, model: string): Promise<void> {
    for (let request = 1; request <= count; request += 1) {
      if (request % nth === 0) first.failNext({ kind: 'status', status: 500 });
      await ask(1, model, 'support');
    }
  }

  async function read(): Promise<AlertReport> {
    const response = await bench.fetch('/router/alerts');
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    return (await response.json()) as AlertReport;
  }

  async function gauge(): Promise<Record<string, number>> {
    const { samples } = parsePrometheusText(await (await bench.fetch('/metrics')).text());
    return Object.fromEntries(
      samples
        .filter(({ name }) => name === 'llm_router_alert_active')
        .map(({ labels, value }) => [
          [labels.kind, labels.surface, labels.deployment].filter((label) => label !== '').join(' '),
          value,
        ]),
    );
  }

  beforeAll(async () => {
    first = await createScriptedUpstream({ api: 'openai' });
    second = await createScriptedUpstream({ api: 'openai' });
  });

  afterEach(async () => {
    vi.useRealTimers();
    await Promise.all([first.heal(), second.heal()]);
    await bench.close();
  });

  afterAll(async () => {
    await Promise.all([first.close(), second.close()]);
  });

  it('raises one where a third of the calls fail, and clears it when they no longer do', async () => {
    // The wall clock alone: every timer runs on.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    await open();
    expect(await read()).toEqual({ enabled: true, active: [], recent: [], history: [] });
    const raised: Alert[] = [];
    bench.engine.bus.on('alert-raised', (alert) => raised.push(alert));

    await fail(3, 19, 'rescued');
    expect((await read()).active).toEqual([]);
    await fail(3, 1, 'rescued');
    const { active } = await read();
    // The fallback saved every request, so that the surface is well.
    expect(active).toEqual([
      {
        id: expect.stringMatching(/^alert_/) as string,
        kind: 'error_rate',
        severity: 'warning',
        subject: { deployment: 'first/alpha' },
        value: 6 / 20,
        worstValue: 6 / 20,
        threshold: 0.02,
        requests: 20,
        windowMs: WINDOW_MS,
        message: 'first/alpha: 30 % of 20 calls in 10 s failed (threshold 2 %)',
        criticalSince: null,
        since: new Date().toISOString(),
        clearedAt: null,
      },
    ]);
    expect(bench.app.get(RouterService).alerts().active).toEqual(active);
    expect(await gauge()).toEqual({ 'error_rate first/alpha': 1 });

    await fail(3, 4, 'rescued');
    expect((await read()).active).toMatchObject([{ id: active[0]?.id, requests: 24 }]);
    expect(raised).toHaveLength(1);
    expect(alertLines()).toEqual([
      expect.stringContaining('Alert raised (error_rate): first/alpha: 30 % of 20 calls in 10 s failed'),
    ]);

    vi.setSystemTime(Date.now() + WINDOW_MS);
    // A few calls that go well prove nothing: the alert has turned the others away.
    await ask(3, 'rescued', 'support');
    expect((await read()).active).toMatchObject([{ id: active[0]?.id, value: 0, requests: 3 }]);
    await ask(17, 'rescued', 'support');
    expect(await read()).toMatchObject({
      active: [],
      recent: [{ id: active[0]?.id, value: 0, requests: 20, clearedAt: new Date().toISOString() }],
    });
    expect(await gauge()).toEqual({ 'error_rate first/alpha': 0 });
    expect(alertLines()).toHaveLength(2);
    expect(alertLines()[1]).toContain('Alert cleared (error_rate): first/alpha');
  });

  it('hears of a deployment that is down, though its fallback answers and it is hardly called', async () => {
    await open();
    const before = first.requestCount;
    first.failAlways({ kind: 'status', status: 500 });
    expect(await ask(20, 'rescued', 'support')).toEqual(Array(20).fill(200));
    expect(first.requestCount - before).toBeLessThan(20);
    // Which of them is seen first is up to the clock.
    const { active } = await read();
    expect(active.toSorted((one, other) => one.kind.localeCompare(other.kind))).toMatchObject([
      { kind: 'breaker_open', severity: 'warning', subject: { deployment: 'first/alpha' } },
      { kind: 'error_rate', severity: 'critical', subject: { deployment: 'first/alpha' }, value: 1 },
    ]);
  });

  it.each([false, true])(
    "takes a client's own short deadline for no failure of anybody, and the application's for one (stream: %s)",
    async (stream) => {
      await open();
      await ask(1, 'alone', 'support');
      first.failAlways({ kind: 'stalled' });
      const body = { model: 'alone', stream, messages: MESSAGES };
      const headers = { 'x-llm-surface': 'support', 'x-llm-deadline-ms': '20' };
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => bench.postJson(CHAT, body, headers)),
      );
      for (const answer of answers) {
        expect(answer.status).toBe(504);
        expect(await answer.json()).toMatchObject({ error: { code: 'deadline_exceeded' } });
      }
      expect((await read()).active).toEqual([]);
      const kpis = (await (await bench.fetch('/router/kpis')).json()) as { total: object };
      expect(kpis.total).toMatchObject({ requests: 21, timeouts: 0, clientLeft: 20 });

      const router = bench.app.get(RouterService);
      const own = { surface: 'support', deadlineMs: 20 };
      const ended = await Promise.allSettled(
        Array.from({ length: 20 }, () => router.chat({ model: 'alone', messages: MESSAGES }, own)),
      );
      expect(ended.map(({ status }) => status)).toEqual(Array(20).fill('rejected'));
      expect((await read()).active).toMatchObject([
        { kind: 'error_rate', severity: 'critical', subject: { surface: 'support' }, value: 20 / 21 },
      ]);
    },
  );

  it('needs nobody who looks: the log has it within a second', async () => {
    await open({ maxAttempts: 1 });
    const raised = new Promise<Alert>((resolve) => bench.engine.bus.on('alert-raised', resolve));
    await fail(2, 20, 'alone');
    await raised;
    expect(alertLines().join()).toContain('Alert raised (error_rate): first/alpha: 50 % of 20 calls');
  });

  it('ranks a deployment in alert down, and leaves it in; explain shows it', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    await open({ maxAttempts: 1 });
    const explain = async (): Promise<Explanation['plan']['attempts']> => {
      const answer = await bench.postJson('/router/explain', { model: 'simple_queries', messages: MESSAGES });
      return ((await answer.json()) as Explanation).plan.attempts;
    };
    // Enough failures over minutes to alert, yet few of the last calls: the short memory has nothing against it.
    await fail(2, 20, 'alone');
    await ask(90, 'alone', 'support');
    expect((await read()).active.map(({ subject }) => subject)).toContainEqual({ deployment: 'first/alpha' });
    await ask(20, 'simple_queries', 'support');
    for (let round = 0; round < 20; round += 1) {
      const attempts = await explain();
      expect(attempts.map(({ model, terms }) => [model, terms.alert])).toEqual([
        ['beta', 0],
        ['alpha', 1],
      ]);
      expect(attempts.map(({ deferred }) => deferred)).toEqual([null, null]);
    }
    const before = first.requestCount;
    expect(await ask(10, 'simple_queries', 'support')).toEqual(Array(10).fill(200));
    expect(first.requestCount).toBe(before);

    vi.setSystemTime(Date.now() + WINDOW_MS);
    await read();
    expect((await explain()).map(({ terms }) => terms.alert)).toEqual([0, 0]);
  });

  it('alerts of a surface whose requests fail, or come later than its SLO', async () => {
    await open({ maxAttempts: 1 });
    first.setLatency({ timeToFirstTokenMs: 5, tokensPerSecond: Infinity });
    await ask(20, 'alone', 'slow');
    first.setLatency({ timeToFirstTokenMs: 0, tokensPerSecond: Infinity });
    const [late, ...others] = (await read()).active;
    expect(others).toEqual([]);
    expect(late).toMatchObject({
      kind: 'latency_slo',
      subject: { surface: 'slow' },
      threshold: 1,
      requests: 20,
    });
    expect(late?.value).toBeGreaterThan(1);

    await fail(2, 20, 'alone');
    expect((await read()).active).toContainEqual(
      expect.objectContaining({ kind: 'error_rate', subject: { surface: 'support' }, value: 0.5 }),
    );
    expect(await gauge()).toEqual({
      'latency_slo slow': 1,
      'error_rate first/alpha': 1,
      'error_rate support': 1,
    });
  });

  it('says nothing of few requests, or of callers who are at fault themselves', async () => {
    await open({ maxAttempts: 1 });
    await fail(2, 19, 'alone');
    for (let request = 0; request < 30; request += 1) {
      expect((await bench.postJson(CHAT, { model: 'alone', messages: 'nonsense' })).status).toBe(400);
    }
    expect((await read()).active).toEqual([]);
  });

  it('can be switched off', async () => {
    await open({ alerts: { enabled: false }, maxAttempts: 1 });
    await fail(2, 20, 'alone');
    expect(await read()).toEqual({ enabled: false, active: [], recent: [], history: [] });
  });
});
