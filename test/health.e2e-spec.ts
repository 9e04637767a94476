import {
  type BeforeApplicationShutdown,
  Controller,
  Get,
  Injectable,
  Module,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  ConfigurationError,
  LlmDeploymentHealthIndicator,
  LlmProviderHealthIndicator,
  LlmRouterHttpModule,
  LlmRouterModule,
  type LlmRouterOptions,
  LlmSurfaceHealthIndicator,
} from 'nestjs-llm-router';
import { createScriptedUpstream, type ScriptedUpstream } from 'nestjs-llm-router/testing';
import { createRouterApp, PLATFORMS, type RouterApp, type RouterAppOptions } from './support/router-app.js';

const CHAT = '/v1/chat/completions';
const ASK = { model: 'auto', messages: [{ role: 'user', content: 'What is the capital of France?' }] };
const SUPPORT = { 'x-llm-surface': 'support' };
/** Not SIGTERM: `@openai/agents`, which another spec may have loaded into this worker, ends the process on it. */
const SIGNAL = 'SIGUSR2';

interface Health {
  readonly httpStatus: number;
  readonly status: string;
  readonly error: Record<string, Record<string, unknown>>;
  readonly details: Record<string, Record<string, unknown>>;
}

async function healthOf(router: RouterApp, path = '/health'): Promise<Health> {
  const response = await router.fetch(path);
  return { httpStatus: response.status, ...((await response.json()) as Omit<Health, 'httpStatus'>) };
}

async function ask(router: RouterApp, headers = SUPPORT, body: object = {}): Promise<Response> {
  const response = await router.postJson(CHAT, { ...ASK, ...body }, headers);
  await response.text();
  return response;
}

@Controller('healthz')
class HealthzController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly providers: LlmProviderHealthIndicator,
    private readonly surfaces: LlmSurfaceHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check(): unknown {
    return this.health.check([
      ...this.providers.names().map((name) => () => this.providers.isHealthy(name)),
      ...this.surfaces.names().map((name) => () => this.surfaces.isHealthy(name)),
      () => this.surfaces.isHealthy('support', 'the support chat'),
    ]);
  }
}

describe.each(PLATFORMS)('health on %s', (platform) => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    vi.useRealTimers();
    for (const part of opened.splice(0).reverse()) await part.close();
  });

  /** Before the router is there. The wall clock alone: every timer runs on. */
  function holdTheClock(): (passMs: number) => void {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    return (passMs) => vi.setSystemTime(Date.now() + passMs);
  }

  interface Bench {
    readonly first: ScriptedUpstream;
    readonly second: ScriptedUpstream;
    readonly router: RouterApp;
  }

  /** Two providers; `support` takes both, `legal` is pinned to the better one, which is named like a surface. */
  async function open(
    options: LlmRouterOptions = {},
    setup: Partial<RouterAppOptions> = {},
    maxConcurrency?: number,
  ): Promise<Bench> {
    const first = await createScriptedUpstream({ api: 'openai' });
    const second = await createScriptedUpstream({ api: 'openai' });
    opened.push(first, second);
    const router = await createRouterApp({
      platform,
      options: {
        providers: {
          main: { api: 'openai', baseUrl: first.baseUrl, apiKey: 'secret-main' },
          support: { api: 'openai', baseUrl: second.baseUrl, apiKey: 'secret-spare' },
        },
        models: {
          alpha: { provider: 'main', quality: 0.5, maxConcurrency },
          beta: { provider: 'support', quality: 0.8 },
        },
        routingRules: { simple_queries: { primary: 'alpha', fallback: 'beta' } },
        surfaces: { support: { latencySloMs: 30_000 }, legal: { pin: 'beta' } },
        ...options,
      },
      ...setup,
    });
    opened.push(router);
    return { first, second, router };
  }

  describe('what is in it', () => {
    it('is up without traffic, providers and surfaces side by side, whatever their names', async () => {
      const { router } = await open();
      const health = await healthOf(router);
      expect(health).toMatchObject({ httpStatus: 200, status: 'ok', error: {} });
      expect(Object.keys(health.details)).toEqual(['main', 'support', 'surface.support', 'surface.legal']);
      expect(health.details.main).toEqual({
        status: 'up',
        breaker: 'closed',
        inFlight: 0,
        headroom: null,
        recentCalls: 0,
        recentErrorRate: 0,
        p95LatencyMs: null,
        p95TimeToFirstTokenMs: null,
        lastSuccessAt: null,
        lastErrorAt: null,
        lastErrorKind: null,
        rateLimitedUntil: null,
        keys: { total: 1, usable: 1, refused: [] },
        deployments: [expect.objectContaining({ model: 'alpha', breaker: 'closed' })],
      });
      expect(health.details['surface.support']).toMatchObject({
        status: 'up',
        recentRequests: 0,
        latencySloMs: 30_000,
        isWithinSlo: null,
        lastSuccessAt: null,
        lastErrorCode: null,
      });
      expect(health.details['surface.support']?.classes).toContainEqual({
        class: 'simple_queries',
        eligible: 2,
        able: 2,
        tier: 'primary',
        models: ['alpha', 'beta'],
      });
      expect(health.details['surface.legal']).toMatchObject({
        pinnedTo: 'beta',
        latencySloMs: 2_000,
        classes: [{ class: 'pinned', eligible: 1, able: 1, tier: 'primary', models: ['beta'] }],
      });
    });

    it('has figures of live traffic: calls, p95 of answers and of first tokens, last success, headroom', async () => {
      const { first, router } = await open({}, {}, 5);
      first.setLatency({ timeToFirstTokenMs: 30, tokensPerSecond: Infinity });
      const startedAt = Date.now();
      expect((await ask(router)).status).toBe(200);
      expect((await ask(router, SUPPORT, { stream: true })).status).toBe(200);
      const { details } = await healthOf(router);
      const main = details.main!;
      expect(main).toMatchObject({ status: 'up', recentCalls: 2, recentErrorRate: 0, headroom: 5 });
      for (const figures of [main, details['surface.support']!]) {
        for (const key of ['p95LatencyMs', 'p95TimeToFirstTokenMs']) {
          expect(figures[key], key).toBeGreaterThanOrEqual(29);
          expect(figures[key], key).toBeLessThan(5_000);
        }
        expect(Date.parse(String(figures.lastSuccessAt))).toBeGreaterThanOrEqual(startedAt);
      }
      expect(details['surface.support']).toMatchObject({
        recentRequests: 2,
        isWithinSlo: true,
        headroom: null,
      });
      expect(details['surface.legal']).toMatchObject({ recentRequests: 0 });
    });

    it('names names and counts, and neither key nor URL nor a word of a provider', async () => {
      const { first, second, router } = await open();
      first.failAlways({ kind: 'status', status: 401 });
      for (let count = 0; count < 6; count += 1) await ask(router);
      const text = await (await router.fetch('/health')).text();
      expect(text).toContain('authentication');
      expect(text).not.toMatch(/secret-|http:|127\.0\.0\.1|Incorrect|API key/);
      expect(text).not.toContain(String(first.port));
      expect(text).not.toContain(String(second.port));
    });

    it('counts a surface over its SLO as such', async () => {
      const { first, router } = await open({
        surfaces: { support: { latencySloMs: 20 } },
      });
      first.setLatency({ timeToFirstTokenMs: 60, tokensPerSecond: Infinity });
      // Bound to the one model: nobody moves on to another at the SLO.
      await ask(router, SUPPORT, { model: 'simple_queries', stream: true });
      await ask(router, SUPPORT, { stream: true });
      const { details } = await healthOf(router);
      expect(details['surface.support']).toMatchObject({ latencySloMs: 20, isWithinSlo: false });
    });
  });

  describe('in an outage', () => {
    it('is degraded with 200 from the first answer the fallback gave, and up after the next success', async () => {
      const { first, router } = await open();
      expect((await ask(router)).status).toBe(200);
      first.failAlways({ kind: 'refused' });
      const answer = await ask(router);
      expect(answer.headers.get('x-llm-tier')).toBe('secondary');
      const health = await healthOf(router);
      expect(health).toMatchObject({ httpStatus: 200, status: 'degraded', error: {} });
      expect(health.details.main).toMatchObject({
        status: 'degraded',
        breaker: 'closed',
        lastErrorKind: 'connection',
        recentErrorRate: 0.5,
        trouble: ['alpha: the last call failed'],
      });
      expect(health.details.support).toMatchObject({ status: 'up' });
      expect(health.details['surface.support']).toMatchObject({
        status: 'degraded',
        // Of requests, not of calls: the fallback served.
        recentErrorRate: 0,
        lastErrorCode: null,
      });
      expect(health.details['surface.support']?.trouble).toContain(
        'simple_queries: only fallbacks are able (secondary)',
      );
      expect(health.details['surface.legal']).toMatchObject({ status: 'up' });
      expect((await router.fetch('/health/ready')).status).toBe(200);
      await first.heal();
      expect((await ask(router)).headers.get('x-llm-tier')).toBe('primary');
      expect(await healthOf(router)).toMatchObject({ httpStatus: 200, status: 'ok' });
    });

    it('opens the breaker of what fails again and again; past its pause it is half open, able, and up', async () => {
      const pass = holdTheClock();
      const { first, router } = await open();
      first.failAlways({ kind: 'status', status: 500 });
      for (let count = 0; count < 6; count += 1) expect((await ask(router)).status).toBe(200);
      const sick = await healthOf(router);
      expect(sick.details.main).toMatchObject({ status: 'degraded', breaker: 'open', recentErrorRate: 1 });
      expect(sick.details.main?.deployments).toMatchObject([
        { breaker: 'open', lastErrorKind: 'server_error' },
      ]);
      expect(sick.details['surface.support']).toMatchObject({ status: 'degraded' });

      pass(31_000);
      const waiting = await healthOf(router);
      expect(waiting.details.main).toMatchObject({ status: 'up', breaker: 'half_open', recentCalls: 0 });
      expect(waiting.details['surface.support']).toMatchObject({ status: 'up' });
      // A probe that fails is no recovery: it is left alone for twice as long.
      expect((await ask(router)).headers.get('x-llm-tier')).toBe('secondary');
      const probed = await healthOf(router);
      expect(probed.details.main).toMatchObject({ status: 'degraded', breaker: 'open' });
      expect(probed.details.main?.trouble).toEqual([
        'alpha: failing (100 % of the last 1 calls), tried again in 10 s',
      ]);

      await first.heal();
      expect((await ask(router)).headers.get('x-llm-tier')).toBe('secondary');
      pass(10_001);
      expect((await ask(router)).headers.get('x-llm-tier')).toBe('primary');
      expect((await healthOf(router)).details.main).toMatchObject({ status: 'up', breaker: 'ramping' });
      pass(8_001);
      expect((await healthOf(router)).details.main).toMatchObject({ status: 'up', breaker: 'closed' });
    });

    it('tells until when a provider has asked us to wait', async () => {
      const { first, router } = await open();
      const startedAt = Date.now();
      first.failNext({ kind: 'status', status: 429, retryAfterSeconds: 20 });
      await ask(router);
      const { main } = (await healthOf(router)).details;
      expect(main).toMatchObject({ status: 'degraded', breaker: 'closed', lastErrorKind: 'rate_limited' });
      const until = Date.parse(String(main?.rateLimitedUntil));
      expect(until).toBeGreaterThan(startedAt + 19_000);
      expect(until).toBeLessThan(Date.now() + 21_000);
      expect(main?.trouble).toEqual([expect.stringMatching(/^alpha: rate-limited for another \d+ s$/)]);
    });

    it('says a surface down, and stays 200 and ready where none is named, when nothing answers', async () => {
      const { first, second, router } = await open();
      first.failAlways({ kind: 'refused' });
      second.failAlways({ kind: 'refused' });
      for (let count = 0; count < 6; count += 1) expect((await ask(router)).status).toBe(502);
      const health = await healthOf(router);
      expect(health).toMatchObject({ httpStatus: 200, status: 'degraded' });
      expect(Object.keys(health.error)).toEqual(['surface.support', 'surface.legal']);
      expect(health.details['surface.support']).toMatchObject({
        status: 'down',
        recentErrorRate: 1,
        lastErrorCode: 'all_attempts_failed',
      });
      expect(health.details['surface.support']?.trouble).toContain(
        'simple_queries: none of 2 deployments is able',
      );
      expect((await router.fetch('/health/ready')).status).toBe(200);
    });
  });

  describe('with failOnSurfaces', () => {
    it('fails health and readiness while such a surface has nothing that answers, and no longer', async () => {
      const pass = holdTheClock();
      const { first, second, router } = await open({ health: { failOnSurfaces: ['support'] } });
      first.failAlways({ kind: 'refused' });
      for (let count = 0; count < 6; count += 1) await ask(router);
      // The fallback still serves.
      expect(await healthOf(router)).toMatchObject({ httpStatus: 200, status: 'degraded' });
      expect((await router.fetch('/health/ready')).status).toBe(200);

      second.failAlways({ kind: 'refused' });
      // One failure is no outage.
      await ask(router);
      expect((await healthOf(router)).httpStatus).toBe(200);
      for (let count = 0; count < 6; count += 1) await ask(router);
      const health = await healthOf(router);
      expect(health).toMatchObject({ httpStatus: 503, status: 'error' });
      expect(Object.keys(health.error)).toEqual(['surface.support', 'surface.legal']);
      expect(health.details['surface.support']).toMatchObject({ status: 'down' });
      expect(health.details['surface.legal']).toMatchObject({ status: 'down' });
      const ready = await router.fetch('/health/ready');
      expect(ready.status).toBe(503);
      expect(await ready.json()).toEqual({ status: 'not_ready', surfaces: ['support'] });
      expect((await router.fetch('/health/live')).status).toBe(200);

      // Nobody sends traffic to an instance that is not ready: the wait alone brings it back.
      pass(31_000);
      expect(await healthOf(router)).toMatchObject({ httpStatus: 200, status: 'ok' });
      expect((await router.fetch('/health/ready')).status).toBe(200);
    });

    it('does not take a full deployment for a dead one', async () => {
      const { first, second, router } = await open(
        {
          health: { failOnSurfaces: ['support'] },
          routingRules: { simple_queries: { primary: 'alpha' } },
        },
        {},
        1,
      );
      first.failAlways({ kind: 'stalled', after: 'first_token' });
      const leave = new AbortController();
      await router.client.chat.completions.create(
        { ...ASK, messages: [{ role: 'user', content: 'Hello?' }], stream: true },
        { signal: leave.signal, headers: SUPPORT },
      );
      const health = await healthOf(router);
      expect(health).toMatchObject({ httpStatus: 200, status: 'degraded' });
      expect(health.details.main).toMatchObject({ inFlight: 1, headroom: 0, breaker: 'closed' });
      expect(health.details['surface.support']).toMatchObject({ status: 'degraded' });
      expect((await router.fetch('/health/ready')).status).toBe(200);
      leave.abort();
      await first.whenAborted(1);
      (router.app.getHttpServer() as Server).closeAllConnections();
      expect(second.requestCount).toBe(0);
    });

    it('does not take a rate limit for an outage: degraded, and ready', async () => {
      const { second, router } = await open({ health: { failOnSurfaces: ['legal'] } });
      second.failNext({ kind: 'status', status: 429, retryAfterSeconds: 20 });
      // A wait that fits into the deadline would be waited out.
      const hasty = { 'x-llm-surface': 'legal', 'x-llm-deadline-ms': '2000' };
      expect((await ask(router, hasty)).status).toBe(429);
      const health = await healthOf(router);
      expect(health).toMatchObject({ httpStatus: 200, status: 'degraded' });
      expect(health.details['surface.legal']).toMatchObject({
        status: 'degraded',
        trouble: ['pinned: none of 1 deployments is able'],
      });
      expect((await router.fetch('/health/ready')).status).toBe(200);
    });

    it('judges a pinned surface by its one model', async () => {
      const { second, router } = await open({ health: { failOnSurfaces: ['legal'] } });
      second.failAlways({ kind: 'status', status: 503 });
      for (let count = 0; count < 5; count += 1) await ask(router, { 'x-llm-surface': 'legal' });
      const health = await healthOf(router);
      expect(health.details['surface.legal']).toMatchObject({ status: 'down', pinnedTo: 'beta' });
      expect(health.details['surface.support']).toMatchObject({ status: 'up' });
    });

    it('refuses the boot over a name that is not configured, with "did you mean"', async () => {
      const boot = open({ health: { failOnSurfaces: ['suport'] } });
      await expect(boot).rejects.toBeInstanceOf(ConfigurationError);
      await expect(boot).rejects.toMatchObject({
        issues: [
          {
            path: 'health.failOnSurfaces[0]',
            message: expect.stringContaining('Did you mean "support"?') as string,
          },
        ],
      });
    });
  });

  describe('in the host’s own controller', () => {
    it('is the same, under keys of its own where it gives them', async () => {
      const { first, router } = await open(
        { health: { failOnSurfaces: ['support'] } },
        { imports: [TerminusModule], controllers: [HealthzController] },
      );
      const well = await healthOf(router, '/healthz');
      expect(well).toMatchObject({ httpStatus: 200, status: 'ok' });
      expect(Object.keys(well.details)).toEqual([
        ...['main', 'support', 'surface.support', 'surface.legal', 'the support chat'],
      ]);
      first.failAlways({ kind: 'refused' });
      await ask(router);
      const degraded = await healthOf(router, '/healthz');
      expect(degraded).toMatchObject({ httpStatus: 200, status: 'degraded' });
      expect(degraded.details['the support chat']).toMatchObject({ status: 'degraded' });
      expect(degraded.details).toMatchObject((await healthOf(router)).details);
    });

    it('is down where nothing serves a surface, but for the one that readiness may go by', async () => {
      const { first, second, router } = await open(
        { health: { failOnSurfaces: ['support'] } },
        { imports: [TerminusModule], controllers: [HealthzController] },
      );
      const surfaces = router.app.get(LlmSurfaceHealthIndicator);
      second.failAlways({ kind: 'refused' });
      for (let count = 0; count < 6; count += 1) await ask(router, { 'x-llm-surface': 'legal' });
      expect(surfaces.down()).toEqual(['legal']);
      expect(surfaces.isHealthy('legal')).toMatchObject({ 'surface.legal': { status: 'down' } });
      expect(surfaces.isReady('legal')).toMatchObject({ 'surface.legal': { status: 'degraded' } });
      // Its first tier still serves it.
      expect(surfaces.isHealthy('support')).toMatchObject({ 'surface.support': { status: 'up' } });
      expect(await healthOf(router, '/healthz')).toMatchObject({ httpStatus: 503, status: 'error' });
      expect(await healthOf(router)).toMatchObject({ httpStatus: 200, status: 'degraded' });
      expect((await router.fetch('/health/ready')).status).toBe(200);

      first.failAlways({ kind: 'refused' });
      for (let count = 0; count < 6; count += 1) await ask(router);
      expect(surfaces.isReady('support', 'chat')).toMatchObject({ chat: { status: 'down' } });
      expect((await router.fetch('/health/ready')).status).toBe(503);
    });

    it('tells of deployments, those in rules and pins by name', async () => {
      const { first, router } = await open();
      const deployments = router.app.get(LlmDeploymentHealthIndicator);
      expect(deployments.names()).toEqual(['main/alpha', 'support/beta']);
      expect(deployments.isHealthy('main/alpha', 'the small one')).toEqual({
        'the small one': {
          status: 'up',
          provider: 'main',
          deployment: 'main/alpha',
          model: 'alpha',
          isOut: false,
          breaker: 'closed',
          inFlight: 0,
          headroom: null,
          recentCalls: 0,
          recentErrorRate: 0,
          p95LatencyMs: null,
          p95TimeToFirstTokenMs: null,
          lastSuccessAt: null,
          lastErrorAt: null,
          lastErrorKind: null,
          rateLimitedUntil: null,
        },
      });
      first.failAlways({ kind: 'status', status: 500 });
      for (let count = 0; count < 6; count += 1) expect((await ask(router)).status).toBe(200);
      expect(deployments.isHealthy('main/alpha')).toMatchObject({
        'deployment.main/alpha': {
          status: 'degraded',
          isOut: true,
          breaker: 'open',
          lastErrorKind: 'server_error',
        },
      });
      expect(deployments.isHealthy('support/beta')).toMatchObject({
        'deployment.support/beta': { status: 'up', recentCalls: 6 },
      });
      expect(() => deployments.isHealthy('main/nobody')).toThrow(
        /no deployment "main\/nobody"; in rules: main\/alpha, support\/beta/,
      );
    });

    it('throws at a name that is not configured', async () => {
      const { router } = await open();
      const providers = router.app.get(LlmProviderHealthIndicator);
      const surfaces = router.app.get(LlmSurfaceHealthIndicator);
      expect(() => providers.isHealthy('nobody')).toThrow(
        /no LLM provider "nobody"; configured: main, support/,
      );
      expect(() => surfaces.isHealthy('nobody')).toThrow(/no surface "nobody"; configured: support, legal/);
    });
  });

  describe('readiness', () => {
    it('goes off at the host’s signal, before the drain: what still comes is served until then', async () => {
      let letGo: () => void = () => undefined;
      let reached: () => void = () => undefined;
      const hasReached = new Promise<void>((resolve) => (reached = resolve));
      /** A host's own pause before it closes, as Terminus' gracefulShutdownTimeoutMs makes one. */
      @Injectable()
      class Pause implements BeforeApplicationShutdown {
        async beforeApplicationShutdown(): Promise<void> {
          reached();
          await new Promise<void>((resolve) => (letGo = resolve));
        }
      }
      const { router } = await open(
        {},
        { providers: [Pause], configure: (app) => app.enableShutdownHooks([SIGNAL]) },
      );
      expect((await router.fetch('/health/ready')).status).toBe(200);
      // Nest sends the signal again once it has closed: it must find somebody.
      const again = new Promise<void>((resolve) => {
        let count = 0;
        const onSignal = (): void => {
          count += 1;
          if (count < 2) return;
          process.off(SIGNAL, onSignal);
          resolve();
        };
        process.on(SIGNAL, onSignal);
      });
      process.kill(process.pid, SIGNAL);
      await hasReached;
      try {
        const ready = await router.fetch('/health/ready');
        expect(ready.status).toBe(503);
        expect(await ready.json()).toEqual({ status: 'not_ready' });
        expect((await router.fetch('/health/live')).status).toBe(200);
        expect((await ask(router)).status).toBe(200);
      } finally {
        letGo();
      }
      await again;
      opened.splice(opened.indexOf(router), 1);
    });
  });
});

/** Fastify takes no request before it is ready. */
it('is not ready before the boot is complete, on Express', async () => {
  const upstream = await createScriptedUpstream({ api: 'openai' });
  /** Listens at once, as a host does that wants its liveness probe answered during a long boot. */
  @Injectable()
  class Impatient implements OnModuleInit {
    url = '';
    early: Response | undefined;

    constructor(private readonly host: HttpAdapterHost<ExpressAdapter>) {}

    async onModuleInit(): Promise<void> {
      const server = this.host.httpAdapter.getHttpServer() as Server;
      await once(server.listen(0, '127.0.0.1'), 'listening');
      this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      this.early = await fetch(`${this.url}/health/ready`);
    }
  }
  @Module({
    imports: [
      LlmRouterModule.forRoot({
        providers: { openai: { api: 'openai', baseUrl: upstream.baseUrl } },
        routingRules: { simple_queries: { primary: 'gpt-4o-mini' } },
      }),
      LlmRouterHttpModule.register(),
    ],
    providers: [Impatient],
  })
  class SlowModule {}
  const app = await NestFactory.create(SlowModule, new ExpressAdapter(), {
    logger: false,
    abortOnError: false,
  });
  try {
    await app.init();
    const { url, early } = app.get(Impatient);
    expect(early?.status).toBe(503);
    expect(await early?.json()).toEqual({ status: 'not_ready' });
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
  } finally {
    await app.close();
    await upstream.close();
  }
});
