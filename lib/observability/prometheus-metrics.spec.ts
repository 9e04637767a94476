import { readFileSync } from 'node:fs';
import { AggregatorRegistry, Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { NO_USAGE } from '../chat/index.js';
import { type Alert, TelemetryBus } from '../telemetry/index.js';
import { attempt, request } from './kpi-records.spec-support.js';
import { KpiStore } from './kpi-store.js';
import { type MetricsSettings, PrometheusMetrics } from './prometheus-metrics.js';
import { ROUTER_VERSION } from './prometheus-version.js';
import { SavingsStore } from './savings-store.js';

const PRICE = { inputPer1M: 1, outputPer1M: 1, cachedInputPer1M: 1, cacheWritePer1M: 1 };

function metricsOf(
  bus: TelemetryBus,
  settings?: MetricsSettings,
  kpis = new KpiStore(bus),
): PrometheusMetrics {
  const savings = new SavingsStore(bus, {
    baseline: { model: 'gpt-4', price: PRICE },
    models: new Map(),
  });
  return new PrometheusMetrics(
    bus,
    {
      kpis,
      savings: () => savings.report(),
      budgets: () => ({
        timezone: 'UTC',
        budgets: [
          {
            scope: 'tenant',
            name: 'acme',
            per: 'day',
            onExceeded: 'reject',
            limitUsd: 10,
            spentUsd: 2.5,
            reservedUsd: 0.5,
            availableUsd: 7,
            since: '',
            resetsAt: '',
          },
        ],
      }),
      breakers: () => [
        { deployment: 'openai/gpt-4', model: 'gpt-4', provider: 'openai', state: 'open' },
        { deployment: 'azure/gpt-4', model: 'gpt-4', provider: 'azure', state: 'ramping' },
        { deployment: 'other/gpt-4', model: 'gpt-4', provider: 'other', state: 'closed' },
      ],
      tenants: () => new Set(['acme']),
      policyHash: () => 'hash',
    },
    settings,
  );
}

describe('PrometheusMetrics', () => {
  it('tells what happened, in text', async () => {
    const bus = new TelemetryBus();
    const { registry } = metricsOf(bus);
    const started = {
      deployment: 'openai/gpt-4',
      model: 'gpt-4',
      provider: 'openai',
      decisionId: 'd',
      attempt: 1,
      startedAtMs: 0,
      streamed: true,
    };
    for (let index = 0; index < 4; index += 1) bus.emit('attempt-started', started);
    bus.emit('attempt-ended', attempt());
    bus.emit(
      'attempt-ended',
      attempt({
        outcome: 'timed_out',
        errorKind: 'timeout',
        usage: NO_USAGE,
        costUsd: 0,
        timeToFirstTokenMs: undefined,
      }),
    );
    bus.emit('attempt-ended', attempt({ outcome: 'client_left', costUsd: 0.002 }));
    bus.emit('request-ended', request());
    bus.emit('request-ended', request({ outcome: 'client_left' }));
    const lines = (await registry.metrics()).split('\n');
    const of = 'gen_ai_request_model="gpt-4",gen_ai_provider_name="openai"';
    const asked = 'surface="support",request_class="simple_queries"';
    expect(lines).toEqual(
      expect.arrayContaining([
        `llm_router_requests_total{${asked},workload="interactive",outcome="succeeded"} 1`,
        `llm_router_requests_total{${asked},workload="interactive",outcome="client_left"} 1`,
        // None, which is told, so that the first ones are an increase.
        `llm_router_requests_total{${asked},workload="interactive",outcome="failed"} 0`,
        `llm_router_attempts_total{${of},tier="primary",outcome="succeeded",error_type=""} 1`,
        `llm_router_attempts_total{${of},tier="primary",outcome="timed_out",error_type="timeout"} 1`,
        `llm_router_attempts_in_flight{${of}} 1`,
        `gen_ai_server_request_duration_seconds_count{${of}} 1`,
        `gen_ai_server_request_duration_seconds_bucket{le="1",${of}} 1`,
        `gen_ai_server_request_duration_seconds_bucket{le="0.5",${of}} 0`,
        `gen_ai_server_time_to_first_token_seconds_count{${of}} 1`,
        `gen_ai_client_operation_duration_seconds_count{${asked}} 1`,
        `gen_ai_client_time_to_first_token_seconds_count{${asked}} 1`,
        `gen_ai_client_token_usage_total{${of},gen_ai_token_type="input"} 200`,
        `gen_ai_client_token_usage_total{${of},gen_ai_token_type="cached_input"} 80`,
        `gen_ai_client_token_usage_total{${of},gen_ai_token_type="reasoning"} 10`,
        `llm_router_cost_usd_total{${of},surface="support"} 0.012`,
      ]),
    );
    // Every metric says what it is, and none carries an id.
    const named = new Set(
      lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.split(' ')[2]),
    );
    expect(named.size).toBe(34);
    expect(lines.filter((line) => line.startsWith('# HELP ')).length).toBe(named.size);
    expect(lines.join('\n')).not.toContain('dec_1');
  });

  it('shows what else there is: money, breakers, quality, fallbacks, hedges, sheds, tenants', async () => {
    const bus = new TelemetryBus();
    const kpis = new KpiStore(bus);
    kpis.tenantTotals.follow(new Set(['acme']));
    const { registry } = metricsOf(bus, undefined, kpis);
    bus.emit('attempt-ended', attempt({ tenant: 'acme', hedge: true }));
    bus.emit('attempt-ended', attempt({ tenant: 'made-up' }));
    bus.emit('request-ended', request({ tenant: 'acme', fellBack: true, hedged: true }));
    bus.emit('request-ended', request({ tenant: 'made-up', outcome: 'shed', errorCode: 'overloaded' }));
    bus.emit('queue-changed', { deployment: 'openai/gpt-4', model: 'gpt-4', provider: 'openai', queued: 3 });
    bus.emit('request-started', { ...request(), startedAtMs: 0 });
    bus.emit('answer-evaluated', { ...request(), ...attempt(), score: 0.5, faults: ['empty', 'cut_off'] });
    bus.emit('feedback-given', { ...request(), ...attempt(), score: 1 });
    const of = 'gen_ai_request_model="gpt-4",gen_ai_provider_name="openai"';
    const asked = 'surface="support",request_class="simple_queries"';
    const text = await registry.metrics();
    expect(text.split('\n')).toEqual(
      expect.arrayContaining([
        // 800 ms for the 19 tokens after the first.
        `gen_ai_server_time_per_output_token_seconds_bucket{le="0.05",${of}} 2`,
        `gen_ai_server_time_per_output_token_seconds_bucket{le="0.025",${of}} 0`,
        `llm_router_fallbacks_total{${asked}} 1`,
        `llm_router_sheds_total{${asked}} 1`,
        `llm_router_request_errors_total{${asked},code="overloaded"} 1`,
        `llm_router_hedges_total{${of}} 1`,
        `llm_router_queue_depth{${of}} 3`,
        'llm_router_requests_in_flight 1',
        `llm_router_breaker_state{${of}} 3`,
        'llm_router_breaker_state{gen_ai_request_model="gpt-4",gen_ai_provider_name="azure"} 1',
        `llm_router_quality_score{${of},${asked}} 0.75`,
        `llm_router_quality_scores_total{${of},${asked}} 1.5`,
        `llm_router_quality_samples_total{${of},${asked}} 2`,
        `llm_router_answer_faults_total{${of},fault="empty"} 1`,
        'llm_router_tenant_requests_total{tenant="acme",outcome="succeeded"} 1',
        'llm_router_tenant_requests_total{tenant="other",outcome="shed"} 1',
        'llm_router_tenant_cost_usd_total{tenant="acme"} 0.01',
        'llm_router_saved_usd{surface="support"} -0.01976',
        'llm_router_baseline_cost_usd_total{surface="support"} 0.00024',
        'llm_router_budget_spent_usd{scope="tenant",name="acme",per="day"} 2.5',
        'llm_router_budget_limit_usd{scope="tenant",name="acme",per="day"} 10',
        `llm_router_build_info{version="${ROUTER_VERSION}",policy_hash="hash"} 1`,
      ]),
    );
    expect(text).not.toMatch(/made-up|name="other"/);
  });

  it('has no counter that goes down: another word on an answer, a tenant that loses its name, a reload', async () => {
    const bus = new TelemetryBus();
    const kpis = new KpiStore(bus, { tenants: 1 });
    kpis.tenantTotals.follow(new Set(['acme', 'beta']));
    const { registry } = metricsOf(bus, undefined, kpis);
    const shown = new Map<string, number>();
    const look = async (): Promise<void> => {
      const now = new Map<string, number>();
      let isCounter = false;
      for (const line of (await registry.metrics()).split('\n')) {
        if (line.startsWith('# TYPE')) isCounter = /(counter|histogram)$/.test(line);
        else if (isCounter && line !== '' && !line.startsWith('#')) {
          now.set(line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1)));
        }
      }
      for (const [series, value] of shown) {
        expect(now.get(series) ?? -1, series).toBeGreaterThanOrEqual(value);
      }
      for (const [series, value] of now) shown.set(series, value);
    };
    const told = { ...request(), ...attempt() };
    for (const decisionId of ['a', 'b']) bus.emit('feedback-given', { ...told, decisionId, score: 1 });
    await look();
    bus.emit('feedback-given', { ...told, decisionId: 'a', score: 0, replaces: { score: 1, atMs: 0 } });
    await look();
    const asks = (tenant: string, costUsd: number): void => {
      bus.emit('attempt-ended', attempt({ tenant, costUsd, durationMs: costUsd * 1e3 }));
      bus.emit('request-ended', request({ tenant }));
    };
    for (const costUsd of [0.1, 0.2, 0.3]) for (const tenant of ['acme', 'c', 'd']) asks(tenant, costUsd);
    await look();
    for (let index = 0; index < 50; index += 1) asks('beta', 0.7 / (index + 3));
    await look();
    for (let index = 0; index < 200; index += 1) asks('stranger', 0.1);
    await look();
    expect([...kpis.lifetime()].map(({ key }) => key.tenant)).not.toContain('acme');
    expect(shown.get('llm_router_tenant_requests_total{tenant="acme",outcome="succeeded"}')).toBe(3);
    expect(shown.get('llm_router_tenant_requests_total{tenant="beta",outcome="succeeded"}')).toBe(50);
    expect(shown.get('llm_router_tenant_requests_total{tenant="other",outcome="succeeded"}')).toBe(206);
    kpis.tenantTotals.follow(new Set(['stranger']));
    asks('stranger', 1);
    asks('beta', 1);
    await look();
    expect(shown.get('llm_router_tenant_requests_total{tenant="stranger",outcome="succeeded"}')).toBe(1);
    expect(shown.get('llm_router_tenant_requests_total{tenant="other",outcome="succeeded"}')).toBe(207);
  });

  it('counts exactly at each bound of a bucket, and before anybody asked', async () => {
    const bus = new TelemetryBus();
    const kpis = new KpiStore(bus);
    for (const durationMs of [9, 10, 11, 120_000, 120_001])
      bus.emit('request-ended', request({ durationMs }));
    const text = await metricsOf(bus, undefined, kpis).registry.metrics();
    const count = (le: string): string | undefined =>
      new RegExp(`operation_duration_seconds_bucket\\{le="${le}"[^}]*\\} (\\d+)`).exec(text)?.[1];
    expect(['0.01', '0.05', '60', '120', '\\+Inf'].map(count)).toEqual(['2', '3', '3', '4', '5']);
    expect(text).toMatch(/operation_duration_seconds_sum\{[^}]*\} 240\.031/);
  });

  it('shares the application’s registry with what is there and with other routers, and leaves it', async () => {
    const registry = new Registry();
    const own = new Counter({ name: 'jobs_total', help: 'Jobs.', registers: [registry] });
    own.inc(7);
    const buses = [new TelemetryBus(), new TelemetryBus()] as const;
    const [first, second] = [
      metricsOf(buses[0], { exemplars: false, registry }),
      metricsOf(buses[1], { exemplars: false, registry }),
    ];
    for (const bus of buses) bus.emit('request-ended', request());
    const asked =
      'surface="support",request_class="simple_queries",workload="interactive",outcome="succeeded"';
    expect(await registry.metrics()).toContain(`llm_router_requests_total{${asked}} 2\n`);
    first.close();
    expect(await registry.metrics()).toContain(`llm_router_requests_total{${asked}} 1\n`);
    first.follow({ exemplars: true, registry });
    expect(await registry.metrics()).toContain(`llm_router_requests_total{${asked}} 2\n`);
    for (const metrics of [first, second]) metrics.close();
    expect((await registry.metrics()).trim().split('\n')).toEqual([
      '# HELP jobs_total Jobs.',
      '# TYPE jobs_total counter',
      'jobs_total 7',
    ]);
  });

  it('joins what is no count by its highest, in one registry and over worker processes', async () => {
    const registry = new Registry();
    const alert: Alert = {
      ...{ id: 'alert_1', kind: 'error_rate', severity: 'warning', subject: { budget: 'b', model: 'm' } },
      ...{ value: 1, worstValue: 1, threshold: 0, requests: 1, windowMs: 1, message: '', since: '' },
      ...{ criticalSince: null, clearedAt: null },
    };
    for (let router = 0; router < 2; router += 1) {
      const bus = new TelemetryBus();
      metricsOf(bus, { exemplars: false, registry });
      bus.emit('alert-raised', alert);
      bus.emit('request-ended', request());
      bus.emit('request-started', request());
    }
    const workers = [await registry.getMetricsAsJSON(), await registry.getMetricsAsJSON()];
    const cluster = AggregatorRegistry.aggregate(workers);
    const value = async (of: { metrics(): Promise<string> }, name: string): Promise<number> =>
      Number(new RegExp(`^${name}(?:\\{.*\\})? (.+)$`, 'm').exec(await of.metrics())?.[1]);
    for (const [name, inRegistry, overWorkers] of [
      ['llm_router_alert_active', 1, 1],
      ['llm_router_build_info', 1, 1],
      ['llm_router_breaker_state', 3, 3],
      ['llm_router_budget_limit_usd', 10, 10],
      ['llm_router_requests_in_flight', 2, 4],
      ['llm_router_requests_total', 2, 4],
    ] as const) {
      expect(await value(registry, name), name).toBe(inRegistry);
      expect(await value(cluster, name), name).toBe(overWorkers);
    }
  });

  it('refuses a registry that has another metric of its name, and leaves nothing there', () => {
    const registry = new Registry();
    const taken = new Counter({ name: 'llm_router_sheds_total', help: 'Mine.', registers: [registry] });
    expect(() => metricsOf(new TelemetryBus(), { exemplars: false, registry })).toThrow(
      /llm_router_sheds_total that is not the router's/,
    );
    expect(registry.getMetricsAsArray()).toEqual([taken]);
  });

  it('stays where it is when a reload names a registry that has another metric of its name', async () => {
    const bus = new TelemetryBus();
    const registry = new Registry();
    const metrics = metricsOf(bus, { exemplars: false, registry });
    bus.emit('request-ended', request());
    const taken = new Registry();
    new Counter({ name: 'llm_router_sheds_total', help: 'Mine.', registers: [taken] });
    for (let reload = 0; reload < 2; reload += 1) {
      expect(() => {
        metrics.follow({ exemplars: false, registry: taken });
      }).toThrow(/llm_router_sheds_total that is not the router's/);
      expect(metrics.registry).toBe(registry);
      expect(await registry.metrics()).toContain('llm_router_requests_total{');
      expect(taken.getMetricsAsArray()).toHaveLength(1);
    }
    // The application's has the format that it has.
    metrics.follow({ exemplars: true, registry });
    expect(await registry.metrics()).toContain('llm_router_requests_total{');
    const other = new Registry();
    metrics.follow({ exemplars: false, registry: other });
    expect(metrics.registry).toBe(other);
    expect(await other.metrics()).toContain('llm_router_requests_total{');
    expect(registry.getMetricsAsArray()).toEqual([]);
    metrics.close();
    expect(other.getMetricsAsArray()).toEqual([]);
  });

  it('has a registry of its own otherwise, with exemplars in OpenMetrics’ format where they are on', async () => {
    const bus = new TelemetryBus();
    const kpis = new KpiStore(bus, { now: () => 1_700_000_000_000 });
    kpis.traceIdOf = (decisionId) => (decisionId === 'dec_1' ? 'abc' : undefined);
    const metrics = metricsOf(bus, { exemplars: true }, kpis);
    bus.emit('attempt-ended', attempt({ durationMs: 1_250 }));
    bus.emit('attempt-ended', attempt({ durationMs: 4_000, decisionId: 'dec_2' }));
    const text = await metrics.registry.metrics();
    const of = 'gen_ai_request_model="gpt-4",gen_ai_provider_name="openai"';
    expect(metrics.registry.contentType).toContain('application/openmetrics-text');
    expect(text).toContain(
      `gen_ai_server_request_duration_seconds_bucket{le="1.5",${of}} 1 # {trace_id="abc"} 1.25 1700000000`,
    );
    expect(text).toContain(`gen_ai_server_request_duration_seconds_bucket{le="5",${of}} 2\n`);
    expect(text).toContain(`llm_router_attempts_total{${of},tier="primary"`);
    expect(text).toContain('# TYPE llm_router_attempts counter');
    metrics.follow({ exemplars: false });
    expect(await metrics.registry.metrics()).toContain('# TYPE llm_router_attempts_total counter');
    expect(metricsOf(bus).registry).not.toBe(metrics.registry);
  });

  it('names the version of the package', () => {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    expect((JSON.parse(text) as { version: string }).version).toBe(ROUTER_VERSION);
  });
});
