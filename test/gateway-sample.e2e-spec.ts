import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, type Sandbox } from 'nestjs-llm-router/testing';
import { GatewayModule } from '../sample/gateway/gateway.module.js';
import { guide } from '../sample/gateway/guide.js';
import { readSettings } from '../sample/gateway/settings.js';
import { LogCollector } from './support/log-collector.js';

/** Does what a shell would do with a pasted line; a machine with Node alone may have no curl. */
async function paste(line: string): Promise<Response> {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
  const [command, ...rest] = words;
  expect(command).toBe('curl');
  const url = rest.find((word) => word.startsWith('http://')) ?? '';
  const valueOf = (flag: string): string | undefined => {
    const position = rest.indexOf(flag);
    return position < 0 ? undefined : rest[position + 1];
  };
  const body = valueOf('-d');
  const [name = '', value = ''] = (valueOf('-H') ?? 'accept: */*').split(': ');
  return fetch(url, { method: body === undefined ? 'GET' : 'POST', headers: { [name]: value }, body });
}

describe('the gateway sample', () => {
  let sandbox: Sandbox;
  let app: INestApplication;
  let lines: string[];

  beforeAll(async () => {
    sandbox = await createSandbox({ latencyScale: 0.02 });
    app = await NestFactory.create(GatewayModule.withSandbox(sandbox), {
      logger: false,
      abortOnError: false,
    });
    await app.listen(0, '127.0.0.1');
    lines = guide(await app.getUrl(), true, false)
      .split('\n')
      .filter((line) => line.startsWith('curl'));
  });

  afterAll(async () => {
    await app.close();
    await sandbox.close();
  });

  it('prints lines that work when pasted, in their order', async () => {
    const answers: { path: string; response: Response; text: string }[] = [];
    for (const line of lines) {
      const response = await paste(line);
      answers.push({ path: new URL(response.url).pathname, response, text: await response.text() });
    }
    expect(answers.map(({ path }) => path)).toEqual([
      '/v1/chat/completions',
      '/v1/chat/completions',
      '/v1/chat/completions',
      '/router/explain',
      '/sandbox/openai/fail',
      '/v1/chat/completions',
      '/health',
      '/sandbox/openai/heal',
      '/v1/chat/completions',
      '/router/decisions',
      '/router/kpis',
      '/health',
      '/router/kpis',
      '/router/savings',
      '/router/alerts',
      '/metrics',
    ]);
    for (const { response } of answers) expect(response.ok).toBe(true);
    const [
      simple,
      hard,
      stream,
      explain,
      ,
      fallback,
      degraded,
      ,
      healed,
      decisions,
      now,
      health,
      ...figures
    ] = answers;
    const [kpis, savings, alerts, metrics] = figures;
    expect(simple?.response.headers.get('x-llm-class')).toBe('simple_queries');
    expect(simple?.text).toContain('simulated');
    expect(hard?.response.headers.get('x-llm-class')).toBe('complex_reasoning');
    expect(stream?.text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(JSON.parse(explain?.text ?? '')).toMatchObject({
      classification: { class: 'complex_reasoning' },
      rejected: [],
    });
    expect(fallback?.response.headers.get('x-llm-provider')).not.toBe('openai');
    expect(fallback?.response.headers.get('x-llm-attempts')).toBe('2');
    expect(JSON.parse(degraded?.text ?? '')).toMatchObject({ status: 'degraded' });
    expect(healed?.response.headers.get('x-llm-provider')).toBe('openai');
    expect(JSON.parse(decisions?.text ?? '')).toMatchObject({ kept: 5, decisions: [{}, {}, {}] });
    expect(JSON.parse(now?.text ?? '')).toMatchObject({ window: '5m', total: { requests: 5 } });
    expect(JSON.parse(health?.text ?? '')).toMatchObject({ status: 'ok' });
    expect(JSON.parse(kpis?.text ?? '')).toMatchObject({ total: { requests: 5, succeeded: 5 } });
    expect(JSON.parse(savings?.text ?? '')).toMatchObject({ baseline: 'gpt-4-turbo' });
    expect(JSON.parse(alerts?.text ?? '')).toMatchObject({ active: [] });
    expect(metrics?.text).toContain('llm_router_requests_total');
  });

  it('puts the key into the lines where keys are configured', () => {
    const keyed = guide('http://127.0.0.1:1', false, true).split('\n');
    const asking = keyed.filter((line) => line.startsWith('curl') && !line.endsWith('/health'));
    expect(asking.length).toBeGreaterThan(4);
    for (const line of asking) expect(line).toContain('authorization: Bearer $KEY');
  });

  it('refuses faults and providers it does not know', async () => {
    const url = await app.getUrl();
    const post = (path: string, body: unknown): Promise<Response> =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    expect((await post('/sandbox/openai/fail', { kind: 'nonsense' })).status).toBe(400);
    expect((await post('/sandbox/constructor/fail', { kind: 'refused' })).status).toBe(404);
  });
});

describe('the gateway over a file', () => {
  const LLM_ROUTER_CONFIG = 'router.yaml';

  it.each([
    [{}, false],
    [{ LLM_ROUTER_CONFIG }, false],
    [{ LLM_ROUTER_CONFIG, LLM_ROUTER_WATCH: '' }, false],
    [{ LLM_ROUTER_CONFIG, LLM_ROUTER_WATCH: '0' }, false],
    [{ LLM_ROUTER_CONFIG, LLM_ROUTER_WATCH: '1' }, true],
  ])('with %j watches it: %s', (environment, isWatched) => {
    expect(readSettings(environment).isWatched).toBe(isWatched);
  });

  it.each([{ LLM_ROUTER_WATCH: '1' }, { LLM_ROUTER_CONFIG, LLM_ROUTER_WATCH: 'yes' }])(
    'refuses %j',
    (environment) => {
      expect(() => readSettings(environment)).toThrow(/LLM_ROUTER_WATCH/);
    },
  );

  it('follows it, and says so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'llm-router-gateway-'));
    const file = join(folder, 'router.json');
    const content = (primary: string): string =>
      JSON.stringify({
        providers: { one: { api: 'openai', baseUrl: 'http://127.0.0.1:1/v1', apiKey: 'k' } },
        routingRules: { simple_queries: { primary } },
      });
    writeFileSync(file, content('gpt-4o-mini'));
    const logs = new LogCollector();
    const app = await NestFactory.create(GatewayModule.withFile(file, true), {
      logger: logs,
      abortOnError: false,
    });
    await app.listen(0, '127.0.0.1');
    try {
      writeFileSync(`${file}.new`, content('gpt-4.1'));
      renameSync(`${file}.new`, file);
      await logs.whenLines(/^Reconfigured/, 1);
      const response = await fetch(`${await app.getUrl()}/router/explain`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hello' }] }),
      });
      expect(await response.json()).toMatchObject({ plan: { attempts: [{ model: 'gpt-4.1' }] } });
      expect(guide('http://127.0.0.1:1', false, false, true)).toContain('the file is watched');
    } finally {
      await app.close();
      rmSync(folder, { recursive: true });
    }
  });
});
