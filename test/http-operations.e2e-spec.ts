import type { Server } from 'node:http';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import type { Explanation, KpiReport } from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { parsePrometheusText } from './support/prometheus-text.js';
import { createRouterApp, PLATFORMS, type RouterApp } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const MESSAGES = [{ role: 'user' as const, content: 'What is the capital of France?' }];

describe.each(PLATFORMS)('what operators see on %s', (platform) => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const part of opened.splice(0).reverse()) await part.close();
  });

  async function open(): Promise<{ first: ScriptedUpstream; second: ScriptedUpstream; router: RouterApp }> {
    const first = await createScriptedUpstream({ api: 'openai' });
    const second = await createScriptedUpstream({ api: 'openai' });
    opened.push(first, second);
    const price = { inputPer1M: 1, outputPer1M: 10 };
    const router = await createRouterApp({
      platform,
      options: {
        providers: {
          first: { api: 'openai', baseUrl: first.baseUrl, apiKey: 'test-key' },
          second: { api: 'openai', baseUrl: second.baseUrl, apiKey: 'test-key' },
        },
        models: {
          alpha: { provider: 'first', price, quality: 0.4 },
          'vendor/beta': { provider: 'second', price, quality: 0.8 },
        },
        routingRules: { simple_queries: { primary: 'alpha', fallback: 'vendor/beta' } },
        surfaces: { support: {}, legal: { qualityFloor: 0.7 } },
        // Each of the two once: what is counted here is one failure.
        execution: { maxAttempts: 2 },
      },
    });
    opened.push(router);
    return { first, second, router };
  }

  async function readKpis(router: RouterApp): Promise<KpiReport> {
    return (await (await router.fetch('/router/kpis')).json()) as KpiReport;
  }

  describe('/v1/models', () => {
    it('lists what a client may name, and every name listed works', async () => {
      const { router } = await open();
      const listed: string[] = [];
      for await (const model of router.client.models.list()) {
        expect(model).toMatchObject({ object: 'model', created: expect.any(Number) as number });
        expect(model.owned_by).not.toBe('');
        listed.push(model.id);
      }
      expect(listed).toEqual(expect.arrayContaining(['auto', 'simple_queries', 'alpha', 'vendor/beta']));
      expect(new Set(listed).size).toBe(listed.length);
      const isForVectors = (name: string): boolean => name.includes('embedding');
      expect(listed.some(isForVectors)).toBe(true);
      for (const model of listed.filter(isForVectors)) {
        const answer = await router.client.embeddings.create({ model, input: 'x' });
        expect(answer.data).toHaveLength(1);
      }
      for (const model of listed.filter((name) => !isForVectors(name))) {
        const answer = await router.client.chat.completions.create({ model, messages: MESSAGES });
        expect(answer.choices).toHaveLength(1);
      }
    });

    it('gives one by its name, a slash in it included, and 404 for the rest', async () => {
      const { router } = await open();
      expect(await router.client.models.retrieve('alpha')).toMatchObject({ id: 'alpha', owned_by: 'first' });
      expect(await router.client.models.retrieve('vendor/beta')).toMatchObject({ id: 'vendor/beta' });
      for (const name of ['gpt-97', 'constructor', '__proto__']) {
        await expect(router.client.models.retrieve(name)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
        await expect(router.client.models.retrieve(name)).rejects.toMatchObject({ code: 'model_not_found' });
      }
    });
  });

  describe('health', () => {
    it('is up in Terminus’ shape before any traffic, by provider', async () => {
      const { router } = await open();
      const response = await router.fetch('/health');
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('no-store');
      const health = (await response.json()) as Record<string, unknown>;
      expect(health).toMatchObject({
        status: 'ok',
        error: {},
        details: { first: { status: 'up', recentCalls: 0 }, second: { status: 'up', recentCalls: 0 } },
      });
      expect(health.info).toEqual(health.details);
    });

    it('stays 200 and says degraded while a provider fails, and up again when it has recovered', async () => {
      const { first, router } = await open();
      first.failAlways({ kind: 'status', status: 500 });
      const ask = (): Promise<Response> => router.postJson(CHAT, { messages: MESSAGES, model: 'auto' });
      // The failing one is put behind after a few failures; until then each request tries it first.
      for (let request = 0; request < 12; request += 1) expect((await ask()).status).toBe(200);
      const response = await router.fetch('/health');
      expect(response.status).toBe(200);
      const health = (await response.json()) as {
        status: string;
        details: Record<string, Record<string, unknown>>;
      };
      expect(health.details.first).toMatchObject({ status: 'degraded', lastErrorKind: 'server_error' });
      expect(health.details.first?.trouble).toEqual([expect.stringMatching(/^alpha: /)]);
      expect(health.details.second).toMatchObject({ status: 'up', recentErrorRate: 0 });
      expect(health.status).toBe('degraded');
      expect((await router.fetch('/health/ready')).status).toBe(200);
    });

    it('is live and ready, then not ready from the moment the application closes, while it drains', async () => {
      const { first, router } = await open();
      first.setReply(() => ({ text: 'one two three four five six seven eight' }));
      first.failAlways({ kind: 'stalled', after: 'first_token' });
      expect(await (await router.fetch('/health/live')).json()).toEqual({ status: 'ok' });
      expect(await (await router.fetch('/health/ready')).json()).toEqual({ status: 'ok' });

      const leave = new AbortController();
      const stream = await router.client.chat.completions.create(
        { model: 'auto', messages: MESSAGES, stream: true },
        { signal: leave.signal },
      );
      const closing = router.close();
      opened.splice(opened.indexOf(router), 1);
      const ready = await router.fetch('/health/ready');
      expect(ready.status).toBe(503);
      expect(await ready.json()).toEqual({ status: 'not_ready' });
      expect((await router.fetch('/health/live')).status).toBe(200);
      expect((await router.postJson(CHAT, { messages: MESSAGES })).status).toBe(503);

      // The stream that was under way is still there, until its reader leaves.
      const iterator = stream[Symbol.asyncIterator]();
      expect((await iterator.next()).done).toBe(false);
      leave.abort();
      await first.whenAborted(1);
      (router.app.getHttpServer() as Server).closeAllConnections();
      await closing;
    });
  });

  describe('/metrics', () => {
    it('parses, counts what was sent, and takes no label from a client', async () => {
      const { first, router } = await open();
      first.setReply(() => ({ text: 'Paris.', usage: { promptTokens: 12, completionTokens: 3 } }));
      for (const [body, headers] of [
        [{}, {}],
        [{ stream: true }, { 'x-llm-surface': 'support' }],
        [{}, { 'x-llm-surface': 'legal' }],
        [{ model: 'canary-model' }, {}],
        [{ model: '__proto__' }, {}],
        [{}, { 'x-llm-surface': 'canary-surface' }],
        [{}, { 'x-llm-surface': 'constructor' }],
        [{}, { 'x-llm-workload': 'canary-workload' }],
        [{}, { 'x-llm-tenant': 'canary-tenant' }],
        [{ user: 'canary-user' }, {}],
      ] as const) {
        await (await router.postJson(CHAT, { messages: MESSAGES, ...body }, headers)).text();
      }
      const response = await router.fetch('/metrics');
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
      const text = await response.text();
      expect(text).not.toMatch(/canary|__proto__|constructor/);
      const { types, samples } = parsePrometheusText(text);

      const allowed = new Set([
        ...['alpha', 'vendor/beta', 'first', 'second', 'none', 'support', 'legal'],
        ...['simple_queries', 'complex_reasoning', 'interactive', 'background'],
        ...['primary', 'secondary', 'tertiary', 'succeeded', 'rejected', ''],
        ...['input', 'output', 'cached_input', 'cache_write', 'reasoning', 'other'],
        ...['invalid_request', 'model_not_found', 'surface_not_allowed'],
        // Shown at zero, so that their first burst is seen to grow.
        ...['failed', 'timed_out', 'shed', 'rate_limited', 'overloaded', 'server_error', 'connection'],
        ...['bad_response', 'timeout'],
      ]);
      for (const { name, labels } of samples) {
        if (name === 'llm_router_build_info') continue;
        for (const [label, value] of Object.entries(labels)) {
          if (label !== 'le') expect(allowed, `${name} ${label}`).toContain(value);
        }
      }
      const sum = (name: string, where: Record<string, string> = {}): number =>
        samples
          .filter((sample) => sample.name === name)
          .filter(({ labels }) => Object.entries(where).every(([label, value]) => labels[label] === value))
          .reduce((total, { value }) => total + value, 0);
      expect(types.get('llm_router_requests_total')).toBe('counter');
      expect(types.get('gen_ai_client_operation_duration_seconds')).toBe('histogram');
      expect(sum('llm_router_requests_total')).toBe(10);
      expect(sum('llm_router_requests_total', { outcome: 'succeeded' })).toBe(5);
      expect(sum('llm_router_requests_total', { outcome: 'rejected' })).toBe(5);
      expect(sum('llm_router_requests_total', { surface: 'support' })).toBe(1);
      expect(sum('llm_router_attempts_total', { gen_ai_provider_name: 'second' })).toBe(1);
      expect(sum('gen_ai_client_operation_duration_seconds_count')).toBe(5);
      expect(
        sum('gen_ai_client_token_usage_total', { gen_ai_provider_name: 'first', gen_ai_token_type: 'input' }),
      ).toBe(4 * 12);
      expect(sum('llm_router_attempts_in_flight')).toBe(0);
    });
  });

  describe('/router/kpis', () => {
    it('agrees with what was sent', async () => {
      const { first, second, router } = await open();
      const usage = { promptTokens: 1_000, completionTokens: 100 };
      for (const upstream of [first, second]) upstream.setReply(() => ({ text: 'Paris.', usage }));
      const ask = async (body: object = {}, headers: Record<string, string> = {}): Promise<number> => {
        const response = await router.postJson(CHAT, { messages: MESSAGES, ...body }, headers);
        await response.text();
        return response.status;
      };
      expect(await ask()).toBe(200);
      expect(await ask({ stream: true }, { 'x-llm-surface': 'support' })).toBe(200);
      first.failNext({ kind: 'status', status: 500 });
      expect(await ask({}, { 'x-llm-surface': 'support' })).toBe(200);
      expect(await ask({}, { 'x-llm-surface': 'legal' })).toBe(200);
      first.failNext({ kind: 'status', status: 500 });
      second.failNext({ kind: 'status', status: 500 });
      expect(await ask()).toBe(502);
      expect(await ask({ temperature: 9 })).toBe(400);
      expect(await ask({ model: 'gpt-97' })).toBe(404);

      const report = await readKpis(router);
      expect(report.total).toMatchObject({
        requests: 7,
        succeeded: 4,
        errors: 1,
        timeouts: 0,
        refused: 2,
        errorRate: 0.2,
      });
      expect(report.surfaces.none).toMatchObject({ requests: 4, succeeded: 1, errors: 1, refused: 2 });
      expect(report.surfaces.support).toMatchObject({ requests: 2, succeeded: 2 });
      expect(report.surfaces.legal).toMatchObject({ requests: 1, succeeded: 1 });
      expect(report.models.alpha).toMatchObject({ requests: 4, succeeded: 2, errors: 2 });
      expect(report.models['vendor/beta']).toMatchObject({ requests: 3, succeeded: 2, errors: 1 });
      expect(report.providers.first).toEqual(report.models.alpha);
      expect(Object.values(report.deployments)).toHaveLength(2);
      expect(report.models.alpha?.tokens).toMatchObject({ promptTokens: 2_000, completionTokens: 200 });
      // 1,000 tokens at 1 dollar, 100 at 10 dollars a million.
      expect(report.total.costUsd).toBeCloseTo(4 * 0.002, 9);
      expect(report.total.costPerRequestUsd).toBeCloseTo((4 * 0.002) / 7, 9);
      expect(report.surfaces.support?.timeToFirstTokenMs).toBeDefined();
      expect(report.surfaces.legal?.timeToFirstTokenMs).toBeUndefined();
      const { p50, p95, p99 } = report.total.latencyMs!;
      expect(p50).toBeGreaterThan(0);
      expect(p95).toBeGreaterThanOrEqual(p50);
      expect(p99).toBeGreaterThanOrEqual(p95);
      expect(new Date(report.since).getTime()).toBeLessThanOrEqual(Date.now());
    });
  });

  describe('/router/explain', () => {
    it('says class, score, attempts and rejections, calls nothing and counts nothing', async () => {
      const { first, second, router } = await open();
      const response = await router.postJson(
        '/router/explain',
        { messages: MESSAGES },
        { 'x-llm-surface': 'legal' },
      );
      expect(response.status).toBe(200);
      const explained = (await response.json()) as Explanation;
      expect(explained.classification.class).toBe('simple_queries');
      expect(explained.classification.score).toBeGreaterThanOrEqual(0);
      expect(explained.classification.score).toBeLessThanOrEqual(1);
      expect(explained.plan.attempts).toMatchObject([
        { model: 'vendor/beta', provider: 'second', tier: 'secondary' },
      ]);
      expect(explained.rejected).toMatchObject([
        { model: 'alpha', provider: 'first', reason: 'quality_floor' },
      ]);
      expect(first.requestCount + second.requestCount).toBe(0);
      expect((await readKpis(router)).total.requests).toBe(0);
    });

    it('says what the next request does', async () => {
      const { router } = await open();
      for (const body of [
        { messages: MESSAGES },
        {
          messages: [{ role: 'user', content: 'Prove by induction that the sum is n(n+1)/2, step by step.' }],
        },
        { messages: MESSAGES, model: 'vendor/beta', stream: true },
      ]) {
        const explained = (await (await router.postJson('/router/explain', body)).json()) as Explanation;
        const answered = await router.postJson(CHAT, body);
        await answered.text();
        expect(answered.headers.get('x-llm-class')).toBe(explained.classification.class);
        if (answered.status === 200) {
          expect(answered.headers.get('x-llm-model')).toBe(explained.plan.attempts[0]?.model);
        } else {
          expect(explained.plan.attempts).toEqual([]);
        }
      }
    });

    it('repeats nothing of the prompt', async () => {
      const { router } = await open();
      const messages = [{ role: 'user', content: 'canary-6021' }];
      expect(await (await router.postJson('/router/explain', { messages })).text()).not.toContain(
        'canary-6021',
      );
    });
  });
});
