import type { KpiFigures, KpiRow, KpiWindowReport } from 'nestjs-llm-router';
import { RouterService } from 'nestjs-llm-router';
import { afterEach, describe, expect, it } from 'vitest';
import { PLATFORMS } from './support/router-app.js';
import { createScene, type Scene } from './support/scene.js';

const USAGE = { promptTokens: 1_000, completionTokens: 100 };
/** 1,000 tokens at 1 dollar, 100 at 10 dollars a million. */
const CALL_USD = 0.002;
const PRICE = { inputPer1M: 1, outputPer1M: 10 };

describe.each(PLATFORMS)('KPIs of a window on %s', (platform) => {
  let scene: Scene<'first' | 'second'>;

  afterEach(() => scene.close());

  async function read(query: string): Promise<KpiWindowReport> {
    const response = await scene.fetch(`/router/kpis?${query}`);
    expect(response.status, query).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    return (await response.json()) as KpiWindowReport;
  }

  function row({ rows }: KpiWindowReport, where: object): KpiRow | undefined {
    return rows.find((each) =>
      Object.entries(where).every(([name, value]) => each[name as 'model'] === value),
    );
  }

  it('are what was sent: a fault, a stream, a client that left, and one refused', async () => {
    scene = await createScene({
      platform,
      upstreams: { first: { api: 'openai' }, second: { api: 'openai' } },
      models: {
        first: { provider: 'first', price: PRICE },
        second: { provider: 'second', price: PRICE },
      },
      options: {
        routingRules: { main: { primary: 'first', fallback: 'second' } },
        surfaces: { support: {} },
        execution: { hedge: { enabled: false } },
      },
    });
    const { first, second } = scene.upstreams;
    for (const upstream of [first, second]) {
      upstream.setReply(() => ({ text: 'one two three four', usage: USAGE }));
    }
    const headers = { 'x-llm-surface': 'support' };
    expect((await scene.ask('main')).status).toBe(200);
    first.failNext({ kind: 'status', status: 500 });
    expect((await scene.ask('main', { headers })).status).toBe(200);
    expect((await scene.ask('main', { headers, stream: true })).status).toBe(200);
    expect((await scene.ask('no-such-model')).status).toBe(404);

    first.failNext({ kind: 'stalled', after: 'first_token' });
    const hasLeft = new Promise<void>((resolve) => {
      scene.engine.bus.on('request-ended', ({ outcome }) => {
        if (outcome === 'client_left') resolve();
      });
    });
    const leave = new AbortController();
    const stalled = await scene.fetch('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'main', messages: [{ role: 'user', content: 'Hi' }], stream: true }),
      signal: leave.signal,
    });
    await stalled.body!.getReader().read();
    const { total: meanwhile } = await read('window=1m');
    expect(meanwhile).toMatchObject({ requests: 4, clientLeft: 0, inFlight: 1 });
    leave.abort();
    await hasLeft;

    const bySurface = await read('window=5m&by=surface,model');
    const left = scene.attempts.find(({ outcome }) => outcome === 'client_left')!;
    const spentUsd = 3 * CALL_USD + left.costUsd;
    expect(bySurface.total).toMatchObject({
      requests: 5,
      succeeded: 3,
      errors: 0,
      clientLeft: 1,
      rejected: 1,
      errorRate: 0,
      errorsByCode: { model_not_found: 1 },
      fallbackRate: 0.2,
      inFlight: 0,
      queueDepth: 0,
      quality: { score: 1, evaluations: 3, feedback: 0, faults: {} },
    });
    // The status 500 is tried again nowhere but at the second.
    expect(bySurface.total.attempts).toMatchObject({
      total: 5,
      succeeded: 3,
      errors: 1,
      clientLeft: 1,
      errorsByKind: { server_error: 1 },
      errorRate: 0.25,
    });
    expect(bySurface.total.costUsd).toBeCloseTo(spentUsd, 8);
    expect(bySurface.total.latencyMs?.count).toBe(3);
    expect(bySurface.total.timeToFirstTokenMs?.count).toBe(1);
    expect(bySurface.total.attempts.timePerOutputTokenMs?.count).toBe(1);
    expect(row(bySurface, { surface: 'support', model: 'second' })).toMatchObject({
      requests: 1,
      fallbackRate: 1,
      tokens: USAGE,
      costUsd: CALL_USD,
    });
    expect(row(bySurface, { surface: 'none', model: 'none' })).toMatchObject({
      requests: 1,
      rejected: 1,
      costUsd: 0,
    });
    const streamed = scene.requests.find(({ streamed: is, outcome }) => is && outcome === 'succeeded')!;
    const p50 = bySurface.total.timeToFirstTokenMs?.p50 ?? 0;
    expect(Math.abs(p50 / streamed.timeToFirstTokenMs! - 1)).toBeLessThan(0.01);

    for (const by of ['surface', 'provider', 'model', 'deployment', 'tier', 'class', 'tenant', 'workload']) {
      const { rows, total } = await read(`window=1h&by=${by}`);
      const sum = (of: (figures: KpiFigures) => number): number =>
        rows.reduce((all, each) => all + of(each), 0);
      expect(
        sum(({ requests }) => requests),
        by,
      ).toBe(total.requests);
      expect(
        sum(({ attempts }) => attempts.total),
        by,
      ).toBe(total.attempts.total);
      expect(
        sum(({ costUsd }) => costUsd),
        by,
      ).toBeCloseTo(total.costUsd, 8);
    }
    const { series } = await read('window=5m&by=provider&step=10s');
    const ofFirst = series!.find(({ provider }) => provider === 'first')!;
    expect(ofFirst.points.reduce((all, { attemptErrors }) => all + attemptErrors, 0)).toBe(1);
    const fromCode = scene.app.get(RouterService).kpis({ window: 'start', by: ['model'] });
    expect(fromCode.total).toMatchObject({ requests: 5, succeeded: 3 });

    for (const [query, allowed] of [
      ['window=2h', '1m, 5m, 1h, 24h, start'],
      ['window=5m&by=surface,model,tier', 'at most 2'],
      ['window=5m&by=user', 'surface, provider, model, deployment, tier, class, tenant, workload'],
      ['window=5m&by=surface&by=model&by=tier', 'at most 2'],
      ['window=24h&step=10s', '15m'],
      ['by=tier', 'window'],
    ] as const) {
      const refused = await scene.fetch(`/router/kpis?${query}`);
      expect(refused.status, query).toBe(400);
      expect(await refused.text(), query).toContain(allowed);
    }
  });
});
