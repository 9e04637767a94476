import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createSandbox, type Sandbox } from 'nestjs-llm-router/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { GatewayModule } from '../sample/gateway/gateway.module.js';
import { parsePrometheusText } from './support/prometheus-text.js';
import {
  checkRules,
  findProgram,
  type FiringAlert,
  type PrometheusServer,
  startPrometheus,
} from './support/prometheus-server.js';

const shipped = (name: string): string => fileURLToPath(new URL(`../observability/${name}`, import.meta.url));
const RULES = shipped('prometheus-rules.yaml');
const prometheus = findProgram('prometheus');
const promtool = findProgram('promtool');
const PATIENCE = { timeout: 40_000, interval: 250 };

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

const dashboard = JSON.parse(readFileSync(shipped('grafana-dashboard.json'), 'utf8')) as Dashboard;
const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

/** Its variables as Grafana would fill them in. */
function filledIn(expression: string): string {
  return expression.replaceAll('$__rate_interval', '1m').replaceAll(/\$(?:surface|model|provider)\b/g, '.*');
}

/** Names of our metrics in an expression, without what a histogram adds to them. */
function metricsIn(expression: string): string[] {
  const names = expression.match(/\b(?:llm_router|gen_ai)_[a-z_]+(?=[{[ )]|$)/g) ?? [];
  const labels = new Set(['gen_ai_request_model', 'gen_ai_provider_name', 'gen_ai_token_type']);
  return names.map((name) => name.replace(/_bucket$/, '')).filter((name) => !labels.has(name));
}

describe('what is shipped for Prometheus and Grafana, over the gateway sample', () => {
  let sandbox: Sandbox;
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    sandbox = await createSandbox({ latencyScale: 0.01 });
    app = await NestFactory.create(GatewayModule.withSandbox(sandbox), {
      logger: false,
      abortOnError: false,
    });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(async () => {
    await app.close();
    await sandbox.close();
  });

  /** So many requests, a few at a time. Gives the statuses of the answers. */
  async function ask(requests: number): Promise<number[]> {
    const statuses: number[] = [];
    let left = requests;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const response = await fetch(`${url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            model: 'auto',
            messages: [{ role: 'user', content: 'What is the capital of France?' }],
          }),
        });
        await response.text();
        statuses.push(response.status);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    return statuses;
  }

  async function fail(provider: string, fault: object): Promise<void> {
    const response = await fetch(`${url}/sandbox/${provider}/fail`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(fault),
    });
    expect(response.status).toBe(201);
  }

  it('names metrics that there are', async () => {
    await ask(5);
    const { types } = parsePrometheusText(await (await fetch(`${url}/metrics`)).text());
    const rules = readFileSync(RULES, 'utf8').replaceAll(/^\s*#.*$/gm, '');
    const names = [...expressions, rules].flatMap(metricsIn);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter((name) => !types.has(name))).toEqual([]);
  });

  it('has a dashboard whose panels lie beside and below each other, each with what it needs', () => {
    const places = new Set<string>();
    for (const { title, type, gridPos, targets = [] } of dashboard.panels) {
      expect(title).not.toBe('');
      if (type !== 'row') expect(targets.length, title).toBeGreaterThan(0);
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(places.has(`${x} ${y}`), title).toBe(false);
          places.add(`${x} ${y}`);
        }
      }
    }
    const variables = dashboard.templating.list.map(({ name }) => name);
    const used = expressions.flatMap((expression) =>
      [...expression.matchAll(/\$([a-z]\w*)/g)].map(([, name = '']) => name),
    );
    expect(used.filter((name) => !variables.includes(name))).toEqual([]);
  });

  const withPromtool = promtool === undefined ? describe.skip : describe;
  withPromtool(`promtool${promtool === undefined ? ' (skipped: it is not installed)' : ''}`, () => {
    it('finds no fault with the rules', () => {
      const { ok, output } = checkRules(promtool ?? '', RULES);
      expect(ok, output).toBe(true);
    });

    it('finds no fault with the expressions of the dashboard', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'llm-router-dashboard-'));
      try {
        const file = join(folder, 'expressions.yaml');
        const rules = expressions.map((expression, index) => ({
          record: `dashboard:expression_${index}`,
          expr: filledIn(expression),
        }));
        writeFileSync(file, stringify({ groups: [{ name: 'dashboard', rules }] }));
        const { ok, output } = checkRules(promtool ?? '', file);
        expect(ok, output).toBe(true);
        expect(output).toContain(`${expressions.length} rules found`);
      } finally {
        await rm(folder, { recursive: true });
      }
    });
  });

  const withServer = prometheus === undefined ? describe.skip : describe;
  withServer(`a real Prometheus${prometheus === undefined ? ' (skipped: it is not installed)' : ''}`, () => {
    let server: PrometheusServer;

    beforeAll(async () => {
      // A counter that is there before the first scrape has a beginning.
      await ask(20);
      server = await startPrometheus(prometheus ?? '', new URL(url).host, RULES);
    });

    afterAll(() => server.close());

    const firing = async (name: string): Promise<readonly FiringAlert[]> =>
      (await server.alerts()).filter(({ state, labels }) => state === 'firing' && labels.alertname === name);
    const read = async (expression: string): Promise<number> =>
      Number((await server.query(expression))[0]?.value[1] ?? Number.NaN);

    it('scrapes what was served, raises nothing while all is well, and alerts when all providers fail', async () => {
      await expect.poll(() => read('sum(llm_router_requests_total)'), PATIENCE).toBeGreaterThanOrEqual(20);
      const statuses = await ask(400);
      expect(new Set(statuses)).toEqual(new Set([200]));
      await expect
        .poll(() => read('sum(llm_router:requests_judged:increase5m)'), PATIENCE)
        .toBeGreaterThan(300);
      expect(await server.alerts()).toEqual([]);
      const filled = await Promise.all(
        expressions.map(async (expression) => (await server.query(filledIn(expression))).length),
      );
      // Nothing of ours is empty but what has not happened: errors, caches, hedges, alerts.
      expect(filled.filter((length) => length > 0).length).toBeGreaterThan(expressions.length / 2);

      for (const provider of ['openai', 'anthropic', 'gemini', 'local']) {
        await fail(provider, { kind: 'status', status: 500 });
      }
      const failed = await ask(40);
      expect(failed.filter((status) => status >= 500).length).toBeGreaterThan(20);
      await expect.poll(async () => (await firing('LlmSurfaceErrorRate')).length, PATIENCE).toBe(1);
      const [alert] = await firing('LlmSurfaceErrorRate');
      expect(alert?.labels).toMatchObject({ surface: 'none', severity: 'critical' });
      // The router's own alerts come along, each with the scrape that first shows it.
      const own = async (): Promise<readonly string[]> =>
        (await firing('LlmRouterAlert')).map(({ labels }) => `${labels.kind} ${labels.surface}`);
      await expect.poll(own, PATIENCE).toContain('error_rate none');
    }, 120_000);
  });
});
