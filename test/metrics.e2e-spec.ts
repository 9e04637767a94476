import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { Counter, register, Registry } from 'prom-client';
import type { MetricsOptions } from 'nestjs-llm-router';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parsePrometheusText } from './support/prometheus-text.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

describe.each(PLATFORMS)('Prometheus beside the application’s own metrics on %s', (platform) => {
  let upstream: ScriptedUpstream;
  const opened: RouterApp[] = [];

  beforeEach(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
    upstream.setReply(() => ({ text: 'Yes.', usage: { promptTokens: 30, completionTokens: 2 } }));
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((app) => app.close()));
    await upstream.close();
    register.clear();
  });

  async function open(metrics: Partial<MetricsOptions> = {}, hasRoute = true): Promise<RouterApp> {
    const app = await createRouterApp({
      platform,
      options: {
        providers: { first: { api: 'openai', baseUrl: upstream.baseUrl, apiKey: 'key' } },
        models: { alpha: { provider: 'first', price: { inputPer1M: 1, outputPer1M: 10 } } },
        routingRules: { main: { primary: 'alpha' } },
        observability: { metrics },
      },
      http: { metrics: hasRoute, path: hasRoute ? 'router' : '' },
      imports: [PrometheusModule.register({ path: '/app-metrics', defaultMetrics: { enabled: false } })],
    });
    opened.push(app);
    return app;
  }

  async function ask(app: RouterApp, path = ''): Promise<void> {
    const answer = await app.postJson(`${path}/v1/chat/completions`, {
      model: 'main',
      messages: [{ role: 'user', content: 'Well?' }],
    });
    expect(answer.status).toBe(200);
    await answer.text();
  }

  async function valueOf(app: RouterApp, path: string, name: string, more: object = {}): Promise<number> {
    const { samples } = parsePrometheusText(await (await app.fetch(path)).text());
    return samples
      .filter((sample) => sample.name === name)
      .filter(({ labels }) => Object.entries(more).every(([label, value]) => labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }

  it('keeps apart by default: each route shows its own', async () => {
    const app = await open();
    new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(3);
    await ask(app, '/router');
    expect(await valueOf(app, '/router/metrics', 'llm_router_requests_total')).toBe(1);
    expect(await valueOf(app, '/router/metrics', 'jobs_total')).toBe(0);
    expect(await valueOf(app, '/app-metrics', 'jobs_total')).toBe(3);
    expect(await valueOf(app, '/app-metrics', 'llm_router_requests_total')).toBe(0);
    expect(
      await valueOf(app, '/router/metrics', 'gen_ai_client_token_usage_total', {
        gen_ai_token_type: 'input',
      }),
    ).toBe(30);
    expect(await valueOf(app, '/router/metrics', 'llm_router_cost_usd_total')).toBeCloseTo(0.00005, 12);
  });

  it('goes into the application’s registry, which both routes then show, also of two routers', async () => {
    const [app, other] = [await open({ registry: register }), await open({ registry: register })];
    new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(3);
    await ask(app, '/router');
    await ask(other, '/router');
    for (const path of ['/router/metrics', '/app-metrics']) {
      expect(await valueOf(app, path, 'llm_router_requests_total', { outcome: 'succeeded' }), path).toBe(2);
      expect(await valueOf(app, path, 'jobs_total'), path).toBe(3);
    }
  });

  it('needs no route of the router’s for that', async () => {
    const app = await open({ registry: register }, false);
    expect((await app.fetch('/metrics')).status).toBe(404);
    await ask(app);
    expect(await valueOf(app, '/app-metrics', 'llm_router_requests_total')).toBe(1);
  });

  it('answers in OpenMetrics’ format with exemplars, and refuses what is no registry', async () => {
    const app = await open({ exemplars: true });
    await ask(app, '/router');
    const answer = await app.fetch('/router/metrics');
    expect(answer.headers.get('content-type')).toContain('application/openmetrics-text');
    expect(await answer.text()).toMatch(/# EOF\n$/);
    await expect(open({ registry: {} as Registry })).rejects.toThrow(
      /observability\.metrics\.registry.*must be a Registry of prom-client/,
    );
  });
});
