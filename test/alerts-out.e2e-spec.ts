import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, Scope } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Alert,
  ALERT_SIGNATURE_HEADER,
  ALERT_TIMESTAMP_HEADER,
  type AlertChange,
  type AlertReport,
  type AlertWebhookMessage,
  type Explanation,
  type LlmRouterOptions,
  OnLlmAlert,
  RouterService,
  verifyAlertSignature,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createFaultBench, type FaultBench } from './support/fault-bench.js';
import { LogCollector } from './support/log-collector.js';
import { type Platform, PLATFORMS } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const MESSAGES = [{ role: 'user' as const, content: 'canary prompt' }];
const PRICE = { inputPer1M: 1, outputPer1M: 2 };
const SECRET = 'canary-secret';

interface Delivery {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly url: string;
}

/** A receiver of webhooks. */
class Receiver {
  readonly deliveries: Delivery[] = [];
  /** The statuses of the next answers; `hang`: none is given. Then 204. */
  readonly script: (number | 'hang')[] = [];
  /** Sent along with every answer. */
  location: string | undefined;
  #server!: Server;
  #waiters: { count: number; resolve: () => void }[] = [];

  async open(): Promise<void> {
    this.#server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (piece: string) => (body += piece));
      request.on('end', () => {
        this.deliveries.push({ headers: request.headers, body, url: request.url ?? '' });
        for (const { count, resolve } of this.#waiters) if (this.deliveries.length >= count) resolve();
        const status = this.script.shift() ?? 204;
        if (status === 'hang') return;
        response.writeHead(status, this.location === undefined ? {} : { location: this.location }).end();
      });
    });
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks?key=canary-key`;
  }

  whenDelivered(count: number): Promise<void> {
    if (this.deliveries.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push({ count, resolve }));
  }

  messages(): AlertWebhookMessage[] {
    return this.deliveries.map(({ body }) => JSON.parse(body) as AlertWebhookMessage);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const context = new AsyncLocalStorage<string>();

@Injectable()
class Pager {
  readonly heard: [AlertChange, string, string | undefined][] = [];
  readonly critical: string[] = [];
  readonly budgets: string[] = [];

  @OnLlmAlert()
  hear(alert: Alert, change: AlertChange): void {
    this.heard.push([change, alert.kind, context.getStore()]);
  }

  @OnLlmAlert({ severity: 'critical' })
  page({ kind }: Alert, change: AlertChange): Promise<void> {
    this.critical.push(`${change} ${kind}`);
    return Promise.resolve();
  }

  @OnLlmAlert({ kinds: ['budget'] })
  count({ kind }: Alert): void {
    this.budgets.push(kind);
  }

  @OnLlmAlert()
  throws(): void {
    throw new TypeError('canary-key');
  }

  @OnLlmAlert()
  async rejects(): Promise<void> {
    await Promise.resolve();
    throw new RangeError('canary-key');
  }
}

@Injectable({ scope: Scope.REQUEST })
class PerRequest {
  @OnLlmAlert()
  hear(): void {
    throw new Error('never');
  }
}

describe('alerts on their way out', () => {
  let upstream: ScriptedUpstream;
  let spare: ScriptedUpstream;
  let receiver: Receiver;
  let bench: FaultBench;
  let logger: LogCollector;

  function optionsWith(extra: LlmRouterOptions = {}): LlmRouterOptions {
    return {
      providers: {
        first: { api: 'openai', baseUrl: upstream.baseUrl },
        second: { api: 'openai', baseUrl: spare.baseUrl },
      },
      models: {
        alpha: { provider: 'first', price: PRICE },
        beta: { provider: 'second', price: PRICE },
        free: { provider: 'second' },
        other: { provider: 'second', price: PRICE, upstreamModel: 'vendor/other-large' },
      },
      routingRules: {
        simple_queries: { primary: 'alpha', fallback: 'beta' },
        alone: { primary: 'alpha' },
        unpriced: { primary: 'free' },
      },
      surfaces: { support: {} },
      // A share of faults alone takes no traffic away here: all of it is to be counted.
      execution: { maxAttempts: 1, breaker: { errorRate: 1 } },
      ...extra,
      alerts: { minRequests: 20, windowMs: 10_000, ...extra.alerts },
    };
  }

  async function open(extra: LlmRouterOptions = {}, platform: Platform = 'express'): Promise<void> {
    logger = new LogCollector();
    bench = await createFaultBench({
      platform,
      logger,
      options: optionsWith(extra),
      providers: [Pager, PerRequest, { provide: 'again', useExisting: Pager }],
    });
  }

  async function ask(count: number, model: string, body: object = {}): Promise<number[]> {
    const statuses: number[] = [];
    for (let request = 0; request < count; request += 1) {
      const answer = await bench.postJson(
        CHAT,
        { model, messages: MESSAGES, ...body },
        { 'x-llm-surface': 'support' },
      );
      await answer.text();
      statuses.push(answer.status);
    }
    return statuses;
  }

  /** Three of ten fail: a warning, and no more. */
  async function burn(): Promise<void> {
    for (let request = 0; request < 20; request += 1) {
      if (request % 4 === 0) upstream.failNext({ kind: 'status', status: 500 });
      await ask(1, 'alone');
    }
  }

  async function read(query = ''): Promise<AlertReport> {
    return (await (await bench.fetch(`/router/alerts${query}`)).json()) as AlertReport;
  }

  beforeEach(async () => {
    upstream = await createScriptedUpstream({ api: 'openai' });
    spare = await createScriptedUpstream({ api: 'openai' });
    receiver = new Receiver();
    await receiver.open();
  });

  afterEach(async () => {
    vi.useRealTimers();
    await bench.close();
    await Promise.all([upstream.close(), spare.close(), receiver.close()]);
  });

  describe('by webhook', () => {
    it('are signed, so that the receiver knows them', async () => {
      await open({ alerts: { webhook: { url: receiver.url, secret: SECRET } } });
      await burn();
      await read();
      await receiver.whenDelivered(2);
      expect(receiver.messages().map(({ event, alert }) => [event, alert.kind, alert.subject])).toEqual([
        ['alert.raised', 'error_rate', { deployment: 'first/alpha' }],
        ['alert.raised', 'error_rate', { surface: 'support' }],
      ]);
      for (const { headers, body, url } of receiver.deliveries) {
        expect(url).toBe('/hooks?key=canary-key');
        expect(headers['content-type']).toBe('application/json');
        const timestamp = headers[ALERT_TIMESTAMP_HEADER] as string;
        const signature = headers[ALERT_SIGNATURE_HEADER] as string;
        const expected = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
        expect(signature).toBe(`v1=${expected}`);
        const received = { secret: SECRET, timestamp, signature, body };
        expect(verifyAlertSignature(received)).toBe(true);
        expect(verifyAlertSignature({ ...received, body: `${body} ` })).toBe(false);
        expect(verifyAlertSignature({ ...received, secret: 'another' })).toBe(false);
        expect(verifyAlertSignature({ ...received, timestamp: String(Number(timestamp) + 1) })).toBe(false);
        expect(verifyAlertSignature({ ...received, nowMs: Date.now() + 301_000 })).toBe(false);
        expect(verifyAlertSignature({ ...received, signature: undefined })).toBe(false);
        expect(body).not.toContain('canary');
      }
      const { active } = await read();
      expect(receiver.messages()[0]?.alert.id).toBe(active[0]?.id);
      expect(logger.lines.join('\n')).not.toContain('canary');
    });

    it('are a message that Slack takes, where that is wanted', async () => {
      await open({ alerts: { webhook: { url: receiver.url, format: 'slack' } } });
      await burn();
      await read();
      await receiver.whenDelivered(1);
      const [{ body, headers } = { body: '', headers: {} }] = receiver.deliveries;
      expect(JSON.parse(body)).toMatchObject({
        text: 'Alert (warning): error rate – first/alpha: 25 % of 20 calls in 10 s failed (threshold 2 %)',
        blocks: [{ type: 'section', text: { type: 'mrkdwn' } }, { type: 'context' }],
      });
      expect(headers).not.toHaveProperty(ALERT_SIGNATURE_HEADER);
    });

    it('are sent again until they arrive, each try the same message', async () => {
      receiver.script.push(503, 429, 204);
      await open({
        alerts: { webhook: { url: receiver.url, baseDelayMs: 1 }, ignore: ['no_eligible_model'] },
      });
      await burn();
      await read();
      await receiver.whenDelivered(4);
      const ids = receiver.deliveries.map(({ headers }) => headers['x-llm-router-delivery']);
      expect(new Set(ids.slice(0, 3)).size).toBe(1);
      expect(ids[3]).not.toBe(ids[0]);
    });

    it('are given up after so many tries, or at once where no try would help, and the log says so', async () => {
      receiver.script.push(500, 500, 302);
      receiver.location = receiver.url;
      await open({ alerts: { webhook: { url: receiver.url, baseDelayMs: 1, maxTries: 2 } } });
      await burn();
      await read();
      const lines = await logger.whenLines(/Alert webhook/, 2);
      expect(lines).toEqual([
        'Alert webhook: a message was given up (HTTP 500, try 2) LlmRouterModule',
        'Alert webhook: a message was given up (HTTP 302, try 1) LlmRouterModule',
      ]);
      // The redirect is followed by nobody.
      expect(receiver.deliveries).toHaveLength(3);
    });

    it.each(['hangs', 'is down'])(
      'delay no request where the receiver %s, and no shutdown for long',
      async (how) => {
        receiver.script.push(...Array<'hang'>(20).fill('hang'));
        const url = how === 'hangs' ? receiver.url : 'http://127.0.0.1:1/canary-key';
        await open({ alerts: { webhook: { url, timeoutMs: 30_000, baseDelayMs: 60_000 } } });
        await burn();
        await read();
        if (how === 'hangs') await receiver.whenDelivered(1);
        expect(await ask(5, 'alone')).toEqual(Array(5).fill(200));
        const started = performance.now();
        await bench.close();
        expect(performance.now() - started).toBeLessThan(5_000);
        expect(logger.lines.join('\n')).not.toContain('canary');
      },
    );

    it('are cleared by a shutdown, which says so, so that no incident stays open', async () => {
      await open({ alerts: { webhook: { url: receiver.url } } });
      await burn();
      const { active } = await read();
      expect(active).toHaveLength(2);
      await receiver.whenDelivered(2);
      const pager = bench.app.get(Pager);
      await bench.close();
      expect(receiver.messages().slice(2)).toEqual(
        active.map((alert) => ({
          event: 'alert.cleared',
          alert: { ...alert, clearedAt: expect.any(String) as string, clearedBy: 'shutdown' },
        })),
      );
      const lines = logger.lines.filter((line) => line.includes('Alert cleared'));
      expect(lines).toHaveLength(2);
      expect(lines[0]).toContain('Alert cleared by the shutdown (error_rate): first/alpha');
      expect(pager.heard.map(([change]) => change)).toEqual(['raised', 'raised', 'cleared', 'cleared']);
    });

    it('follow a reload, in address, secret and form', async () => {
      // The wall clock alone: every timer runs on.
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
      await open();
      await burn();
      await read();
      expect(receiver.deliveries).toEqual([]);
      const router = bench.app.get(RouterService);
      const before = bench.engine.runtime.policy.hash;
      await router.reconfigure(
        optionsWith({ alerts: { webhook: { url: receiver.url, secret: SECRET, format: 'slack' } } }),
      );
      expect(bench.engine.runtime.policy.hash).toBe(before);
      vi.setSystemTime(Date.now() + 10_000);
      await read();
      await receiver.whenDelivered(2);
      expect(receiver.deliveries[0]?.body).toContain('"Cleared: error rate');
      await router.reconfigure(optionsWith({ alerts: { enabled: true } }));
      upstream.failAlways({ kind: 'status', status: 500 });
      await ask(20, 'alone');
      expect((await read()).active).not.toEqual([]);
      await bench.close();
      expect(receiver.deliveries).toHaveLength(2);
    });
  });

  it('come to handlers, outside any request, and what these throw harms nothing', async () => {
    await open({ alerts: { ignore: ['no_eligible_model', 'breaker_open'] } });
    const pager = bench.app.get(Pager);
    await context.run('a request', async () => {
      const router = bench.app.get(RouterService);
      upstream.failAlways({ kind: 'status', status: 500 });
      for (let count = 0; count < 20; count += 1) {
        await router
          .chat({ model: 'alone', messages: MESSAGES }, { surface: 'support' })
          .catch(() => undefined);
      }
      router.alerts();
    });
    await logger.whenLines(/@OnLlmAlert on Pager\.rejects failed/, 2);
    expect(pager.heard.slice(0, 2)).toEqual([
      ['raised', 'error_rate', undefined],
      ['raised', 'error_rate', undefined],
    ]);
    expect(pager.critical.slice(0, 2)).toEqual(['raised error_rate', 'raised error_rate']);
    expect(pager.budgets).toEqual([]);
    expect(logger.lines.find((line) => line.includes('Pager.throws failed'))).toContain('TypeError');
    expect(logger.lines.find((line) => line.includes('Pager.rejects failed'))).toContain('RangeError');
    expect(logger.lines.filter((line) => line.includes('PerRequest.hear is never called'))).toHaveLength(1);
    expect(logger.lines.join('\n')).not.toContain('canary');
  });

  it('take a deployment out while they are critical, and never the last that may serve', async () => {
    await open();
    for (let request = 0; request < 30; request += 1) {
      if (request % 3 !== 0) upstream.failNext({ kind: 'status', status: 500 });
      await ask(1, 'alone');
    }
    expect((await read()).active).toContainEqual(
      expect.objectContaining({
        kind: 'error_rate',
        severity: 'critical',
        subject: { deployment: 'first/alpha' },
      }),
    );
    await upstream.heal();
    const answer = await bench.postJson('/router/explain', { model: 'simple_queries', messages: MESSAGES });
    const { plan } = (await answer.json()) as Explanation;
    expect(
      plan.attempts.map(({ deployment, terms, deferred }) => [deployment, terms.alert, deferred]),
    ).toEqual([
      ['second/beta', 0, null],
      ['first/alpha', 1, 'in a critical alert (over minutes far too many calls failed)'],
    ]);
    const [before, beforeSpare] = [upstream.requestCount, spare.requestCount];
    expect(await ask(10, 'simple_queries')).toEqual(Array(10).fill(200));
    // A few may go there to see whether it is well again.
    expect(spare.requestCount - beforeSpare).toBeGreaterThanOrEqual(8);
    expect(upstream.requestCount - before).toBeLessThanOrEqual(2);
    expect(await ask(5, 'alone')).toEqual(Array(5).fill(200));
  });

  it('tell of budgets, and of what the catalogue does not know', async () => {
    await open({
      surfaces: { support: { budget: { per: 'day', usd: 0.001, onExceeded: 'downgrade' } } },
      models: {
        alpha: { provider: 'first', price: { inputPer1M: 1_000, outputPer1M: 1_000 } },
        beta: { provider: 'second', price: PRICE },
        free: { provider: 'second' },
      },
    });
    await ask(5, 'alone');
    await ask(1, 'unpriced');
    const kinds = (await read()).active.map(({ kind, severity }) => `${kind} ${severity}`);
    expect(kinds).toContain('budget critical');
    expect(kinds).toContain('unknown_price warning');
  });

  it('tell of a surface whose requests no model may serve', async () => {
    const blind = { price: PRICE, capabilities: ['streaming' as const] };
    await open({
      models: {
        alpha: { provider: 'first', ...blind },
        beta: { provider: 'second', ...blind },
        free: { provider: 'second', ...blind },
      },
    });
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }];
    expect(await ask(4, 'simple_queries', { tools })).toEqual(Array(4).fill(400));
    expect((await read()).active).toEqual([]);
    await ask(1, 'simple_queries', { tools });
    expect((await read()).active).toMatchObject([
      { kind: 'no_eligible_model', severity: 'critical', subject: { surface: 'support' } },
    ]);
  });
});

describe.each(PLATFORMS)('GET /router/alerts, on %s', (platform) => {
  it('gives those that stand, those that were cleared, or both, and refuses another state', async () => {
    const upstream = await createScriptedUpstream({ api: 'openai' });
    const bench = await createFaultBench({
      platform,
      options: {
        providers: { first: { api: 'openai', baseUrl: upstream.baseUrl } },
        models: { alpha: { provider: 'first' } },
        routingRules: { simple_queries: { primary: 'alpha' } },
      },
    });
    try {
      await (await bench.postJson(CHAT, { model: 'auto', messages: MESSAGES })).text();
      const read = async (query: string): Promise<AlertReport> =>
        (await (await bench.fetch(`/router/alerts${query}`)).json()) as AlertReport;
      expect(await read('')).toMatchObject({
        active: [{ kind: 'unknown_price', subject: { deployment: 'first/alpha' } }],
        recent: [],
        history: [{ kind: 'unknown_price', clearedAt: null }],
      });
      expect(await read('?state=cleared')).toEqual({ enabled: true, active: [], recent: [], history: [] });
      expect((await read('?state=active')).active).toHaveLength(1);
      for (const query of ['?state=activ', '?state=active&state=cleared', '?state=']) {
        const refused = await bench.fetch(`/router/alerts${query}`);
        expect(refused.status).toBe(400);
        expect(await refused.text()).toContain('must be one of active, cleared');
      }
    } finally {
      await bench.close();
      await upstream.close();
    }
  });
});
